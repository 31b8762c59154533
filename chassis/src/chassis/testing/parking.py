"""Connections to PostgreSQL that outlive the pool they were made for.

A backend reads its catalogues before it plans its first statement: some 25 ms of CPU, three times in
a test of a service. One that was used before has them in its caches.
"""

import asyncio
import select
from collections import OrderedDict
from typing import Any, Final

import psycopg
from psycopg.pq import PipelineStatus, TransactionStatus

from chassis.db.connect import connect_whole

# Idle ones of this process. What is unused for long goes first: its database is not there any more.
_MOST: Final = 32

_Driver = psycopg.AsyncConnection[Any]


class Parking:
    """Where the connections of this process's pools are while no pool has them.

    Whoever asks for one like it gets it as good as new: without settings, prepared statements,
    listeners, temporary tables or advisory locks of those before.
    """

    # What psycopg asks of a pool that a connection is given back to when it is closed.
    close_returns: Final = True

    def __init__(self) -> None:
        self._idle: OrderedDict[_Driver, str] = OrderedDict()
        self._kinds: dict[_Driver, str] = {}

    def close(self) -> None:
        """Close what is here; what is in use is closed when it comes back."""
        self._kinds.clear()
        self._keep(0)

    def processes(self, *, in_use: bool = False) -> list[int]:
        """The backends of those that are here, and with ``in_use`` of those that pools have."""
        drivers = [*self._idle, *(self._kinds if in_use else ())]
        return [driver.pgconn.backend_pid for driver in drivers if not driver.closed]

    async def putconn(self, driver: _Driver) -> None:
        """What psycopg calls in place of closing."""
        kind = self._kinds.pop(driver, None)
        if kind is None or not _is_fit(driver):
            driver.pgconn.finish()
            return
        self._idle[driver] = kind
        self._keep(_MOST)

    async def connect(self, conninfo: str = "", **options: Any) -> _Driver:
        """In place of :func:`chassis.db.connect.connect_whole`."""
        # How values are adapted is an object of each pool's own, and the same in all.
        kind = repr((conninfo, [(n, v) for n, v in sorted(options.items()) if n != "context"]))
        while driver := self._newest(kind):
            try:
                # Its own belongs to the event loop of a test that is over.
                driver.lock = asyncio.Lock()
                await driver.execute("DISCARD ALL")
            except psycopg.Error:
                driver.pgconn.finish()
                continue
            except BaseException:
                # Of a start that is given up nobody has it any more.
                driver.pgconn.finish()
                raise
            break
        else:
            driver = await connect_whole(conninfo, **options)
            driver._pool = self  # noqa: SLF001 - as psycopg_pool says it
        self._kinds[driver] = kind
        return driver

    def _newest(self, kind: str) -> _Driver | None:
        for driver in reversed(self._idle):
            if self._idle[driver] == kind:
                del self._idle[driver]
                return driver
        return None

    def _keep(self, most: int) -> None:
        while len(self._idle) > most:
            driver, _ = self._idle.popitem(last=False)
            driver.pgconn.finish()


def _is_fit(driver: _Driver) -> bool:
    """Whether nothing goes on in it and its server is there."""
    pgconn = driver.pgconn
    state = pgconn.transaction_status, pgconn.pipeline_status
    if state != (TransactionStatus.IDLE, PipelineStatus.OFF):
        return False
    poll = select.poll()
    poll.register(pgconn.socket, select.POLLIN)
    return not poll.poll(0)
