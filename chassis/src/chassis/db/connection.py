"""A psycopg connection that saves round trips, and stays registered with the event loop.

What needs no answer of its own (BEGIN, the scope, a lock) is deferred and travels with the next
command. And psycopg registers and unregisters the socket around every wait, which is a third of
what a round trip costs the client: here the registration is kept. Several transactions are on
the path of every chat turn.
"""

import asyncio
import os
import select
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn
from psycopg.rows import AsyncRowFactory, tuple_row
from psycopg.waiting import READY_R, WAIT_R, Ready, Wait, wait_async

from chassis.db.pipeline import Answer, Command, Prepared, converse
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_Result = TypeVar("_Result")
_Steps = Generator[Wait, Ready | int, _Result]

_CANCEL_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.1


Check = Callable[[Answer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Deferred:
    command: Command
    check: Check | None


class Connection(psycopg.AsyncConnection[Any]):
    """Does what psycopg's does, except that a cancelled statement closes the connection.

    The server is told to stop the statement first, so that its locks are free at once.
    """

    _socket: "_Socket | None" = None

    def __init__(self, pgconn: PGconn, row_factory: AsyncRowFactory[Any] = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self.cursor_factory = _Cursor
        self.server_cursor_factory = _ServerCursor
        self._deferred: list[_Deferred] = []
        self._names: Prepared = {}

    def defer(self, command: Command, check: Check | None = None) -> None:
        """Execute ``command`` before the next one, in the same round trip.

        ``check`` then looks at its answer before anybody sees the next one's, and may raise.
        """
        self._deferred.append(_Deferred(command, check))

    async def perform(self, *commands: Command) -> list[Answer]:
        """Execute ``commands`` behind what was deferred; their answers.

        Raises psycopg's errors, also those of what was deferred, and what checks raise.
        """
        deferred, self._deferred = self._deferred, []
        every = [*(one.command for one in deferred), *commands]
        async with self.lock:
            answers = await self.wait(converse(self, self._names, every))
        for one, answer in zip(deferred, answers, strict=False):
            if one.check is not None:
                await one.check(answer)
        return answers[len(deferred) :]

    async def flush(self) -> None:
        """Execute what was deferred, if anything."""
        if self._deferred:
            await self.perform()

    async def flush_checked(self) -> None:
        """Execute what was deferred if anybody waits for its answer; forget it otherwise."""
        if any(one.check is not None for one in self._deferred):
            await self.perform()
        self._deferred = []

    def forget_deferred(self) -> None:
        """Never execute what was deferred."""
        self._deferred = []

    @property
    def is_alive(self) -> bool:
        """False for an idle connection to which its server has said something: farewell."""
        if self.closed:
            return False
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return not poll.poll(0)

    async def wait(
        self, gen: _Steps[_Result], interval: float = 0.1, timeout: float | None = None
    ) -> _Result:
        """Run ``gen``, a conversation with the server, to its end."""
        if timeout is not None:  # asked for by notifies() alone
            return await super().wait(gen, interval, timeout)
        try:
            state = next(gen)
            if self._socket is None:
                self._socket = _Socket(self.pgconn.socket)
            while True:
                if state == WAIT_R:
                    await self._socket.readable()
                    state = gen.send(READY_R)
                else:  # the socket's buffer is full: a large parameter
                    state = gen.send(await wait_async(_one_wait(state), self.pgconn.socket))
        except StopIteration as stop:
            result: _Result = stop.value
            return result
        except asyncio.CancelledError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                await self._give_up()
            raise

    async def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        await super().close()

    async def _give_up(self) -> None:
        try:
            await self.cancel_safe(timeout=_CANCEL_SECONDS)
        except psycopg.Error as error:
            _log.debug("database.cancel_failed", error=str(error))
        finally:
            self.pgconn.finish()


class _Cursor(psycopg.AsyncCursor[Any]):
    """A cursor in front of which goes what was deferred."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        await _of(self).flush()
        return await super().execute(query, params, **options)

    async def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        await _of(self).flush()
        await super().executemany(query, params_seq, **options)


class _ServerCursor(psycopg.AsyncServerCursor[Any]):
    """The same for results that stay in the server."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        await _of(self).flush()
        return await super().execute(query, params, **options)


def _of(cursor: psycopg.AsyncCursor[Any]) -> Connection:
    connection = cursor.connection
    assert isinstance(connection, Connection)
    return connection


def _one_wait(state: Wait) -> _Steps[Ready | int]:
    return (yield state)


class _Socket:
    """A duplicate of a connection's descriptor, watched for as long as it makes sense.

    A duplicate, because libpq closes its own whenever it meets an error, and an event loop
    must never watch a number that may already belong to another file.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)
        self._loop = asyncio.get_running_loop()
        self._watched = False
        self._idle_wakes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def readable(self) -> "asyncio.Future[None]":
        """Done once there may be something to read, or after a while in any case."""
        if not self._watched:
            self._loop.add_reader(self._descriptor, self._wake)
            self._watched = True
        self._idle_wakes = 0
        self._waiter = self._loop.create_future()
        self._timer = self._loop.call_later(_LOOK_SECONDS, self._look_anyway)
        return self._waiter

    def close(self) -> None:
        """Let go of the descriptor. May be called again."""
        if self._descriptor >= 0:
            self._stop_timer()
            self._unwatch()
            os.close(self._descriptor)
            self._descriptor = -1

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
            self._stop_timer()
            return
        # One wake may still have been under way when its reader was served. A second one
        # means that the server speaks, or has hung up, while nobody listens: watching on
        # would spin. The next wait looks again.
        self._idle_wakes += 1
        if self._idle_wakes > 1:
            self._unwatch()

    def _look_anyway(self) -> None:
        # uvloop drops a descriptor for good, and says nothing, when its socket has an error.
        self._unwatch()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _unwatch(self) -> None:
        if self._watched:
            self._loop.remove_reader(self._descriptor)
            self._watched = False
