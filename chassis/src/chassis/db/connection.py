"""A psycopg connection that stays registered with the event loop between waits.

psycopg registers and unregisters the socket around every wait, which is a third of what a
round trip costs the client: a BEGIN and COMMIT took 121 µs of CPU, and take about 80 µs with
the registration kept. Several transactions are on the path of every chat turn.
"""

import asyncio
import os
from collections.abc import Generator
from typing import Any, Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.waiting import READY_R, WAIT_R, Ready, Wait, wait_async

from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_Result = TypeVar("_Result")
_Steps = Generator[Wait, Ready | int, _Result]

_CANCEL_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.1


class Connection(psycopg.AsyncConnection[Any]):
    """Does what psycopg's does, except that a cancelled statement closes the connection.

    The server is told to stop the statement first, so that its locks are free at once.
    """

    _socket: "_Socket | None" = None

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
