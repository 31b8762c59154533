"""A note."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Note:
    """A text of a user's own.

    ``title`` and ``content`` are as long as ``NOTE_TITLE`` and ``NOTE_CONTENT`` of
    ``parley.bounds`` allow, the title without white space at its ends; ``updated_at`` is the moment of the last change.
    """

    id: UUID
    title: str
    content: str
    created_at: datetime
    updated_at: datetime
