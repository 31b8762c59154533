"""Texts in which something may be found, and what is wanted of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class TextRole(StrEnum):
    """What a text is: a conversation's title, or a message of somebody's."""

    TITLE = "title"
    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


#: Those of messages.
MESSAGES = frozenset(TextRole) - {TextRole.TITLE}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which texts; None wants either.

    `from_at` is inclusive, `to_at` is not: the time of a message is when it was made, that of a title
    when its conversation was.
    """

    roles: frozenset[TextRole] = frozenset(TextRole)
    session_id: UUID | None = None
    archived: bool | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A text, and where it stands; `id` is the message's, or of a title the session's.

    `title` is the session's, and the text itself where that is what it is.
    """

    id: UUID
    session_id: UUID
    role: TextRole
    at: datetime
    title: str
    content: str
    archived: bool
