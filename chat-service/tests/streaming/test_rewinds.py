"""What a log that Redis has lost is written again from, once memory alone has not all of it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import text

from chassis.caller import Caller
from chassis.embedded.ports import free_port
from chat_service.answer.domain.frame import Frame
from chat_service.streaming.log.history import History, RunLogUnavailable
from chat_service.streaming.log.live import LiveRun
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.timings import SHIPPED
from chat_service.streaming.write.writer import Writer

Chat = Any

# What a busy machine has not answered in a second is answered all the same.
_PATIENT = replace(SHIPPED, append=20.0, fallback=20.0, claim=20.0)
_WORDS = 8


class Outage:
    """A run of which PostgreSQL has all and memory the newest, and a Redis that has nothing."""

    def __init__(self, chat: Chat, log: RunLog, away: RunLog, live: LiveRun) -> None:
        self.log = log
        self.away = away
        self.live = live
        self.fallback = FallbackLog(chat.worker)
        self._chat = chat
        self._without, self._with = (self._writer(chat, one) for one in (away, log))

    @staticmethod
    def _writer(chat: Chat, log: RunLog) -> Writer:
        async def fenced(_live: LiveRun) -> None:
            raise AssertionError("it is ours")

        return Writer(
            log,
            FallbackLog(chat.worker),
            on_fenced=fenced,
            on_thawed=lambda: None,
            timings=_PATIENT,
        )

    async def speak(self, number: int) -> None:
        """One more frame, while Redis is away."""
        self.live.add_text(f"word {number} ")
        assert await self._without.write([self.live]) == []
        assert self.live.window.last == number

    async def lose(self, *numbers: int) -> None:
        async with self._chat.worker.transaction() as connection:
            statement = text("DELETE FROM run_frames WHERE run_id = :id AND seq = ANY(:numbers)")
            values = {"id": self.live.run.id, "numbers": list(numbers)}
            assert (await connection.execute(statement, values)).rowcount == len(numbers)

    async def end(self) -> list[Frame]:
        """Redis is back and empty; what its log has once there is no more to write."""
        more = [self.live]
        while more:
            more = await self._with.write(more)
        return await self.log.read(self.live.run.id, 0)


@pytest_asyncio.fixture
async def outage(
    chat: Chat, caller: Caller, redis_url: str, redis_prefix: str
) -> AsyncIterator[Outage]:
    log = RunLog(redis_url, prefix=redis_prefix, timings=_PATIENT)
    away = RunLog(f"redis://127.0.0.1:{free_port()}", prefix=redis_prefix, timings=_PATIENT)
    # Of these words it holds three or four.
    live = LiveRun((await chat.accept(caller, None)).run, window_bytes=64)
    outage = Outage(chat, log, away, live)
    for number in range(1, _WORDS + 1):
        await outage.speak(number)
    assert 1 < live.window.frames[0].seq < _WORDS
    yield outage
    await log.stop()
    await away.stop()


def said(frames: list[Frame]) -> list[tuple[int, str, str]]:
    return [(one.seq, one.event, orjson.loads(one.data)["text"]) for one in frames]


async def test_what_left_the_memory_comes_from_postgresql_each_frame_once_in_its_place(
    outage: Outage,
) -> None:
    outage.live.add_text("the last")
    assert said(await outage.end()) == [
        *((number, "delta", f"word {number} ") for number in range(1, _WORDS + 1)),
        (_WORDS + 1, "delta", "the last"),
    ]


async def test_what_postgresql_lacks_before_that_of_the_memory_is_one_snapshot(
    outage: Outage,
) -> None:
    first = outage.live.window.frames[0].seq
    await outage.lose(first - 1)
    outage.live.add_text("the last")
    frames = said(await outage.end())
    words = [f"word {number} " for number in range(1, first)]
    assert frames[0] == (first - 1, "snapshot", "".join(words))
    assert [seq for seq, _, _ in frames] == list(range(first - 1, _WORDS + 2))


async def test_what_postgresql_has_in_part_is_no_history_while_redis_is_away(
    outage: Outage,
) -> None:
    history, run_id = History(outage.away, outage.fallback), outage.live.run.id
    past = await history.whole(run_id)
    assert [frame.seq for frame in past.frames] == list(range(1, _WORDS + 1))
    # What came before the outage Redis alone has.
    await outage.lose(1)
    with pytest.raises(RunLogUnavailable):
        await history.whole(run_id)
