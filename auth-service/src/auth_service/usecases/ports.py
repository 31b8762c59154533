"""What the use cases need of the outside, as protocols that adapters satisfy."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from auth_service.domain.codes import Purpose
from auth_service.domain.users import User
from auth_service.store.transactions import OpenAdmin, OpenCaller, OpenSystem
from servicekit.rate_limits import Limit


class HashingSlot(Protocol):
    """A place among those whose hashes are computed, which is slow on purpose."""

    async def hash(self, password: str) -> str:
        """The encoded hash, parameters and salt in it."""
        ...

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether it matches; without a hash it never does, after the same work.

        Raises ValueError for a hash that is none of ours.
        """
        ...


class Passwords(Protocol):
    """Password hashes, and the bounded queue for them."""

    def reserve_slot(self) -> AbstractContextManager[HashingSlot]:
        """Raises TooBusy rather than keeping anyone waiting for long.

        To be reserved before the database is asked: a refusal costs nothing.
        """
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        ...


@dataclass(frozen=True, slots=True)
class AccessToken:
    """``expires_in`` is its life in seconds."""

    text: str
    expires_in: int


class AccessTokens(Protocol):
    def issue(
        self,
        user: User,
        sid: str,
        now: datetime,
        *,
        scopes: Sequence[str] | None = None,
        life: timedelta | None = None,
    ) -> AccessToken:
        """``scopes`` bound what it is good for; ``life`` is at most the usual one."""
        ...


class Successors(Protocol):
    """Refresh tokens, sealed so that the one before is the only key."""

    def seal(self, refresh_token: str, *, under: str) -> bytes: ...

    def open(self, sealed: bytes, *, under: str) -> str:
        """What was sealed under this very token."""
        ...


class Pseudonyms(Protocol):
    """Digests that stand for what they are made of, and show nothing of it."""

    def of(self, *parts: str) -> bytes: ...

    def all_of(self, *parts: str) -> Sequence[bytes]:
        """What ``of`` returns, and what it returned under the other keys."""
        ...


@dataclass(frozen=True, slots=True)
class CodeMail:
    """A code on its way to the address ``to``."""

    to: str
    purpose: Purpose
    code: str = field(repr=False)


class Delivery(Protocol):
    async def deliver(self, mail: CodeMail) -> None:
        """Send it; raises NotDelivered when that cannot be done."""
        ...


@dataclass(frozen=True, slots=True)
class CodeJob:
    """A code that somebody has asked for; whether to send one is decided when the job runs."""

    purpose: Purpose
    email: str


class CodeQueue(Protocol):
    """The job queue of codes to send."""

    def add(self, job: CodeJob) -> None:
        """Have it done after the answer. Raises TooBusy while too many jobs wait."""
        ...


@dataclass(frozen=True, slots=True)
class CodePorts:
    """What ``wiring`` hands to the use cases for codes."""

    queue: CodeQueue
    # How many may be sent to everybody together.
    sends_an_hour: int
    # Whether nobody registers without one.
    required_to_register: bool


class Logger(Protocol):
    """The process's log of security events; fields are ids and words, never a secret."""

    def info(self, event: str, **fields: object) -> object: ...

    def warning(self, event: str, **fields: object) -> object: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that ``wiring`` hands to the use cases."""

    open_caller: OpenCaller
    open_admin: OpenAdmin
    open_system: OpenSystem
    passwords: Passwords
    access_tokens: AccessTokens
    successors: Successors
    logger: Logger
    pseudonyms: Pseudonyms
    codes: CodePorts
    # Name of the tenant that newcomers join.
    tenant: str
    # How long an unused refresh token is good.
    refresh_life: timedelta
    # How often, within an hour, an address may register and a name log in.
    registrations: Limit
    log_ins: Limit
    # How long audit log entries are kept.
    audit_life: timedelta
