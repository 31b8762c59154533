"""Connections to the service's own database, and the transactions that carry a scope.

A transaction opened with a scope sets ``parley.tenant_id`` and ``parley.user_id`` for its
duration; the row-level security policies of the migrations compare rows with them. Without a
scope both are unset or empty, so the policies of the app role show nothing.

Cost: a transaction is one round trip, its COMMIT: BEGIN and the scope travel with the first
statement, and a statement that is a transaction by itself needs no COMMIT either. There is no ping at checkout: a
server that went away has closed its sockets, which can be seen without asking it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from chassis.caller import Caller
from chassis.component import Component
from chassis.db.connection import Connection
from chassis.db.errors import DatabaseUnavailable, StalePlan, unavailable
from chassis.db.pipeline import Answer, Command
from chassis.db.pool import Pool, Pooled
from chassis.db.statement import Statement
from chassis.reach import Reach
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_POOL_WAIT_SECONDS: Final = 3.0
_CONNECT_SECONDS: Final = 3
# Half an hour at most: after a failover by DNS nobody stays with the old server.
_LIFE_SECONDS: Final = 1800.0

_BEGIN: Final = Command(b"BEGIN")
_PING: Final = Command(b"SELECT")
_SCOPE: Final = (
    b"SELECT set_config('parley.tenant_id', $1, true), set_config('parley.user_id', $2, true)"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a transaction may touch. A :class:`chassis.caller.Caller` is one as well."""

    tenant_id: UUID
    user_id: UUID


