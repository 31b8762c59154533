"""Files in a prompt: texts are told before the question that they are attached to, pictures are shown beside it.

A model is told of each file that is attached to a message it is given, also where it is not given the file. What is
sent is read from storage when the prompt is made, and no more of it than may be sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from chat_service.conversations.domain.message import Role
from chat_service.files.domain.attachment import (
    MOST_PICTURE_BYTES,
    Attachment,
    GivenFile,
    NotGiven,
)
from chat_service.prompt.budget import Budget, estimate_of
from chat_service.prompt.room import ContextWindow
from chat_service.providers.domain.prompt_message import Picture, PromptMessage

#: Pictures of one prompt, the newest: servers take some twenty.
MOST_PICTURES: Final = 20

# What the files of one message may take of what a model is given: something has to be left for what is said.
_SHARE: Final = 0.5
# A text of more characters for each token is of blanks.
_CHARACTERS_OF_A_TOKEN: Final = 6
# Of one that is too long a little more is taken away than is reckoned, since tokens are not spread evenly.
_LESS: Final = 0.97
_NOTES: Final = {
    NotGiven.DELETED: "the user has deleted it since",
    NotGiven.NO_ROOM: "left out, since there is no room for it",
    NotGiven.NOT_SEEN: "a picture, which you cannot see",
    NotGiven.NO_TEXT: "there is no text in it that could be read",
}


class ReadsFiles(Protocol):
    """Reads what is attached, for the run's user. Both return None if it is gone, and raise AppError if it
    cannot be had now.
    """

    async def make_room(self, size: int) -> None:
        """There is room for so many bytes of pictures; comes before them, once."""

    async def text(self, attachment: Attachment, characters: int) -> str | None:
        """The first so many characters of its text."""

    async def picture(self, attachment: Attachment) -> Picture | None: ...


@dataclass(slots=True)
class Attaching:
    """Puts files into the messages of one prompt, the newest message first.

    `sees` is whether its model takes pictures; None: that is not known.
    """

    reads: ReadsFiles
    window: ContextWindow
    budget: Budget
    sees: bool | None = None
    given: list[GivenFile] = field(default_factory=list)
    _characters: int = field(init=False)
    _bytes: int = MOST_PICTURE_BYTES
    _pictures: int = MOST_PICTURES

    def __post_init__(self) -> None:
        self._characters = int(self.window.characters * _SHARE)

    async def put_into(
        self, messages: Sequence[PromptMessage], files: Mapping[int, Sequence[Attachment]]
    ) -> list[PromptMessage]:
        """The messages (oldest first) with what is attached to each; that is in `given` then, too.

        Raises AppError where something cannot be read now.
        """
        made = list(messages)
        if self.sees is not False and (size := _bytes_of_pictures(files.values())):
            await self.reads.make_room(min(size, MOST_PICTURE_BYTES))
        for at in reversed(range(len(made))):
            message = made[at]
            order = message.orders[0] if message.orders and message.role == Role.USER else 0
            if attached := files.get(order, ()):
                made[at] = await self._with(message, order, attached)
        self.given.sort(key=lambda one: one.order)
        return made

    async def _with(
        self, message: PromptMessage, order: int, attached: Sequence[Attachment]
    ) -> PromptMessage:
        pictures: list[Picture] = []
        told: dict[int, str] = {}
        before = len(self.given)
        # The shortest first: what it leaves of its share is for the others.
        texts = sorted((one for one in enumerate(attached) if not one[1].is_picture), key=_length)
        tokens = int(self.budget.tokens * _SHARE)
        for left, (at, one) in zip(range(len(texts), 0, -1), texts, strict=True):
            told[at], used = await self._told(order, one, tokens // left)
            tokens -= used
        for at, one in enumerate(attached):
            if one.is_picture:
                picture = await self._shown(order, one)
                if isinstance(picture, Picture):
                    pictures.append(picture)
                else:
                    told[at] = picture
        places = {one.id: at for at, one in enumerate(attached)}
        self.given[before:] = sorted(self.given[before:], key=lambda one: places[one.file_id])
        texts_told = [told[at] for at in sorted(told)]
        return replace(
            message,
            content="\n\n".join([*texts_told, message.content]),
            pictures=(*message.pictures, *pictures),
        )

    async def _told(self, order: int, one: Attachment, tokens: int) -> tuple[str, int]:
        """What a model is told of a text, and the tokens of that."""
        if not one.is_there:
            return self._not_given(order, one, NotGiven.DELETED)
        most = min(self._characters, tokens * _CHARACTERS_OF_A_TOKEN)
        if most <= 0:
            return self._not_given(order, one, NotGiven.NO_ROOM)
        text = await self.reads.text(one, most)
        if text is None:
            return self._not_given(order, one, NotGiven.DELETED)
        if not text.strip():
            return self._not_given(order, one, NotGiven.NO_TEXT)
        text = self._cut(text, tokens)
        self._characters -= len(text)
        whole = max(one.facts.get("characters", 0), len(text))
        self.given.append(GivenFile(order, one.id, one.name, one.kind, len(text), whole))
        is_cut = len(text) < whole or bool(one.facts.get("cut"))
        how_much = f' shown="its first {len(text):,} characters"' if is_cut else ""
        told = f"<file name={_quoted(one.name)}{how_much}>\n{text}\n</file>"
        return told, self.budget.cost(told)

    def _cut(self, text: str, tokens: int) -> str:
        while (cost := self.budget.cost(text)) > tokens and text:
            text = text[: int(len(text) * tokens / cost * _LESS)]
        return text

    async def _shown(self, order: int, one: Attachment) -> Picture | str:
        why: NotGiven | None = None
        if not one.is_there:
            why = NotGiven.DELETED
        elif self.sees is False:
            why = NotGiven.NOT_SEEN
        elif self._pictures == 0 or one.size > self._bytes:
            why = NotGiven.NO_ROOM
        elif (picture := await self.reads.picture(one)) is not None:
            self._pictures -= 1
            self._bytes -= picture.size
            self.given.append(GivenFile(order, one.id, one.name, one.kind))
            return picture
        return self._not_given(order, one, why or NotGiven.DELETED)[0]

    def _not_given(self, order: int, one: Attachment, why: NotGiven) -> tuple[str, int]:
        self.given.append(GivenFile(order, one.id, one.name, one.kind, why_not=why))
        note = f"[The file {_quoted(one.name)}: {_NOTES[why]}.]"
        return note, estimate_of(note)


def _bytes_of_pictures(attached: Iterable[Sequence[Attachment]]) -> int:
    return sum(one.size for some in attached for one in some if one.is_picture and one.is_there)


def _length(one: tuple[int, Attachment]) -> int:
    attachment = one[1]
    return attachment.size if attachment.text_size is None else attachment.text_size


def _quoted(name: str) -> str:
    return '"' + name.replace('"', "'") + '"'
