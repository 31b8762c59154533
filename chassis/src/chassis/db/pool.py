"""A bounded pool that keeps SQLAlchemy's connections whole between transactions.

SQLAlchemy's own pool keeps the driver's connection and builds everything above it anew at each
checkout; that, and its bookkeeping of a transaction, cost three times as much CPU as the BEGIN
and the COMMIT themselves.
"""

import asyncio
import time
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.db.connection import Connection
from chassis.db.errors import DatabaseBusy
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)


@dataclass(slots=True, eq=False)
class Pooled:
    """A connection of the pool: as SQLAlchemy sees it, and as the driver does."""

    sqlalchemy: AsyncConnection
    driver: Connection
    fresh: bool = True
    born: float = field(default_factory=time.monotonic)


class Pool:
    """At most ``size`` connections, the last used one first, none older than ``life_seconds``."""

    def __init__(
        self, engine: AsyncEngine, *, size: int, wait_seconds: float, life_seconds: float
    ) -> None:
        self._engine = engine
        self._places = asyncio.Semaphore(size)
        self._wait_seconds = wait_seconds
        self._life_seconds = life_seconds
        self._idle: list[Pooled] = []
        self._closed = False

    async def take(self) -> Pooled:
        """An idle connection, which may have died meanwhile, or a fresh one.

        Raises DatabaseBusy when all are in use for ``wait_seconds``, and what SQLAlchemy
        raises when no connection can be made.
        """
        if self._places.locked():
            try:
                async with asyncio.timeout(self._wait_seconds):
                    await self._places.acquire()
            except TimeoutError:
                raise DatabaseBusy(retry_after=1) from None
        else:
            await self._places.acquire()  # does not wait
        try:
            oldest = time.monotonic() - self._life_seconds
            while self._idle:
                pooled = self._idle.pop()
                if pooled.born > oldest:
                    return pooled
                await self._close(pooled)
            return await self._connect_whole()
        except BaseException:
            self._places.release()
            raise

    async def put_back(self, pooled: Pooled) -> None:
        """Return a connection that is outside any transaction."""
        self._places.release()
        pooled.fresh = False
        if self._closed:
            await self._close(pooled)
        else:
            self._idle.append(pooled)

    async def discard(self, pooled: Pooled) -> None:
        """Return a connection that is broken, or whose state nobody knows."""
        self._places.release()
        await self._close(pooled)

    async def close_idle(self) -> None:
        """Drop what is not in use."""
        idle, self._idle = self._idle, []
        for pooled in idle:
            await self._close(pooled)

    async def close(self) -> None:
        """Drop everything, what is in use as soon as it comes back."""
        self._closed = True
        await self.close_idle()

    async def _connect_whole(self) -> Pooled:
        """Connect, to the end even when cancelled.

        psycopg leaves a half-made connection to the garbage collector, and until that comes by
        the server waits for its password: for a minute, in which no DROP DATABASE gets on.
        """
        connecting = asyncio.ensure_future(self._connect())
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            # The connect timeout bounds it.
            await asyncio.wait([connecting])
            if not connecting.cancelled() and connecting.exception() is None:
                await self._close(connecting.result())
            raise

    async def _connect(self) -> Pooled:
        connection = await self._engine.connect()
        sync = connection.sync_connection
        assert sync is not None
        # To SQLAlchemy this is one transaction without an end; the driver is in autocommit
        # mode, and the true BEGIN and COMMIT go past SQLAlchemy.
        sync.begin()
        driver = sync.connection.driver_connection
        assert isinstance(driver, Connection)
        return Pooled(connection, driver)

    async def _close(self, pooled: Pooled) -> None:
        # Shielded: a cancelled caller must not leave a connection half closed.
        await asyncio.shield(self._finish(pooled))

    async def _finish(self, pooled: Pooled) -> None:
        try:
            await pooled.driver.close()
            await pooled.sqlalchemy.invalidate()
            await pooled.sqlalchemy.close()
        except SQLAlchemyError as error:
            _log.debug("database.close_failed", error=str(error))
