"""Several commands in one round trip: libpq's pipeline mode, below psycopg's cursors.

psycopg's own pipeline costs more than the round trips it saves, because it waits for the socket
around each command. Here everything is sent at once and read at once, each statement prepared
the first time a connection meets it.
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from collections.abc import Callable, Generator, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

import psycopg
from psycopg import adapt
from psycopg.abc import Transformer
from psycopg.adapt import PyFormat
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.waiting import READY_R, WAIT_RW, Ready, Wait

Row = TypeVar("Row")

# Names of prepared statements by their text and the types of their parameters.
Prepared = MutableMapping[tuple[bytes, tuple[int, ...]], bytes]

_numbers = count()


@dataclass(frozen=True, slots=True)
class Command:
    """One statement with parameters $1, $2 …, and their values."""

    sql: bytes
    values: Sequence[object] = ()


class Answer:
    """What came of one command."""

    def __init__(self, result: PGresult, transformer: Transformer) -> None:
        self._result = result
        self._transformer = transformer

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return [(self._result.fname(at) or b"").decode() for at in range(self._result.nfields)]

    @property
    def touched(self) -> int:
        """How many rows were inserted, changed, deleted or selected."""
        return self._result.command_tuples or 0

    def rows(self, make_row: Callable[[Sequence[Any]], Row]) -> list[Row]:
        """Every row, its values as psycopg loads them."""
        self._transformer.set_pgresult(self._result)
        return self._transformer.load_rows(0, self._result.ntuples, make_row)

    def first(self, make_row: Callable[[Sequence[Any]], Row]) -> Row | None:
        """The first row, or None."""
        if not self._result.ntuples:
            return None
        self._transformer.set_pgresult(self._result)
        return self._transformer.load_row(0, make_row)


def converse(
    connection: psycopg.AsyncConnection[Any], prepared: Prepared, commands: Sequence[Command]
) -> Generator[Wait, Ready | int, list[Answer]]:
    """Send ``commands`` with one sync behind them; their answers, in order.

    To be driven by the connection's ``wait``. Outside a transaction they are one by themselves.
    Raises the psycopg error of the first that fails; what stood behind it was not executed.
    """
    pgconn = connection.pgconn
    sent: list[tuple[Transformer, tuple[bytes, tuple[int, ...]], bytes | None]] = []
    # All values first: one that cannot be sent must not leave half a pipeline behind.
    dumped = [_dump(connection, command) for command in commands]
    pgconn.enter_pipeline_mode()
    for command, (transformer, values) in zip(commands, dumped, strict=True):
        key = (command.sql, transformer.types or ())
        name, fresh = prepared.get(key), None
        if name is None:
            name = fresh = b"parley_%d" % next(_numbers)
            pgconn.send_prepare(name, command.sql, key[1])
        pgconn.send_query_prepared(name, values, transformer.formats)
        sent.append((transformer, key, fresh))
    pgconn.pipeline_sync()
    while pgconn.flush():
        if (yield WAIT_RW) & READY_R:
            pgconn.consume_input()

    answers: list[Answer] = []
    failed: PGresult | None = None
    for transformer, key, fresh in sent:
        if fresh is not None:
            (result,) = yield from fetch_many(pgconn)
            if result.status == ExecStatus.COMMAND_OK:
                prepared[key] = fresh
            elif failed is None:
                failed = result
        (result,) = yield from fetch_many(pgconn)
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            answers.append(Answer(result, transformer))
        elif failed is None:
            failed = result
    # The sync; before it comes the error of what fails only when it is committed.
    while (result := (yield from fetch_many(pgconn))[-1]).status != ExecStatus.PIPELINE_SYNC:
        failed = failed or result
    pgconn.exit_pipeline_mode()
    if failed is not None:
        raise error_from_result(failed)
    return answers


def _dump(
    connection: psycopg.AsyncConnection[Any], command: Command
) -> tuple[Transformer, Sequence[Any] | None]:
    transformer = adapt.Transformer(connection)
    if not command.values:
        return transformer, None
    formats = [PyFormat.AUTO] * len(command.values)
    return transformer, transformer.dump_sequence(command.values, formats)
