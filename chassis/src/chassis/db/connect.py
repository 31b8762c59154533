"""How a connection to PostgreSQL is made, and what it must be like to be used again."""

import asyncio
import select
from typing import Any, Final

import orjson
import psycopg
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.types.json import set_json_loads
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

_GENERATION: Final = "chassis.generation"
_FIT: Final = (TransactionStatus.IDLE, PipelineStatus.OFF)


async def connect_whole(conninfo: str = "", **options: Any) -> psycopg.AsyncConnection[Any]:
    """Connect, to the end even when cancelled.

    psycopg leaves a half-made connection to the garbage collector, and until that comes by the
    server waits for its password: for a minute, in which no DROP DATABASE gets on. Columns of JSON
    are read by orjson.
    """
    connecting = asyncio.ensure_future(psycopg.AsyncConnection.connect(conninfo, **options))
    try:
        connection = await asyncio.shield(connecting)
    except asyncio.CancelledError:
        # The connect timeout bounds it.
        await asyncio.wait([connecting])
        if not connecting.cancelled() and connecting.exception() is None:
            await connecting.result().close()
        raise
    set_json_loads(orjson.loads, connection)
    return connection


class Guard:
    """Looks at each connection that the pool is about to give out, without a round trip.

    One that is not fit for use is replaced: closed, in a pipeline that did not end, or still in a
    transaction, whose owner must not be the next one's; one whose server has said something while
    it was idle, which can only be farewell, and then all idle ones with it; and one of a generation
    before ``renew``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._generation = 0
        event.listen(engine, "checkout", self._look)

    def renew(self) -> None:
        """Have every connection there is replaced before it is used again."""
        self._generation += 1

    def close_returned(self) -> None:
        """From now on a connection that is given back is closed."""
        event.listen(self._engine, "checkin", _close)

    def _look(self, _dbapi: object, entry: ConnectionPoolEntry, _proxy: object) -> None:
        driver = _driver(entry)
        is_new = _GENERATION not in entry.info
        state = driver.pgconn.transaction_status, driver.pgconn.pipeline_status
        if driver.closed or state != _FIT:
            raise DisconnectionError
        if entry.info.setdefault(_GENERATION, self._generation) != self._generation:
            raise DisconnectionError
        poll = select.poll()
        poll.register(driver.fileno(), select.POLLIN)
        if poll.poll(0):
            if is_new:
                # Of one more that must be replaced the pool would say what it says of a mistake of ours.
                raise psycopg.OperationalError("the server has ended a new connection")
            raise InvalidatePoolError


def _driver(entry: ConnectionPoolEntry) -> psycopg.AsyncConnection[Any]:
    driver = entry.driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    return driver


def _close(_dbapi: object, entry: ConnectionPoolEntry) -> None:
    # A listener cannot wait, which is all that psycopg's close() would do besides.
    _driver(entry).pgconn.finish()
