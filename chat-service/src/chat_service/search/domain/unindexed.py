"""What is yet to be indexed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chat_service.search.domain.text import TextRole
from servicekit.search_filters import Filter


@dataclass(frozen=True, slots=True)
class UnindexedText:
    """A text that no row of the index is of; `bytes` of UTF-8. `content` is None where it was not read yet."""

    id: UUID
    role: TextRole
    at: datetime
    bytes: int
    content: str | None = None


@dataclass(frozen=True, slots=True)
class UnindexedSession:
    """A conversation some texts of which are yet to be indexed.

    `indexed_count` is what its row said when they were looked for: as long as it says so, none of
    them has changed. `message_count` is what it says once all of them are indexed. `is_whole`: these
    are all of them.
    """

    id: UUID
    tenant_id: UUID
    user_id: UUID
    indexed_count: int | None
    message_count: int
    texts: tuple[UnindexedText, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class IndexedText:
    """A text, and what it is found by."""

    text: UnindexedText
    session: UnindexedSession
    filter: Filter


@dataclass(frozen=True, slots=True)
class UnfilteredText:
    """A text that an earlier release has put in, without a filter; `version` is its row's."""

    text: UnindexedText
    version: str
