"""Turns at what takes long and is asked for seldom: one at a time, and a bounded line before it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from chassis.db.errors import DatabaseBusy

#: How many wait for a turn at once, and how long, seconds: less than the gateway waits for an answer.
MOST_WAITING: Final = 8
MOST_WAIT_SECONDS: Final = 2.0
_RETRY_SECONDS = 5


class Turns:
    """One turn at a time, for which so many wait for so long at most."""

    def __init__(
        self, *, most_waiting: int = MOST_WAITING, most_seconds: float = MOST_WAIT_SECONDS
    ) -> None:
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0
        self._most_waiting = most_waiting
        self._most_seconds = most_seconds

    @asynccontextmanager
    async def next(self) -> AsyncIterator[None]:
        """The block runs in a turn. Raises DatabaseBusy where too many wait, or none comes in time."""
        if self._waiting >= self._most_waiting:
            raise DatabaseBusy(retry_after=_RETRY_SECONDS)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._most_seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise DatabaseBusy(retry_after=_RETRY_SECONDS) from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turn.release()
