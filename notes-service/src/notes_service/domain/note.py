"""A note."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.text import shortened

_FROM_CONTENT: Final = 60


@dataclass(frozen=True, slots=True)
class Source:
    """The message that a note was taken from, as whoever took it says: it opens nothing."""

    session_id: UUID
    message_id: UUID


@dataclass(frozen=True, slots=True)
class Note:
    """A text of a user's own.

    ``title``, ``content`` and ``tags`` are as long and as many as ``parley.bounds`` allows, title and
    tags without white space at their ends, no tag like another but for its letter case. ``version`` is 1
    at first and one more with each change, ``updated_at`` the moment of the last one.
    """

    id: UUID
    title: str
    content: str
    created_at: datetime
    updated_at: datetime
    tags: tuple[str, ...] = ()
    pinned: bool = False
    version: int = 1
    source: Source | None = None


def title_of(content: str) -> str:
    """A title of at most 60 characters: the first line that holds anything, a heading without its marks."""
    first = next((line for line in map(str.strip, content.splitlines()) if line), "")
    return shortened(first.lstrip("#").strip() or first, _FROM_CONTENT)


@dataclass(frozen=True, slots=True)
class NoteChange:
    """What becomes different of a note: None, and nothing set, leaves it as it is."""

    title: str | None = None
    content: str | None = None
    tags: tuple[str, ...] | None = None
    pinned: bool | None = None
    sets_source: bool = False
    source: Source | None = None
