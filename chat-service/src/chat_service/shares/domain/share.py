"""A share: what was said on a conversation's chosen path, for whoever has the link."""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

from chat_service.conversations.domain.message import Role

_TOKEN_BYTES: Final = 32
# What secrets.token_urlsafe makes of them.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Audience(StrEnum):
    """Who is let in of those who have the link."""

    LINK = "link"
    #: Members of the owner's tenant.
    MEMBERS = "members"


@dataclass(frozen=True, slots=True)
class Share:
    """A share as its owner sees it.

    `title` and `message_count` are of what is shared, which was taken from the conversation at
    `refreshed_at`. `expires_at` None: it does not expire; `max_views` None: no number of `opens` is the last.
    """

    id: UUID
    session_id: UUID
    title: str
    audience: Audience
    has_password: bool
    expires_at: datetime | None
    max_views: int | None
    opens: int
    include_reasoning: bool
    include_files: bool
    message_count: int
    created_at: datetime
    refreshed_at: datetime


@dataclass(frozen=True, slots=True)
class NewShare:
    """The token is shown here and never again: its hash alone is kept."""

    share: Share
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What its owner says of a share; seconds from now until it expires."""

    expires_in: int | None = None
    password: str | None = field(default=None, repr=False)
    audience: Audience = Audience.LINK
    max_views: int | None = None
    include_reasoning: bool = False
    include_files: bool = False


@dataclass(frozen=True, slots=True)
class WantedChange:
    """What its owner wants different: None leaves it as it is, `without_…` takes it away."""

    expires_in: int | None = None
    without_expiry: bool = False
    password: str | None = field(default=None, repr=False)
    without_password: bool = False
    audience: Audience | None = None
    max_views: int | None = None
    without_max_views: bool = False


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file of a question as others see it; by `id` it is known in this snapshot of this share alone."""

    id: UUID
    name: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class SharedMessage:
    """A message as others see it; `position` counts from 1."""

    position: int
    role: Role
    content: str
    reasoning: str | None
    model: str | None
    created_at: datetime
    files: tuple[SharedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Shared:
    """A page of what is shared, and the opening by which the next one is had."""

    title: str
    shared_at: datetime
    message_count: int
    messages: tuple[SharedMessage, ...]
    next_cursor: str
    opening: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FilePart:
    """Which bytes of a file are wanted: both ends inclusive; without `first` it is the `last` so many."""

    first: int | None = None
    last: int | None = None

    def of(self, size: int) -> tuple[int, int] | None:
        """The first byte and the one behind the last, of so many; None: there are none of these."""
        if self.first is None:
            begin, end = (0 if self.last is None else max(0, size - self.last)), size
        else:
            begin = self.first
            end = size if self.last is None else min(size, self.last + 1)
        return (begin, end) if begin < end else None


@dataclass(frozen=True, slots=True)
class ShareKey:
    """What somebody shows who wants to see a share, and from where."""

    token: str = field(repr=False)
    password: str | None = field(repr=False)
    opening: str | None = field(repr=False)
    client_ip: str
    #: Nobody is shown what it opens: it is no view.
    look: bool = False


def new_token() -> str:
    """256 random bits, safe in a URL."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def digest_of(token: str) -> bytes | None:
    """What a token is known by; None for a text that is none."""
    # It has 256 random bits: no salt, no slow hash.
    return sha256(token.encode()).digest() if _TOKEN.fullmatch(token) else None
