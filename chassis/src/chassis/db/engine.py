"""Connections to the service's own database, and transactions, each for an owner of rows.

A transaction opened for an owner sets ``parley.tenant_id`` and ``parley.user_id`` for its
duration; the row-level security policies of the migrations compare rows with them. Without an
owner both are unset or empty, so the policies of the app role show nothing.

Cost: a transaction is one round trip besides its statements, COMMIT: BEGIN and the owner's ids go out with
its first statement. A statement that is a transaction by itself is one in all. The pool is
SQLAlchemy's. There is no ping at checkout: a server that went away has closed its sockets, which can
be seen without asking it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection

from chassis.caller import Caller
from chassis.component import Component
from chassis.db.connect import Guard, connect_whole
from chassis.db.errors import DatabaseUnavailable, StalePlan, break_circles, unavailable
from chassis.db.pipeline import (
    Answer,
    Command,
    begin_no_more,
    begin_with,
    driver_of,
    not_begun,
    perform,
)
from chassis.db.statement import Asked, Statement, pooled_of
from chassis.reach import Reach
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_CONNECT_SECONDS: Final = 3
# Half an hour at most: after a failover by DNS nobody stays with the old server.
_LIFE_SECONDS: Final = 1800

_BEGIN: Final = Command(b"BEGIN")
_PING: Final = Command(b"SELECT")
_SET_OWNER: Final = (
    b"SELECT set_config('parley.tenant_id', $1, true), set_config('parley.user_id', $2, true)"
)


@dataclass(frozen=True, slots=True)
class RowOwner:
    """Whose rows a transaction may touch. A :class:`chassis.caller.Caller` is one as well."""

    tenant_id: UUID
    user_id: UUID

    @property
    def columns(self) -> dict[str, UUID]:
        """The two by the names of their columns: values of a statement that names whose rows it is about."""
        return {"tenant_id": self.tenant_id, "user_id": self.user_id}


class Database(Component):
    """A bounded pool of connections in one role.

    ``url`` is ``postgresql://role:password@host:port/name``. At most ``pool_size``
    connections; who waits longer than ``wait_seconds`` for one gets DATABASE_BUSY, and so does who
    waits ``lock_seconds`` for a lock, or whose statement takes ``statement_seconds``. A transaction
    may idle 30 s before the server ends it. Starting does not connect: a database that is away shows in ``ping``.

    With ``plan_once`` a connection plans each statement once for all values, and not for each of the first five, and
    for ever those that a plan for their own values makes look cheaper: every statement has to have a plan that is good
    for all values, as with an index that its parameters alone do not lead into.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        application_name: str,
        wait_seconds: float = 3.0,
        lock_seconds: float = 5.0,
        statement_seconds: float = 10.0,
        plan_once: bool = False,
    ) -> None:
        server_settings = {
            "statement_timeout": int(statement_seconds * 1000),
            "lock_timeout": int(lock_seconds * 1000),
            "idle_in_transaction_session_timeout": 30_000,
            "timezone": "UTC",
            **({"plan_cache_mode": "force_generic_plan"} if plan_once else {}),
        }
        self._engine = create_async_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=wait_seconds,
            pool_recycle=_LIFE_SECONDS,
            pool_use_lifo=True,
            # Whoever uses one ends its transaction; the guard at checkout makes sure of it.
            pool_reset_on_return=None,
            # Else each new connection begins by asking for an extension nobody uses.
            use_native_hstore=False,
            # Parameters are people's words: no error text holds them.
            hide_parameters=True,
            connect_args={
                "async_creator_fn": connect_whole,
                "autocommit": True,
                # After a rollback psycopg would deallocate what it prepared, and ours with it.
                "prepare_threshold": None,
                "application_name": application_name,
                # Whatever the server's own default is: texts are handed on as they come.
                "client_encoding": "utf8",
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
        self._guard = Guard(self._engine.sync_engine)
        event.listen(self._engine.sync_engine, "before_cursor_execute", _begin)
        self._reach = Reach("database.away", "database.back")

    @asynccontextmanager
    async def transaction(
        self, owner: RowOwner | Caller | None = None
    ) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end of the block, and rolls back on any exception.

        The block neither commits nor rolls back itself; ``begin_nested`` is there for
        savepoints. It begins with its first statement; without any it asks the server nothing.
        Raises DatabaseBusy or DatabaseUnavailable, also in place of a statement's error when the
        server went away beneath it. Other errors of statements (IntegrityError …) pass through as
        SQLAlchemy's.
        """
        begin = (_BEGIN, *_enter(owner))
        with self._typed():
            async with self._engine.connect() as connection:
                pooled = pooled_of(connection)
                driver = driver_of(pooled)
                begin_with(pooled, *begin)
                try:
                    yield connection
                    await _commit(driver)
                except BaseException:
                    await asyncio.shield(_roll_back(connection, driver))
                    raise
                finally:
                    begin_no_more(pooled)

    async def first(
        self, owner: RowOwner | Caller | None, statement: Statement, /, **values: object
    ) -> Any | None:
        """The first row of one statement that is a transaction by itself: one round trip."""
        return statement.first_of(await self._at_once(owner, statement, values))

    async def all(
        self, owner: RowOwner | Caller | None, statement: Statement, /, **values: object
    ) -> list[Any]:
        """Every row of such a statement."""
        return statement.rows_of(await self._at_once(owner, statement, values))

    async def each(self, owner: RowOwner | Caller | None, *asked: Asked) -> list[list[Any]]:
        """Every row of each of some statements, which together are a transaction: one round trip.

        What was committed before one of them begins is seen by it, and by those behind it.
        """
        answers = await self._together(owner, asked)
        return [one.rows_of(answer) for (one, _), answer in zip(asked, answers, strict=True)]

    async def run(
        self, owner: RowOwner | Caller | None, statement: Statement, /, **values: object
    ) -> int:
        """How many rows such a statement touched."""
        return (await self._at_once(owner, statement, values)).touched

    async def _at_once(
        self, owner: RowOwner | Caller | None, statement: Statement, values: dict[str, object]
    ) -> Answer:
        (answer,) = await self._together(owner, ((statement, values),))
        return answer

    async def _together(
        self, owner: RowOwner | Caller | None, asked: Sequence[Asked]
    ) -> Sequence[Answer]:
        try:
            return await self._execute(owner, asked)
        except StalePlan:
            # Nothing of it is kept, and no idle connection has its plan any more.
            return await self._execute(owner, asked)

    async def _execute(
        self, owner: RowOwner | Caller | None, asked: Sequence[Asked]
    ) -> Sequence[Answer]:
        enter = _enter(owner)
        commands = [one.command(values) for one, values in asked]
        async with self._raw() as pooled:
            try:
                return (await perform(pooled, *enter, *commands))[len(enter) :]
            except psycopg.Error as error:
                first, *besides = [one for one, _ in asked]
                raise first.error(error, *besides) from error

    async def ping(self) -> None:
        """One round trip. Raises DatabaseBusy or DatabaseUnavailable."""
        async with self._raw() as pooled:
            await perform(pooled, _PING)

    async def stop(self) -> None:
        """Close what is idle, and what is in use as soon as it comes back."""
        self._guard.close_returned()
        await self._engine.dispose()

    @asynccontextmanager
    async def _raw(self) -> AsyncIterator[PoolProxiedConnection]:
        """Outside any transaction. What a failure leaves unfit for use, the guard replaces."""
        with self._typed():
            pooled = await self._engine.raw_connection()
            try:
                yield pooled
            finally:
                pooled.close()

    @contextmanager
    def _typed(self) -> Iterator[None]:
        """Errors that say something about the database, not about a statement, get their type."""
        try:
            yield
        except Exception as error:
            break_circles(error)
            if (typed := unavailable(error)) is None:
                raise
            if isinstance(typed, DatabaseUnavailable) and typed.is_of_connection:
                # Else it would be given out for half an hour, and fail again and again.
                self._guard.renew()
            if isinstance(typed, StalePlan):
                _log.info("database.plan_stale")
            elif isinstance(typed, DatabaseUnavailable):
                self._reach.failed(str(error))
            try:
                raise typed from error
            finally:
                # Its traceback has this frame: else it would be in a circle with itself.
                del typed
        except BaseException as error:
            break_circles(error)  # a cancellation, as of what takes too long
            raise
        else:
            self._reach.succeeded()


def _enter(owner: RowOwner | Caller | None) -> tuple[Command, ...]:
    if owner is None:
        return ()
    # Of anything that is no UUID, UUID.__str__ raises.
    return (Command(_SET_OWNER, (UUID.__str__(owner.tenant_id), UUID.__str__(owner.user_id))),)


def _begin(connection: Connection, *_statement: object) -> None:
    """Before what SQLAlchemy executes itself, which does not come through `perform`."""
    pooled = connection.connection
    if not_begun(pooled):
        # The adapter is SQLAlchemy's; what its class is called is no part of its promise.
        adapter: Any = pooled.dbapi_connection
        adapter.run_async(lambda _driver: perform(pooled))


async def _commit(driver: psycopg.AsyncConnection[Any]) -> None:
    if driver.info.transaction_status == TransactionStatus.INERROR:
        # COMMIT would answer ROLLBACK, and nobody would notice.
        raise RuntimeError("a statement of this transaction failed and its error was swallowed")
    try:
        await driver.commit()
    except psycopg.Error as error:
        raise DBAPIError.instance("COMMIT", None, error, psycopg.Error) from error


async def _roll_back(connection: AsyncConnection, driver: psycopg.AsyncConnection[Any]) -> None:
    try:
        await driver.rollback()
    except psycopg.Error as error:
        # The server rolls back what a lost connection leaves behind.
        _log.debug("database.rollback_failed", error=str(error))
        await connection.invalidate()
