"""What the use cases need of the outside, as protocols that adapters satisfy."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from auth_service.domain.erasures import Erasure, Receipt
from auth_service.domain.limits import Limit
from auth_service.domain.logins import Client, Login, RefreshToken
from auth_service.domain.trust import Revocation
from auth_service.domain.users import Account, Role, User
from auth_service.usecases.admin_ports import Administration, AuditLog
from auth_service.usecases.code_ports import (
    CodePorts,
    CodeTransaction,
    ProfileTransaction,
    RecoveryTransaction,
)
from auth_service.usecases.erasure_ports import Anonymisation, Unanonymised
from auth_service.usecases.login_ports import LoginEnds, OwnLogins
from auth_service.usecases.rate_limit import CounterTransaction, Pseudonyms
from auth_service.usecases.token_ports import OwnTokens, TokensPresented
from chassis.caller import Caller


class CallerTransaction(
    ProfileTransaction, OwnLogins, OwnTokens, AuditLog, Anonymisation, Protocol
):
    """One transaction for a logged-in user: nothing of anybody else can be seen in it."""

    async def user(self, user_id: UUID) -> User | None:
        """The user, None when deleted."""
        ...

    async def account(self, user_id: UUID, *, lock: bool = False) -> Account | None:
        """The account, None when deleted; ``lock`` keeps log-ins and deletions waiting."""
        ...

    async def end_login(self, login_id: UUID, at: datetime) -> None:
        """Mark the login as revoked; one that is not there or has ended stays as it is."""
        ...

    async def leave_tombstone(self, user_id: UUID, at: datetime) -> None:
        """Take away everything personal of the user, logins included; the bare id stays, and
        the audit log, which gets no address or agent of theirs from here on.
        """
        ...

    async def revoke(self, *revocations: Revocation) -> None:
        """Refuse access tokens, everywhere, once this transaction is committed."""
        ...

    async def add_erasure(self, erasure: Erasure, *, services: Sequence[str]) -> None:
        """Open the erasure's receipt, every one of ``services`` still to confirm."""
        ...

    async def confirm_erasure(self, erasure_id: UUID, service: str, at: datetime) -> bool:
        """Note that ``service`` holds nothing more, the first time only; False: no such row."""
        ...

    async def publish_deleted(self, erasure: Erasure) -> None:
        """Tell all services to erase the user, once this transaction is committed."""
        ...


class AdminTransaction(Administration, CallerTransaction, Protocol):
    """One transaction for an admin: row-level security shows what their role lets them see.

    A tenant admin sees the users and the audit log of their tenant, an operator everybody's. What
    is a user's own (logins, tokens) can be seen and changed only after ``act_for``.
    """


class SystemTransaction(
    CodeTransaction,
    RecoveryTransaction,
    CounterTransaction,
    LoginEnds,
    ProfileTransaction,
    TokensPresented,
    AuditLog,
    Anonymisation,
    Unanonymised,
    Protocol,
):
    """One transaction on nobody's behalf: before a log-in there is no caller yet."""

    async def ensure_tenant(self, name: str, *, new_id: UUID) -> UUID:
        """The id of the tenant called ``name``, made with ``new_id`` by its first use."""
        ...

    async def add_account(self, account: Account, *, key: str) -> bool:
        """Store a new account unless ``key``, or its verified address, is taken; True if it
        was stored.
        """
        ...

    async def account_by_key(self, key: str, *, disabled: bool = False) -> Account | None:
        """The account of that name; one that is ``disabled`` only where it is asked for."""
        ...

    async def account(self, user_id: UUID, *, lock: bool = False) -> Account | None:
        """The account, None when deleted; ``lock`` keeps log-ins and deletions waiting."""
        ...

    async def set_last_login(
        self, user_id: UUID, *, password_hash: str | None, at: datetime
    ) -> None:
        """Set the time of the last log-in, and the hash if it was made anew."""
        ...

    async def has_used_network(self, user_id: UUID, network: str) -> bool:
        """Whether a login of the user's that is kept, open or ended, was last used from there."""
        ...

    async def add_login(self, login: Login, client: Client) -> None: ...

    async def find_login(self, digest: bytes) -> Login | None:
        """The login that a refresh token belongs to, locked; None for an unknown token."""
        ...

    async def refresh_token(self, digest: bytes) -> tuple[RefreshToken, datetime] | None:
        """The token, and the present time by the database's clock, which all replicas share."""
        ...

    async def add_refresh_token(self, token: RefreshToken, login: Login) -> None: ...

    async def rotate(self, token: RefreshToken, *, at: datetime, successor: bytes) -> None:
        """Mark ``token`` as used, its sealed successor beside it; those of the tokens before it,
        which can be asked for no longer, go.
        """
        ...

    async def extend_login(
        self, login_id: UUID, client: Client, *, at: datetime, expires_at: datetime
    ) -> None: ...

    async def end_login(self, login_id: UUID, at: datetime) -> None:
        """Mark the login as revoked; one that is not there or has ended stays as it is."""
        ...

    async def revoke(self, revocation: Revocation) -> None:
        """Refuse access tokens, everywhere, once this transaction is committed."""
        ...

    async def receipt(self, erasure_id: UUID) -> Receipt | None: ...

    async def confirm_erasure(self, erasure_id: UUID, service: str, at: datetime) -> bool:
        """Note that ``service`` holds nothing more, the first time only; False: no such row."""
        ...

    async def claim_unconfirmed(
        self, *, sent_before: datetime, at: datetime, limit: int
    ) -> Sequence[Erasure]:
        """Erasures that some service has not confirmed and whose event was last sent before
        ``sent_before``, now noted as sent ``at``; those another replica has claimed are skipped.
        """
        ...

    async def publish_deleted(self, erasure: Erasure) -> None:
        """Tell all services to erase the user, once this transaction is committed."""
        ...

    async def revocations_since(
        self, since: datetime | None
    ) -> tuple[Sequence[Revocation], datetime]:
        """Revocations in force, those alone that were stored after ``since``, and the
        database's present time.
        """
        ...

    async def promote(self, key: str, role: Role) -> tuple[User, Role] | None:
        """Give the active user of that key a role; who it is, and the role before, or None."""
        ...

    async def prune_audit(self, before: datetime) -> bool:
        """Delete some audit log entries of before then; whether there may be more."""
        ...

    async def prune(self, now: datetime) -> None:
        """Delete logins, refresh tokens, revocations, codes and counters of attempts that
        cannot matter any more.
        """
        ...


OpenAdmin = Callable[[Caller], AbstractAsyncContextManager[AdminTransaction]]
OpenCaller = Callable[[Caller], AbstractAsyncContextManager[CallerTransaction]]
OpenSystem = Callable[[], AbstractAsyncContextManager[SystemTransaction]]


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
