"""What chat-service brings to a gateway: frames on a channel, notices."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import orjson

from parley.chat.v1 import chat_pb2


class FakeChannel:
    """Brings each step that is put into it: a message, an error, None for its end."""

    def __init__(self) -> None:
        self.id = "channel-1"
        self.opened = 0
        self.steps: asyncio.Queue[chat_pb2.OpenChannelResponse | Exception | None] = asyncio.Queue()
        self.unsubscribed: list[int] = []

    def bring(self, *batches: chat_pb2.Batch) -> None:
        self.steps.put_nowait(chat_pb2.OpenChannelResponse(batches=batches))

    async def note_unsubscribed(self, requests: AsyncIterator[chat_pb2.OpenChannelRequest]) -> None:
        async for request in requests:
            self.unsubscribed += request.unsubscribe


class FakeNotices:
    """The notices of each user, from number 1 of log 7, and who watches them."""

    def __init__(self) -> None:
        self.log = 7
        self.told: dict[str, list[bytes]] = {}
        self.watching: list[
            tuple[str, asyncio.Queue[chat_pb2.WatchNoticesResponse | Exception]]
        ] = []

    def _of(self, user: str) -> list[bytes]:
        return self.told.setdefault(user, [b""])

    def look(self, user: str, after: str | None) -> chat_pb2.WatchNoticesResponse:
        told = self._of(user)
        newest = f"{self.log}-{len(told)}"
        log, _, number = (after or newest).partition("-")
        if log != str(self.log):
            return chat_pb2.WatchNoticesResponse(cursor=newest, read_again=True)
        missed = [self._notice(user, n) for n in range(int(number) + 1, len(told) + 1)]
        return chat_pb2.WatchNoticesResponse(cursor=newest, notices=missed)

    def _notice(self, user: str, number: int) -> chat_pb2.Notice:
        return chat_pb2.Notice(cursor=f"{self.log}-{number}", data=self._of(user)[number - 1])

    def tell(self, user: object, **facts: Any) -> None:
        told = self._of(str(user))
        told.append(orjson.dumps(facts))
        notice = self._notice(str(user), len(told))
        for watched, queue in self.watching:
            if watched == str(user):
                queue.put_nowait(
                    chat_pb2.WatchNoticesResponse(cursor=notice.cursor, notices=[notice])
                )

    def end(self, error: Exception) -> None:
        """Every stream breaks."""
        for _, queue in self.watching:
            queue.put_nowait(error)

    async def watch(
        self, user: str, after: str | None
    ) -> AsyncGenerator[chat_pb2.WatchNoticesResponse, None]:
        queue: asyncio.Queue[chat_pb2.WatchNoticesResponse | Exception] = asyncio.Queue()
        self.watching.append((user, queue))
        try:
            yield self.look(user, after)
            while not isinstance(step := await queue.get(), Exception):
                yield step
            raise step
        finally:
            self.watching.remove((user, queue))
