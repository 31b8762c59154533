"""Which conversations are listed, and where one stands among them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chat_service.conversations.domain.session import SessionState


@dataclass(frozen=True, slots=True)
class Wanted:
    """Those in a state; `folder` None: of every folder and of none; `pinned` None: either.

    `temporary`: those that are, and no others; else the others.
    """

    state: SessionState = SessionState.ACTIVE
    folder: str | None = None
    pinned: bool | None = None
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where one stands: what is pinned comes first, then what was active last."""

    pinned: bool
    active_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, and how many of its user's active sessions it holds."""

    name: str
    sessions: int
