"""Statements compiled once and sent straight to the driver, for the paths that run all day.

SQLAlchemy's execution costs about 170 µs of CPU a statement above the driver's own; a
:class:`Statement` costs about 10. It is written with SQLAlchemy Core all the same::

    _GET = Statement(select(notes.c.id, notes.c.title).where(notes.c.id == bindparam("note_id")))
    ...
    note = await _GET.first(connection, note_id=note_id)

Values come back as psycopg makes them (UUID, datetime, str, bytes, int, parsed JSON), in named
tuples. SQLAlchemy's result processing (``Enum``, type decorators) does not happen.
"""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import ClauseElement, Dialect, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler


def _dialect() -> Dialect:
    return make_url("postgresql+psycopg://").get_dialect()()


class Statement:
    """One SELECT, INSERT, UPDATE or DELETE, or ``text()``, with its parameters by name.

    Parameters are ``bindparam`` names, or for a bare ``insert(table)`` the column names;
    ``columns`` limits which of them an insert sets. Every parameter without a value of its
    own in the statement must be given at each call. Lists go in as arrays
    (``column == any_(bindparam("ids"))``); ``IN`` with a list cannot be compiled once.

    Errors are the ones SQLAlchemy would raise, without the parameters' values.
    """

    def __init__(self, clause: ClauseElement, *, columns: Sequence[str] | None = None) -> None:
        dialect = _dialect()
        compiled = clause.compile(
            dialect=dialect, column_keys=None if columns is None else list(columns)
        )
        assert isinstance(compiled, SQLCompiler)
        self._sql = str(compiled)
        if "__[POSTCOMPILE_" in self._sql:
            raise ValueError("IN with a list: compare with any_(bindparam(…)) instead")
        if compiled.insert_prefetch or compiled.update_prefetch:
            raise ValueError("defaults made by Python are not computed here: pass them")
        self._make_row: Callable[[Sequence[Any]], Any] | None = None
        self._defaults = {
            name: bind.effective_value
            for name, bind in compiled.binds.items()
            if not bind.required and bind.effective_value is not None
        }
        self._processors = {
            name: processor
            for name, bind in compiled.binds.items()
            if (processor := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }

    async def all(self, connection: AsyncConnection, **values: object) -> list[Any]:
        """Every row."""
        cursor = await self._execute(connection, values)
        return await cursor.fetchall()

    async def first(self, connection: AsyncConnection, **values: object) -> Any | None:
        """The first row, or None."""
        cursor = await self._execute(connection, values)
        return await cursor.fetchone()

    async def run(self, connection: AsyncConnection, **values: object) -> int:
        """How many rows it touched."""
        return (await self._execute(connection, values)).rowcount

    async def _execute(
        self, connection: AsyncConnection, values: dict[str, object]
    ) -> psycopg.AsyncCursor[Any]:
        if self._defaults:
            values = self._defaults | values
        for name, process in self._processors.items():
            if name in values:
                values[name] = process(values[name])
        sync = connection.sync_connection
        assert sync is not None
        driver = sync.connection.driver_connection
        assert isinstance(driver, psycopg.AsyncConnection)
        cursor = driver.cursor(row_factory=self._row_factory)
        try:
            return await cursor.execute(self._sql, values, prepare=True)
        except psycopg.Error as error:
            raise DBAPIError.instance(
                self._sql, None, error, psycopg.Error, hide_parameters=True
            ) from error

    def _row_factory(self, cursor: psycopg.AsyncCursor[Any]) -> Callable[[Sequence[Any]], Any]:
        # The columns of a statement do not change: their tuple is made once.
        if self._make_row is not None:
            return self._make_row
        make_row = namedtuple_row(cursor)
        if cursor.description is not None:
            self._make_row = make_row
        return make_row
