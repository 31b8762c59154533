"""The ways to execute a turn's statements that `bench.statements` compares.

Each is given the same pool's size and settings. What is not Parley's is written as the libraries'
documentation has it, statements prepared by psycopg.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import ClauseElement, Executable, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chassis.db.engine import Database, RowOwner
from chassis.db.statement import Statement

POOL_SIZE = 8
_OPTIONS = {
    "application_name": "bench",
    "options": "-c statement_timeout=10000 -c lock_timeout=5000 -c timezone=UTC",
}
_SET_OWNER = (
    "SELECT set_config('parley.tenant_id', $1, true) AS tenant_id,"
    " set_config('parley.user_id', $2, true) AS user_id"
)
_SCOPE_TEXT = text(
    "SELECT set_config('parley.tenant_id', :tenant_id, true),"
    " set_config('parley.user_id', :user_id, true)"
)

Work = Sequence[tuple["Query", dict[str, object]]]


class Query:
    """A statement as SQLAlchemy has it, and compiled."""

    def __init__(self, clause: ClauseElement) -> None:
        assert isinstance(clause, Executable)
        self.clause = clause
        self.statement = Statement(clause)

    def raw(self, values: dict[str, object]) -> tuple[bytes, Sequence[object]]:
        """The SQL with $1, $2 …, and their values."""
        command = self.statement.command(values)
        return command.sql, command.values


class Way(Protocol):
    """Executes work for an owner of rows: one statement, or several in a transaction."""

    async def one(self, owner: RowOwner, query: Query, values: dict[str, object]) -> None: ...

    async def several(self, owner: RowOwner, work: Work) -> None: ...

    async def close(self) -> None: ...


class Parley:
    """What the services do."""

    def __init__(self, url: str) -> None:
        self._database = Database(url, pool_size=POOL_SIZE, application_name="bench")

    async def one(self, owner: RowOwner, query: Query, values: dict[str, object]) -> None:
        await self._database.all(owner, query.statement, **values)

    async def several(self, owner: RowOwner, work: Work) -> None:
        async with self._database.transaction(owner) as connection:
            for query, values in work:
                await query.statement.all(connection, **values)

    async def close(self) -> None:
        await self._database.stop()


def _engine(url: str, *, autocommit: bool = False, **options: Any) -> AsyncEngine:
    """An engine on a pool of the bench's size; ``options`` are SQLAlchemy's besides."""
    return create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_use_lifo=True,
        use_native_hstore=False,
        connect_args={"prepare_threshold": 0, "autocommit": autocommit, **_OPTIONS},
        **options,
    )


class SqlAlchemy:
    """SQLAlchemy's pool, its transactions and its execution, and nothing of ours."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)

    async def one(self, owner: RowOwner, query: Query, values: dict[str, object]) -> None:
        await self.several(owner, [(query, values)])

    async def several(self, owner: RowOwner, work: Work) -> None:
        async with self._engine.begin() as connection:
            ids = {"tenant_id": str(owner.tenant_id), "user_id": str(owner.user_id)}
            await connection.execute(_SCOPE_TEXT, ids)
            for query, values in work:
                (await connection.execute(query.clause, values)).all()

    async def close(self) -> None:
        await self._engine.dispose()


class _Psycopg:
    """Compiled statements in psycopg's cursors, on whoever's pool."""

    async def _one(
        self, driver: psycopg.AsyncConnection[Any], owner: RowOwner, query: Query, values: Any
    ) -> None:
        async with driver.pipeline():
            await _execute(driver, _SET_OWNER, (str(owner.tenant_id), str(owner.user_id)))
            cursor = await _execute(driver, *query.raw(values))
        await cursor.fetchall()

    async def _several(
        self, driver: psycopg.AsyncConnection[Any], owner: RowOwner, work: Work
    ) -> None:
        async with driver.pipeline():
            await _execute(driver, "BEGIN")
            await _execute(driver, _SET_OWNER, (str(owner.tenant_id), str(owner.user_id)))
        for query, values in work:
            await (await _execute(driver, *query.raw(values))).fetchall()
        await driver.commit()


class PsycopgOnSqlAlchemysPool(_Psycopg):
    """psycopg's pipeline in place of ours."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url, autocommit=True, pool_reset_on_return=None)

    async def one(self, owner: RowOwner, query: Query, values: dict[str, object]) -> None:
        pooled = await self._engine.raw_connection()
        try:
            await self._one(_driver(pooled.driver_connection), owner, query, values)
        finally:
            pooled.close()

    async def several(self, owner: RowOwner, work: Work) -> None:
        pooled = await self._engine.raw_connection()
        try:
            await self._several(_driver(pooled.driver_connection), owner, work)
        finally:
            pooled.close()

    async def close(self) -> None:
        await self._engine.dispose()


class PsycopgPool(_Psycopg):
    """psycopg's pipeline on psycopg_pool, which is measured where it is installed."""

    def __init__(self, url: str) -> None:
        self._pool: Any = importlib.import_module("psycopg_pool").AsyncConnectionPool(
            url,
            kwargs={"prepare_threshold": 0, "autocommit": True, **_OPTIONS},
            min_size=0,
            max_size=POOL_SIZE,
            open=False,
        )

    async def one(self, owner: RowOwner, query: Query, values: dict[str, object]) -> None:
        await self._pool.open()
        async with self._pool.connection() as driver:
            await self._one(driver, owner, query, values)

    async def several(self, owner: RowOwner, work: Work) -> None:
        await self._pool.open()
        async with self._pool.connection() as driver:
            await self._several(driver, owner, work)

    async def close(self) -> None:
        await self._pool.close()


class PsycopgWithoutPipeline(PsycopgOnSqlAlchemysPool):
    """BEGIN, owner's ids, statement and COMMIT, a round trip each."""

    async def one(self, owner: RowOwner, query: Query, values: dict[str, object]) -> None:
        await self.several(owner, [(query, values)])

    async def _several(
        self, driver: psycopg.AsyncConnection[Any], owner: RowOwner, work: Work
    ) -> None:
        await _execute(driver, "BEGIN")
        await _execute(driver, _SET_OWNER, (str(owner.tenant_id), str(owner.user_id)))
        for query, values in work:
            await (await _execute(driver, *query.raw(values))).fetchall()
        await driver.commit()


async def _execute(
    driver: psycopg.AsyncConnection[Any], sql: str | bytes, values: Sequence[object] | None = None
) -> psycopg.AsyncCursor[Any]:
    cursor = psycopg.AsyncRawCursor(driver, row_factory=namedtuple_row)
    return await cursor.execute(sql.encode() if isinstance(sql, str) else sql, values)


def _driver(connection: object) -> psycopg.AsyncConnection[Any]:
    assert isinstance(connection, psycopg.AsyncConnection)
    return connection


WAYS: dict[str, Callable[[str], Way]] = {
    "Parley": Parley,
    "psycopg's pipeline": PsycopgOnSqlAlchemysPool,
    "no pipeline": PsycopgWithoutPipeline,
    "psycopg_pool, pipeline": PsycopgPool,
    "SQLAlchemy alone": SqlAlchemy,
}
