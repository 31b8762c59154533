"""A file as it is known: what it is called, what it is, and where its bytes are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final
from uuid import UUID

from parley.bounds import FILE_NAME, JOINERS, is_line

#: How long a file is kept that nothing refers to, from its upload or from when it was last looked at.
UNUSED: Final = timedelta(hours=1)
#: An upload of which nothing was heard for so long is none any more.
UNHEARD: Final = timedelta(seconds=40)

_NAMELESS: Final = "file"
_JOINED: Final = re.compile(f"[{JOINERS}]+")


class FileState(Enum):
    """Uploading: not whole yet. Lost: its bytes were not found. Deleting: they are being taken away."""

    UPLOADING = "uploading"
    READY = "ready"
    LOST = "lost"
    DELETING = "deleting"


@dataclass(frozen=True, slots=True)
class File:
    """A file that is whole: its bytes are stored, and are never changed.

    `text_size`: bytes of the text that is kept beside it, None if there is none. `facts`: what its kind has
    to say of it.
    """

    id: UUID
    user_id: UUID
    name: str
    kind: str
    size: int
    sha256: bytes
    created_at: datetime
    text_size: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What its bytes are stored under."""
        return content_key(self.user_id, self.id)

    @property
    def text_key(self) -> str:
        """What its text is stored under, if it has one."""
        return text_key(self.user_id, self.id)


def content_key(user_id: UUID, file_id: UUID) -> str:
    return f"{user_id}/{file_id}"


def text_key(user_id: UUID, file_id: UUID) -> str:
    return f"{user_id}/{file_id}.text"


def keys_of(user_id: UUID, file_id: UUID) -> tuple[str, str]:
    """Everything that may be stored of a file."""
    return content_key(user_id, file_id), text_key(user_id, file_id)


def label_of(told: str) -> str:
    """What a file is called here that was called `told` where it comes from.

    The last part of what may have been a path, in any script, without what cannot be seen; of a name that
    is too long the beginning, and the end behind its last dot if that is short.
    """
    last = told.replace("\\", "/").rpartition("/")[2]
    kept = (character for character in last if is_line(character) or character in JOINERS)
    name = _JOINED.sub(_between_two, "".join(kept)).strip(" ." + JOINERS)
    if len(name) <= FILE_NAME.maximum:
        return name or _NAMELESS
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 10:
        return name[: FILE_NAME.maximum].rstrip(JOINERS)
    return stem[: FILE_NAME.maximum - len(ending) - 1] + dot + ending


def _between_two(joiners: re.Match[str]) -> str:
    """The first of them, where there is a character that is drawn on either side."""
    begin, end, whole = joiners.start(), joiners.end(), joiners.string
    before, after = whole[max(0, begin - 1) : begin], whole[end : end + 1]
    return joiners[0][0] if before.strip() and after.strip() else ""
