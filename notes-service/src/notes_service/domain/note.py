"""A note, and how long its texts may be."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

TITLE_MAXIMUM = 200
CONTENT_MAXIMUM = 100_000


@dataclass(frozen=True, slots=True)
class Note:
    """A text of a user's own.

    ``title`` has 1–``TITLE_MAXIMUM`` characters without white space at its ends, ``content``
    0–``CONTENT_MAXIMUM``; ``updated_at`` is the moment of the last change.
    """

    id: UUID
    title: str
    content: str
    created_at: datetime
    updated_at: datetime