class Database(Component):
    """A bounded pool of connections in one role.

    ``url`` is ``postgresql://role:password@host:port/name``. At most ``pool_size``
    connections; who waits longer than 3 s for one gets DATABASE_BUSY. A statement may take
    ``statement_seconds``, a lock 5 s, and a transaction may idle 30 s before the server ends
    it. Starting does not connect: a database that is away shows in ``ping``.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        application_name: str,
        statement_seconds: float = 10.0,
    ) -> None:
        server_settings = {
            "statement_timeout": int(statement_seconds * 1000),
            "lock_timeout": 5000,
            "idle_in_transaction_session_timeout": 30_000,
            "timezone": "UTC",
        }
        self._engine = create_async_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            poolclass=NullPool,
            # Else each new connection begins by asking for an extension nobody uses.
            use_native_hstore=False,
            # Parameters are people's words: no error text holds them.
            hide_parameters=True,
            connect_args={
                "async_creator_fn": Connection.connect,
                "autocommit": True,
                # After a rollback psycopg would deallocate what it prepared, and ours with it.
                "prepare_threshold": None,
                "application_name": application_name,
                "connect_timeout": _CONNECT_SECONDS,
                # A peer that vanished without a word is noticed within about 10 s.
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": 10_000,
                "options": " ".join(
                    f"-c {name}={value}" for name, value in server_settings.items()
                ),
            },
        )
        self._pool = Pool(
            self._engine,
            size=pool_size,
            wait_seconds=_POOL_WAIT_SECONDS,
            life_seconds=_LIFE_SECONDS,
        )
        self._reach = Reach("database.away", "database.back")

    @asynccontextmanager
    async def transaction(
        self, scope: Scope | Caller | None = None
    ) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end of the block, and rolls back on any exception.

        The block neither commits nor rolls back itself; ``begin_nested`` is there for
        savepoints. Raises DatabaseBusy or DatabaseUnavailable, also in place of a statement's
        error when the server went away beneath it. Other errors of statements
        (IntegrityError …) pass through as SQLAlchemy's.
        """
        begin = (_BEGIN, *_enter(scope))
        async with self._connection() as pooled:
            for command in begin:
                pooled.driver.defer(command)
            yield pooled.sqlalchemy
            await _commit(pooled.driver)

    async def first(
        self, scope: Scope | Caller | None, statement: Statement, **values: object
    ) -> Any | None:
        """The first row of one statement that is a transaction by itself: one round trip."""
        return statement.first_of(await self._at_once(scope, statement, values))

    async def all(
        self, scope: Scope | Caller | None, statement: Statement, **values: object
    ) -> list[Any]:
        """Every row of such a statement."""
        return statement.rows_of(await self._at_once(scope, statement, values))

    async def run(
        self, scope: Scope | Caller | None, statement: Statement, **values: object
    ) -> int:
        """How many rows such a statement touched."""
        return (await self._at_once(scope, statement, values)).touched

    async def _at_once(
        self, scope: Scope | Caller | None, statement: Statement, values: dict[str, object]
    ) -> Answer:
        try:
            return await self._execute(scope, statement, values)
        except StalePlan:
            # It was refused before it began, and no idle connection has its plan any more.
            return await self._execute(scope, statement, values)

    async def _execute(
        self, scope: Scope | Caller | None, statement: Statement, values: dict[str, object]
    ) -> Answer:
        commands = (*_enter(scope), statement.command(values))
        async with self._connection() as pooled:
            try:
                answers = await pooled.driver.perform(*commands)
            except psycopg.Error as error:
                raise statement.error(error) from error
            return answers[-1]

    async def ping(self) -> None:
        """One round trip. Raises DatabaseBusy or DatabaseUnavailable."""
        async with self._connection() as pooled:
            await pooled.driver.perform(_PING)

    async def stop(self) -> None:
        await self._pool.close()
        await self._engine.dispose()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Pooled]:
        """A connection outside any transaction, which is rolled back if the block raises."""
        try:
            pooled = await self._take()
        except Exception as error:
            self._raise_typed(error)
            raise
        try:
            yield pooled
        except BaseException as error:
            if isinstance(unavailable(error), StalePlan):
                await asyncio.shield(self._replace(pooled))
            else:
                await asyncio.shield(self._roll_back(pooled))
            self._raise_typed(error)
            raise
        await self._pool.put_back(pooled)
        self._reach.succeeded()

    async def _take(self) -> Pooled:
        while True:
            pooled = await self._pool.take()
            if pooled.fresh or pooled.driver.is_alive:
                return pooled
            # The server restarted while it was idle, and so it is with the others.
            await self._pool.discard(pooled)
            await self._pool.close_idle()

    async def _replace(self, pooled: Pooled) -> None:
        """Drop a connection with what it had prepared, and the idle ones, which had that as well."""
        pooled.driver.forget_deferred()
        await self._pool.discard(pooled)
        await self._pool.close_idle()

    async def _roll_back(self, pooled: Pooled) -> None:
        pooled.driver.forget_deferred()
        try:
            await pooled.driver.rollback()
        except psycopg.Error as error:
            # The server rolls back what a lost connection leaves behind.
            _log.debug("database.rollback_failed", error=str(error))
            await self._pool.discard(pooled)
        else:
            await self._pool.put_back(pooled)

    def _raise_typed(self, error: BaseException) -> None:
        typed = unavailable(error)
        if typed is None:
            return
        if isinstance(typed, StalePlan):
            _log.info("database.plan_stale")
        elif isinstance(typed, DatabaseUnavailable):
            self._reach.failed(str(error))
        raise typed from error


def _enter(scope: Scope | Caller | None) -> tuple[Command, ...]:
    if scope is None:
        return ()
    # Of anything that is no UUID, UUID.__str__ raises.
    return (Command(_SCOPE, (UUID.__str__(scope.tenant_id), UUID.__str__(scope.user_id))),)


async def _commit(driver: Connection) -> None:
    if driver.pgconn.transaction_status == TransactionStatus.INERROR:
        # COMMIT would answer ROLLBACK, and nobody would notice.
        raise RuntimeError("a statement of this transaction failed and its error was swallowed")
    try:
        await driver.flush_checked()
        await driver.commit()
    except psycopg.Error as error:
        raise DBAPIError.instance("COMMIT", None, error, psycopg.Error) from error
