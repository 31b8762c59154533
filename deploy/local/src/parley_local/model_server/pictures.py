"""Pictures in requests of either protocol, and models that are about them: `sees`, `blind`, and what the list
of models says of these.
"""

from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from parley_local.model_server.steps import Answer, Behaviour, Done, Finish, Refusal, Said
from parley_local.model_server.tokens import pieces_of

#: The forms of their names, and what they do.
FORMS: Final = (
    ("sees", "how many pictures it was shown, of what types and sizes; the list says that it sees"),
    ("blind", "as echo, and 400 where it is shown pictures; the list says that it sees none"),
    ("blind-untold", "the same, and the list does not say"),
)
_TELLS: Final = {"sees": True, "blind": False}


@dataclass(frozen=True, slots=True)
class Picture:
    """As it was sent: its media type, and the bytes of its file."""

    media_type: str
    size: int


def picture_of(part: Mapping[str, object]) -> Picture | None:
    """The picture that a part of a message is; None: it is none. Raises ValueError for one that is no file."""
    match part:
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            head, comma, data = url.partition(",")
            media_type = head.removeprefix("data:").removesuffix(";base64")
            if not comma or head != f"data:{media_type};base64":
                raise ValueError("an address that is no data")
        case {
            "type": "image",
            "source": {"type": "base64", "media_type": str(media_type), "data": str(data)},
        }:
            pass
        case _:
            return None
    try:
        return Picture(media_type, len(b64decode(data, validate=True)))
    except Error as error:
        raise ValueError("no Base64") from error


def behaviour_with_pictures(
    model: str, question: str, pictures: tuple[Picture, ...]
) -> Behaviour | None:
    """What one of these models does when asked this; None: it is another model."""
    match model.partition("#")[0]:
        case "sees":
            told = ", ".join(f"{one.media_type} of {one.size} bytes" for one in pictures)
            said = f"{len(pictures)} pictures: {told}. {question}"
        case "blind" | "blind-untold" if pictures:
            return Refusal(400, "invalid_request_error", "This model does not support image input.")
        case "blind" | "blind-untold":
            said = question
        case _:
            return None
    return Answer((Said(pieces_of(said)), Finish(), Done()))


def told_of(model: str) -> dict[str, object]:
    """What the list of models says of one beside its name."""
    sees = _TELLS.get(model)
    return {} if sees is None else {"capabilities": {"vision": sees}}
