"""Several commands in one round trip: libpq's pipeline mode, beneath psycopg's cursors.

Everything is sent at once and read at once, and each statement is prepared the first time that a
connection meets it. psycopg's own pipeline writes to the socket once for each command, with a cursor
for each: that costs 1.0 ms of CPU more in a turn, which is a tenth of it
(docs/decisions/0015-below-sqlalchemy.md has the figures).

It stands on ``psycopg.pq``, on ``fetch_many`` and ``error_from_result``, of which psycopg's own cursors
are made, and on its ``wait``. `make check` fails when the lock goes on to another minor version of
psycopg than the one it was proved with.
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from collections.abc import Callable, Generator, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, TypeVar

import psycopg
from psycopg import adapt
from psycopg.abc import AdaptContext, Buffer, Transformer
from psycopg.adapt import Loader, PyFormat
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.waiting import READY_R, WAIT_RW, Ready, Wait
from sqlalchemy.pool import PoolProxiedConnection

Row = TypeVar("Row")

# Names of prepared statements by their text and the types of their parameters.
Prepared = MutableMapping[tuple[bytes, tuple[int, ...]], bytes]

_PREPARED: Final = "chassis.prepared"
_BEGIN: Final = "chassis.begin"
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

    def as_sent(self) -> "Answer":
        """The same with each text as the bytes that came, in UTF-8: what is only handed on is not decoded for it."""
        return Answer(self._result, adapt.Transformer(_TextsAsSent(self._transformer)))

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


class _AsSent(Loader):
    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class _TextsAsSent:
    """What psycopg loads values with, as for ``context`` but for texts."""

    def __init__(self, context: AdaptContext) -> None:
        self.connection = context.connection
        self.adapters = adapt.AdaptersMap(context.adapters)
        self.adapters.register_loader("text", _AsSent)


def driver_of(pooled: PoolProxiedConnection) -> psycopg.AsyncConnection[Any]:
    """The driver's connection behind the pool's."""
    driver = pooled.driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    return driver


def begin_with(pooled: PoolProxiedConnection, *commands: Command) -> None:
    """Have a transaction begin with ``commands``, in the round trip of its first statement.

    Until :func:`begin_no_more` each statement that finds the connection outside a transaction
    begins one.
    """
    pooled.info[_BEGIN] = commands


def begin_no_more(pooled: PoolProxiedConnection) -> None:
    """From now on statements are transactions by themselves."""
    pooled.info.pop(_BEGIN, None)


def not_begun(pooled: PoolProxiedConnection) -> Sequence[Command]:
    """What the next statement is to begin its transaction with; nothing, once it has begun."""
    begin: Sequence[Command] = pooled.info.get(_BEGIN, ())
    if begin and driver_of(pooled).pgconn.transaction_status == TransactionStatus.IDLE:
        return begin
    return ()


async def perform(pooled: PoolProxiedConnection, *commands: Command) -> list[Answer]:
    """Execute ``commands`` in one round trip; their answers, in order.

    Outside a transaction they are one by themselves. Raises the psycopg error of the first that
    fails; what stood behind it was not executed. Cancelled, it stops them in the server, and
    closes the connection if that takes longer than 5 s.
    """
    driver = driver_of(pooled)
    prepared: Prepared = pooled.info.setdefault(_PREPARED, {})
    async with driver.lock:
        begin = not_begun(pooled)
        answers = await driver.wait(_converse(driver, prepared, (*begin, *commands)))
    return answers[len(begin) :]


def _converse(
    connection: psycopg.AsyncConnection[Any], prepared: Prepared, commands: Sequence[Command]
) -> Generator[Wait, Ready | int, list[Answer]]:
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
