"""A conversation."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

TITLE_FROM_MESSAGE = 60


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation of one user.

    `key_id` None: the connection that is the user's default when a question is sent. `model`
    None: the connection's model. `active_at` is the time of its last message, or of its making.
    `pinned`: its user keeps it at hand.
    """

    id: UUID
    title: str
    key_id: UUID | None
    model: str | None
    message_count: int
    last_message_at: datetime | None
    active_at: datetime
    created_at: datetime
    updated_at: datetime
    pinned: bool = False


def title_from(content: str) -> str:
    """Returns a title of at most 60 characters: the first line of a message that holds anything."""
    first = next((line for line in map(str.strip, content.splitlines()) if line), "")
    if len(first) <= TITLE_FROM_MESSAGE:
        return first
    return first[: TITLE_FROM_MESSAGE - 1].rstrip() + "…"
