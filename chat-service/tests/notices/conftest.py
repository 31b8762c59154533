"""Notices of a user, heard over the wire and put side by side."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import orjson
import pytest_asyncio

from chassis.errors import AppError
from chat_service.notices.log import NoticeLog
from chat_service.notices.publisher import Publisher
from chat_service.notices.watchers import Watchers
from parley.chat.v1 import chat_pb2


class Screen:
    """Somebody who watches: what came, in order, and the cursor behind it."""

    def __init__(self, responses: AsyncGenerator[chat_pb2.WatchNoticesResponse, None]) -> None:
        self._responses = responses
        self.cursor = ""
        self.cursors: list[str] = []
        self.told: list[dict[str, Any]] = []
        self.read_again = 0

    async def look(self) -> None:
        """Take the next response."""
        async with asyncio.timeout(30):
            response = await anext(self._responses)
        self.cursor = response.cursor
        self.read_again += response.read_again
        for notice in response.notices:
            self.cursors.append(notice.cursor)
            self.told.append(orjson.loads(notice.data))

    async def hear(self, count: int) -> list[dict[str, Any]]:
        """All that was told, once it is so many."""
        while len(self.told) < count:
            await self.look()
        return self.told

    async def is_told_to_read_again(self) -> None:
        while not self.read_again:
            await self.look()

    async def ends(self) -> None:
        """Until its stream ends, in one way or the other."""
        with suppress(StopAsyncIteration, AppError):
            while True:
                await self.look()


class OpenScreen:
    """``await open_screen(client)``: a screen of the client's user, which stands where it began."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def __call__(self, client: Any, after: str | None = None) -> Screen:
        screen = Screen(await self._stack.enter_async_context(client.watch(after)))
        await screen.look()
        return screen


@pytest_asyncio.fixture
async def open_screen() -> AsyncIterator[OpenScreen]:
    async with AsyncExitStack() as stack:
        yield OpenScreen(stack)


@pytest_asyncio.fixture
async def log(redis_url: str, redis_prefix: str) -> AsyncIterator[NoticeLog]:
    """The streams of all users."""
    log = NoticeLog(redis_url, prefix=redis_prefix)
    yield log
    await log.stop()


@pytest_asyncio.fixture
async def replica(log: NoticeLog) -> AsyncIterator[tuple[Publisher, Watchers]]:
    """What tells, and what hears."""
    publisher, watchers = Publisher(log), Watchers(log)
    await publisher.start()
    await watchers.start()
    yield publisher, watchers
    for part in (watchers, publisher):
        await part.stop()
