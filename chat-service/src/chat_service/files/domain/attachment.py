"""Files as messages have them: what was attached, and what a model was given of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from chat_service.files.domain.kinds import KINDS

#: Of one question: files, and bytes of its pictures, which all go into one request.
MOST_PICTURE_BYTES: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is attached to a message: a file as it was then. `is_there`: it has not been deleted since.

    `text_size` and `facts` are the file's, as long as it is there.
    """

    id: UUID
    name: str
    kind: str
    size: int
    is_there: bool = True
    text_size: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_picture(self) -> bool:
        """Whether models are shown it; any other is told to them."""
        return self.kind in KINDS and KINDS[self.kind].is_image


class NotGiven(StrEnum):
    """Why a model was not given a file."""

    DELETED = "DELETED"
    #: Its text, or its picture, did not fit beside what is newer.
    NO_ROOM = "NO_ROOM"
    #: The model takes no pictures.
    NOT_SEEN = "NOT_SEEN"
    #: There is none in it, as in a PDF of scanned pages.
    NO_TEXT = "NO_TEXT"


@dataclass(frozen=True, slots=True)
class GivenFile:
    """What a model was given of a file: of a text so many `characters`, None: a picture, or nothing.

    `order` is the message's that it is attached to.
    """

    order: int
    file_id: UUID
    name: str
    kind: str
    characters: int | None = None
    of_characters: int | None = None
    why_not: NotGiven | None = None
