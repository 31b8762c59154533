"""Transactions, which repositories are made on, and what follows their commit.

Two roles. What a logged-in user does runs as the app role, where row-level security shows their
own rows and nothing else, to an admin also what the role in the token lets them see. Registering,
logging in and refreshing have no caller yet, so they run as the worker role, whose policies admit
every row, as do the background jobs.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.audit_log import WARNINGS, AuditEntry
from auth_service.domain.erasures import Erasure
from auth_service.domain.users import User
from chassis.caller import Caller
from chassis.db.engine import Database, RowOwner
from chassis.db.statement import Statement
from chassis.db.transactions import Transaction as UserTransaction
from chassis.telemetry.logging import get_logger

_log = get_logger("auth_service")

_SET_ROLE = Statement(text("SELECT set_config('parley.role', :role, true)"))
_ACT_FOR = Statement(
    text(
        "SELECT set_config('parley.tenant_id', :tenant_id, true),"
        " set_config('parley.user_id', :user_id, true)"
    )
)


@dataclass(frozen=True, slots=True)
class Effects:
    """``on_revoked`` and ``on_published`` are called after the commit of a transaction that
    revoked or published; a deletion is published under ``deleted_subject``, prefix included,
    with the payload that ``encode_deleted`` makes.
    """

    deleted_subject: str
    encode_deleted: Callable[[Erasure], bytes]
    on_revoked: Callable[[], None]
    on_published: Callable[[], None]


def _nothing() -> None:
    """Nobody is to be told."""


def _unpublished(erasure: Erasure) -> bytes:
    raise RuntimeError(f"the erasure {erasure.id} has no subject to be published under")


#: Of transactions that revoke nothing and publish nothing.
NO_EFFECTS = Effects(
    deleted_subject="",
    encode_deleted=_unpublished,
    on_revoked=_nothing,
    on_published=_nothing,
)


class Changes:
    """What a transaction has changed that is announced once it is committed."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self.revoked = False
        self.published = False
        self.recorded: list[AuditEntry] = []

    def announce(self) -> None:
        """To be called after the commit."""
        if self.revoked:
            self.effects.on_revoked()
        if self.published:
            self.effects.on_published()
        for entry in self.recorded:
            _log_entry(entry)


@dataclass(frozen=True, slots=True)
class CallerTransaction(UserTransaction):
    """One transaction for a logged-in user: nothing of anybody else can be seen in it."""

    changes: Changes


@dataclass(frozen=True, slots=True)
class AdminTransaction(CallerTransaction):
    """One transaction for an admin: row-level security shows what their role lets them see.

    A tenant admin sees the users and the audit log of their tenant, an operator everybody's. What
    is a user's own (logins, tokens) can be seen and changed only after ``act_for``.
    """

    async def act_for(self, user: User) -> None:
        """From here on see and change what is this user's own, and nothing else."""
        await _ACT_FOR.run(self.connection, tenant_id=str(user.tenant_id), user_id=str(user.id))


@dataclass(frozen=True, slots=True)
class SystemTransaction:
    """One transaction on nobody's behalf: before a log-in there is no caller yet."""

    connection: AsyncConnection
    changes: Changes


Transaction = CallerTransaction | SystemTransaction

OpenCaller = Callable[[Caller], AbstractAsyncContextManager[CallerTransaction]]
OpenAdmin = Callable[[Caller], AbstractAsyncContextManager[AdminTransaction]]
OpenSystem = Callable[[], AbstractAsyncContextManager[SystemTransaction]]


def caller_transactions(database: Database, effects: Effects) -> OpenCaller:
    """Opens transactions on ``database``, which is connected as the app role."""

    @asynccontextmanager
    async def open_caller(caller: Caller) -> AsyncIterator[CallerTransaction]:
        changes = Changes(effects)
        async with database.transaction(caller) as connection:
            yield CallerTransaction(connection, _scope_of(caller), changes)
        changes.announce()

    return open_caller


def admin_transactions(database: Database, effects: Effects) -> OpenAdmin:
    """Opens transactions on ``database``, which is connected as the app role."""

    @asynccontextmanager
    async def open_admin(caller: Caller) -> AsyncIterator[AdminTransaction]:
        changes = Changes(effects)
        async with database.transaction(caller) as connection:
            # For this transaction alone: in their others an admin is a user like any other.
            await _SET_ROLE.run(connection, role=caller.role)
            yield AdminTransaction(connection, _scope_of(caller), changes)
        changes.announce()

    return open_admin


def system_transactions(database: Database, effects: Effects = NO_EFFECTS) -> OpenSystem:
    """Opens transactions on ``database``, which is connected as the worker role."""

    @asynccontextmanager
    async def open_system() -> AsyncIterator[SystemTransaction]:
        changes = Changes(effects)
        async with database.transaction() as connection:
            yield SystemTransaction(connection, changes)
        changes.announce()

    return open_system


def _scope_of(caller: Caller) -> RowOwner:
    return RowOwner(tenant_id=caller.tenant_id, user_id=caller.user_id)


def _log_entry(entry: AuditEntry) -> None:
    log = _log.warning if entry.event in WARNINGS else _log.info
    fields: dict[str, object] = {
        "user_id": entry.subject_id,
        "by": entry.actor_id if entry.actor_id != entry.subject_id else None,
        "ip": entry.client.ip,
        **entry.fields,
    }
    log(entry.event, **{name: str(value) for name, value in fields.items() if value})
