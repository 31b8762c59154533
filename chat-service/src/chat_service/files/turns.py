"""Turns at having files read: each takes a processor, and memory that is counted on (see docker-compose.yml)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

from chat_service.files.domain.errors import FileReadersBusy

#: How long a turn is waited for, seconds.
MOST_WAIT_SECONDS: Final = 30.0


class Turns:
    """So many turns `at_once`, of which a user has one: who sends many files keeps nobody else waiting."""

    def __init__(self, *, at_once: int = 2, most_seconds: float = MOST_WAIT_SECONDS) -> None:
        self._all = asyncio.Semaphore(at_once)
        self._users: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._most_seconds = most_seconds

    @asynccontextmanager
    async def of(self, user_id: UUID) -> AsyncIterator[None]:
        """The block runs in a turn of the user's. Raises FileReadersBusy where none comes in time."""
        mine = self._users.setdefault(user_id, asyncio.Lock())
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._most_seconds):
                    await stack.enter_async_context(mine)
                    await stack.enter_async_context(self._all)
            except TimeoutError:
                raise FileReadersBusy() from None
            yield
