"""Statements compiled once and sent straight to the driver, for the paths that run all day.

The three statements of a turn cost 2.6 ms of CPU more where SQLAlchemy executes them, a fifth of the
turn. They are written with SQLAlchemy Core all the same::

    _GET = Statement(select(notes.c.id, notes.c.title).where(notes.c.id == bindparam("note_id")))
    ...
    note = await _GET.first(connection, note_id=note_id)

Values come back as psycopg makes them (UUID, datetime, str, bytes, int, parsed JSON), in named
tuples. SQLAlchemy's result processing (``Enum``, type decorators) does not happen.

Each names its columns. A connection prepares a statement once, and PostgreSQL refuses a prepared
``SELECT *`` as soon as a revision has added a column, while the process that prepared it goes on
beside the newer ones.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import psycopg
from sqlalchemy import ClauseElement, Dialect, Table, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler

from chassis.db.pipeline import Answer, Command, perform

# What PostgreSQL does not read as words of a statement, and a text's quotes.
_NO_WORDS: Final = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
# A star in a list of columns; not a product, not count(*), and not what EXISTS does not look at. Nor TABLE, which is such
# a star; not that of a statement that makes or changes one.
_STAR: Final = re.compile(
    r"(?<!EXISTS \()\b(?:SELECT|RETURNING)\s*"
    r"(?:ALL\s+|DISTINCT\s+(?:ON\s*\([^()]*\)\s*)?)?\*"
    r"|\.\s*\*|,\s*\*|(?<!CREATE )(?<!ALTER )(?<!DROP )(?<!LOCK )(?<!TRUNCATE )\bTABLE\s+\w",
    re.IGNORECASE,
)
_TABLE: Final = re.compile(
    r"\b(?:FROM|JOIN|UPDATE(?!\s+SET\b)|INTO|USING)\s+(?:ONLY\s+)?(\w+)(?=(?:\s+(?:AS\s+)?(\w+))?)",
    re.IGNORECASE,
)
# The first of a list of values, and what makes JSON or an array of one: a column, or a whole row.
_VALUE: Final = re.compile(
    r"\b(?:SELECT|RETURNING|DISTINCT)\s+(\w+)(?=\s*(?:,|::|\bAS\b|\bFROM\b|\)|$))"
    r"|\b(?:row_to_json|to_jsonb?|jsonb?_agg|array_agg)\s*\(\s*(\w+)\s*[),]",
    re.IGNORECASE,
)


def whole_row(sql: str) -> re.Match[str] | None:
    """Where ``sql`` asks for whole rows: by a star, or by a table's name, or its other name, as a value of a list."""
    words = _NO_WORDS.sub(_blank, sql)
    if star := _STAR.search(words):
        return star
    tables = {name.lower() for table in _TABLE.finditer(words) for name in table.groups("")}
    values = _VALUE.finditer(words)
    return next((row for row in values if (row[1] or row[2]).lower() in tables), None)


def _blank(words: re.Match[str]) -> str:
    """As long, and of as many lines."""
    return re.sub(r"[^\n']", " ", words[0])


@cache
def _dialect() -> Dialect:
    dialect: Callable[..., Dialect] = make_url("postgresql+psycopg://").get_dialect()
    return dialect(paramstyle="numeric_dollar")


def columns_of(table: Table, alias: str | None = None) -> str:
    """The columns that the code knows of ``table``, for a list in SQL: ``runs.id, runs.owner, …``.

    ``alias`` is the table's name in the statement, if that is another.
    """
    quote = _dialect().identifier_preparer.quote
    return ", ".join(f"{alias or table.name}.{quote(column.name)}" for column in table.columns)


#: A statement, and the values of its parameters.
Asked = tuple["Statement", Mapping[str, object]]


class Statement:
    """One SELECT, INSERT, UPDATE or DELETE, or ``text()``, with its parameters by name.

    Parameters are ``bindparam`` names, or for a bare ``insert(table)`` the column names;
    ``columns`` limits which of them an insert sets. Every parameter without a value of its
    own in the statement must be given at each call. Lists go in as arrays
    (``column == any_(bindparam("ids"))``); ``IN`` with a list cannot be compiled once. Raises
    ValueError for that, and for a star in place of columns. With ``texts_as_sent`` each text comes as bytes in
    UTF-8, for what is handed on as it is.

    Errors are the ones SQLAlchemy would raise, without the parameters' values.
    """

    def __init__(
        self,
        clause: ClauseElement,
        *,
        columns: Sequence[str] | None = None,
        texts_as_sent: bool = False,
    ) -> None:
        dialect = _dialect()
        compiled = clause.compile(
            dialect=dialect, column_keys=None if columns is None else list(columns)
        )
        assert isinstance(compiled, SQLCompiler)
        self.sql = str(compiled)
        if star := whole_row(self.sql):
            raise ValueError(f"name the columns instead of {star[0]!r}: the next revision adds one")
        if "__[POSTCOMPILE_" in self.sql:
            raise ValueError("IN with a list: compare with any_(bindparam(…)) instead")
        if compiled.insert_prefetch or compiled.update_prefetch:
            raise ValueError("defaults made by Python are not computed here: pass them")
        self._bytes = self.sql.encode()
        self._texts_as_sent = texts_as_sent
        self._names = tuple(compiled.positiontup or ())
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
        return self.rows_of(await self._perform(connection, values))

    async def first(self, connection: AsyncConnection, **values: object) -> Any | None:
        """The first row, or None."""
        return self.first_of(await self._perform(connection, values))

    async def run(self, connection: AsyncConnection, **values: object) -> int:
        """How many rows it touched."""
        return (await self._perform(connection, values)).touched

    def command(self, values: Mapping[str, object]) -> Command:
        """It as the connection takes it. Raises KeyError for a parameter without a value."""
        values = {**self._defaults, **values}
        for name, process in self._processors.items():
            if name in values:
                values[name] = process(values[name])
        return Command(self._bytes, [values[name] for name in self._names])

    def first_of(self, answer: Answer) -> Any | None:
        """The first row of an answer to it."""
        return self._loaded(answer).first(self._row_maker(answer))

    def rows_of(self, answer: Answer) -> list[Any]:
        """Every row of an answer to it."""
        return self._loaded(answer).rows(self._row_maker(answer))

    def error(self, error: psycopg.Error, *besides: "Statement") -> Exception:
        """``error`` of it, or of one ``besides`` it, as SQLAlchemy would raise it."""
        sql = ";\n".join(one.sql for one in (self, *besides))
        wrapped: Exception = DBAPIError.instance(
            sql, None, error, psycopg.Error, hide_parameters=True
        )
        return wrapped

    async def _perform(self, connection: AsyncConnection, values: dict[str, object]) -> Answer:
        try:
            (answer,) = await perform(pooled_of(connection), self.command(values))
        except psycopg.Error as error:
            raise self.error(error) from error
        return answer

    def _loaded(self, answer: Answer) -> Answer:
        return answer.as_sent() if self._texts_as_sent else answer

    def _row_maker(self, answer: Answer) -> Callable[[Sequence[Any]], Any]:
        # The columns of a statement do not change: their tuple is made once.
        if self._make_row is None:
            make_type: Any = namedtuple  # noqa: PYI024 - the columns are known only now
            self._make_row = make_type("Row", answer.columns, rename=True)._make
        return self._make_row


def pooled_of(connection: AsyncConnection) -> PoolProxiedConnection:
    """The pool's connection behind SQLAlchemy's."""
    sync = connection.sync_connection
    assert sync is not None
    return sync.connection
