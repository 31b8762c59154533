"""Windows on runs of other replicas, on a real log and the real database."""

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest_asyncio
import redis.asyncio

from chassis.caller import Caller
from chassis.testing.eventually import eventually
from chat_service.answer.domain.frame import Frame
from chat_service.runs.domain.run import Run
from chat_service.streaming.domain import FallbackFrames, Standing
from chat_service.streaming.log.redis import Append, Entry, Place, RunLog
from chat_service.streaming.read.remote import RemoteRuns
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.timings import SHIPPED

Chat = Any


def word(seq: int) -> Frame:
    return Frame(seq, "delta", b'{"text":"%d"}' % seq)


class SeenLog(RunLog):
    """Counts the looks at many logs, of which the next one breaks if it is told to."""

    looks = 0
    breaks = False

    async def read_many(self, places: Mapping[UUID, Place]) -> dict[UUID, list[Entry]]:
        if self.breaks:
            self.breaks = False
            raise ZeroDivisionError
        news = await super().read_many(places)
        self.looks += 1
        return news


class Elsewhere:
    """A run that another replica generates: what that writes, and the windows on it here."""

    def __init__(self, chat: Chat, run: Run, log: SeenLog, client: Any, key: str) -> None:
        self.chat = chat
        self.run = run
        self.log = log
        self._client = client
        self._key = key
        self._fallback = FallbackLog(chat.worker)
        timings = replace(SHIPPED, linger_elsewhere=0.05)
        self.remote = RemoteRuns(log, self._fallback, flush_seconds=0.02, timings=timings)

    async def append(self, *frames: Frame) -> None:
        await self.log.append([Append(self.run.id, self.run.epoch, frames)])

    async def add_behind_a_hole(self, frame: Frame) -> None:
        """As no owner would write it."""
        await self._client.xadd(
            self._key,
            {"e": frame.event, "d": frame.data},
            id=f"{self.run.epoch}-{frame.seq}",
        )

    async def keep(self, *frames: Frame) -> None:
        """In PostgreSQL, as while Redis is away."""
        offer = FallbackFrames(self.run.id, self.run.epoch, frames)
        assert await self._fallback.append([offer]) == [Standing.OURS]


@pytest_asyncio.fixture
async def elsewhere(
    chat: Chat, caller: Caller, redis_url: str, redis_prefix: str
) -> AsyncIterator[Elsewhere]:
    log = SeenLog(redis_url, prefix=redis_prefix, timings=replace(SHIPPED, append=20.0))
    client = redis.asyncio.Redis.from_url(redis_url)
    run = (await chat.accept(caller, None)).run
    yield Elsewhere(chat, run, log, client, log._key(run.id))
    await client.aclose()
    await log.stop()


async def test_what_stands_behind_a_hole_is_shown_once_the_database_has_filled_it(
    elsewhere: Elsewhere,
) -> None:
    await elsewhere.append(word(1), word(2))
    await elsewhere.add_behind_a_hole(word(4))
    with elsewhere.remote.watch(elsewhere.run.id, 0) as window:
        await eventually(lambda: window.last == 2)
        await elsewhere.append(word(5))
        looks = elsewhere.log.looks
        await eventually(lambda: elsewhere.log.looks >= looks + 2)
        assert window.last == 2
        await elsewhere.keep(word(3))
        await eventually(lambda: window.last == 5)
        assert list(window.frames) == [word(seq) for seq in (1, 2, 3, 4, 5)]


async def test_the_window_of_who_comes_later_outlives_one_that_had_ended_before(
    elsewhere: Elsewhere,
) -> None:
    with ExitStack() as early:
        ended = early.enter_context(elsewhere.remote.watch(elsewhere.run.id, 0))
        assert await elsewhere.chat.finish(elsewhere.run)
        await eventually(lambda: ended.ended)
        with elsewhere.remote.watch(elsewhere.run.id, 0) as window:
            assert window is not ended
            early.close()
            # Else nobody would ever tell it of the end.
            await eventually(lambda: window.ended)
    assert len(elsewhere.remote) == 0


async def test_a_window_that_the_database_has_ended_keeps_no_frames(elsewhere: Elsewhere) -> None:
    await elsewhere.append(word(1))
    with elsewhere.remote.watch(elsewhere.run.id, 0) as window:
        await eventually(lambda: window.last == 1)
        assert await elsewhere.chat.finish(elsewhere.run)
        await eventually(lambda: window.ended and not window.frames)


async def test_a_log_that_cannot_be_read_by_mistake_is_read_again(elsewhere: Elsewhere) -> None:
    elsewhere.log.breaks = True
    await elsewhere.append(word(1))
    with elsewhere.remote.watch(elsewhere.run.id, 0) as window:
        await eventually(lambda: window.last == 1)
    assert not elsewhere.log.breaks
