"""What a writer does with the frames of a run that has ended meanwhile, or is gone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.errors import DatabaseUnavailable
from chassis.embedded.ports import free_port
from chassis.errors import Unavailable
from chat_service.answer.domain.frame import DONE
from chat_service.redis_client import REDIS_ERRORS
from chat_service.streaming.domain import Claim, FallbackFrames, Standing
from chat_service.streaming.log.live import LiveRun
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.timings import SHIPPED, Timings
from chat_service.streaming.write.writer import Writer

Chat = Any

# What a busy machine has not answered in a second is answered all the same. A Redis that was away is
# tried with the next write.
_PATIENT = replace(
    SHIPPED, append=20.0, fallback=20.0, claim=20.0, append_again=0.0, claim_again=600.0
)


class Writing:
    """One run in its owner's memory, whose first frame is on its way, and the writer of it."""

    def __init__(
        self,
        chat: Chat,
        log: RunLog,
        live: LiveRun,
        fallback: FallbackLog | None = None,
        timings: Timings = _PATIENT,
    ) -> None:
        self.chat = chat
        self.live = live
        self.fenced: list[LiveRun] = []
        self._writer = Writer(
            log,
            fallback or FallbackLog(chat.worker),
            on_fenced=self._fence,
            on_thawed=lambda: None,
            timings=timings,
        )

    async def _fence(self, live: LiveRun) -> None:
        self.fenced.append(live)

    async def write(self) -> list[LiveRun]:
        return await self._writer.write([self.live])

    @asynccontextmanager
    async def row_held(self) -> AsyncIterator[None]:
        """Somebody else has the run's row for the block, as an erasure may."""
        async with self.chat.worker.transaction() as connection:
            statement = text("SELECT id FROM runs WHERE id = :id FOR UPDATE")
            assert (await connection.execute(statement, {"id": self.live.run.id})).all()
            yield

    async def delete_run(self) -> None:
        async with self.chat.worker.transaction() as connection:
            statement = text("DELETE FROM runs WHERE id = :id")
            await connection.execute(statement, {"id": self.live.run.id})


@pytest_asyncio.fixture(params=["redis is there", "redis is away"])
async def writing(
    request: pytest.FixtureRequest, chat: Chat, caller: Caller, redis_url: str, redis_prefix: str
) -> AsyncIterator[Writing]:
    is_there = request.param == "redis is there"
    url = redis_url if is_there else f"redis://127.0.0.1:{free_port()}"
    log = RunLog(url, prefix=redis_prefix, timings=_PATIENT)
    live = LiveRun((await chat.accept(caller, None)).run)
    live.add_text("a word")
    # As behind an outage, or a freeze: whose the run is has to be asked.
    live.in_fallback = True
    yield Writing(chat, log, live)
    await log.stop()


async def test_of_a_run_that_is_ours_what_is_written_is_shown(writing: Writing) -> None:
    assert await writing.write() == []
    assert writing.live.window.last == 1
    assert writing.fenced == []


async def test_a_run_whose_row_somebody_has_is_written_again_and_shown_once_they_let_it_go(
    writing: Writing,
) -> None:
    async with writing.row_held():
        assert await writing.write() == [writing.live]
        assert writing.live.window.last == 0
    assert await writing.write() == []
    assert writing.live.window.last == 1
    assert writing.fenced == []


async def test_of_a_run_that_somebody_ended_under_our_epoch_nothing_more_is_shown(
    writing: Writing,
) -> None:
    assert await writing.chat.finish(writing.live.run)
    assert await writing.write() == []
    assert writing.fenced == [writing.live]
    assert writing.live.window.last == 0


async def test_the_end_of_a_run_that_we_ended_is_shown(writing: Writing) -> None:
    live = writing.live
    assert await writing.chat.finish(live.run)
    live.ending = True
    live.add_event(DONE, {"status": "completed", "finish_reason": "stop"})
    assert await writing.write() == []
    assert writing.fenced == []
    assert (live.window.last, live.ended, live.waiting_bytes) == (2, True, 0)


async def test_of_a_run_that_is_gone_nothing_more_is_shown(writing: Writing) -> None:
    await writing.delete_run()
    assert await writing.write() == []
    assert writing.fenced == [writing.live]
    assert writing.live.window.last == 0


@pytest_asyncio.fixture
async def log(redis_url: str, redis_prefix: str) -> AsyncIterator[RunLog]:
    log = RunLog(redis_url, prefix=redis_prefix, timings=_PATIENT)
    yield log
    await log.stop()


@pytest_asyncio.fixture
async def lost(chat: Chat, caller: Caller, log: RunLog) -> Writing:
    """Redis has lost the run's log, of which one frame is shown; another one is on its way."""
    live = LiveRun((await chat.accept(caller, None)).run)
    writing = Writing(chat, log, live)
    live.add_text("a word")
    assert await writing.write() == []
    await log.delete([live.run.id])
    live.add_text("and another")
    return writing


async def test_of_a_run_that_is_ours_a_lost_log_is_written_again(lost: Writing) -> None:
    assert await lost.write() == [lost.live]
    assert lost.live.window.last == 1
    assert await lost.write() == []
    assert lost.live.window.last == 2


async def test_a_lost_log_is_written_again_once_the_row_is_free(lost: Writing) -> None:
    async with lost.row_held():
        assert await lost.write() == [lost.live]
    while await lost.write():
        pass
    assert (lost.live.window.last, lost.fenced) == (2, [])


async def test_the_end_of_a_run_that_we_ended_is_shown_though_its_log_is_lost(
    lost: Writing,
) -> None:
    live = lost.live
    assert await lost.chat.finish(live.run)
    live.ending = True
    # It is saved, and its end is not told yet.
    assert await lost.write() == [live]
    live.add_event(DONE, {"status": "completed", "finish_reason": "stop"})
    assert await lost.write() == []
    assert lost.fenced == []
    assert (live.window.last, live.ended) == (3, True)


@pytest.mark.parametrize("is_gone", [False, True], ids=["ended", "gone"])
async def test_of_a_run_that_is_not_ours_a_lost_log_is_not_written_again(
    lost: Writing, is_gone: bool
) -> None:
    if is_gone:
        await lost.delete_run()
    else:
        assert await lost.chat.finish(lost.live.run)
    assert await lost.write() == []
    assert lost.fenced == [lost.live]
    assert lost.live.window.last == 1


class Silent(FallbackLog):
    """It never says whose a run is; ``asked`` says how often somebody wanted to know."""

    asked = 0

    async def release(self, claims: Sequence[Claim]) -> list[Standing]:
        self.asked += 1
        raise DatabaseUnavailable


async def test_while_nobody_says_whose_a_run_is_its_frames_are_shown_and_it_is_asked_again_later(
    chat: Chat, caller: Caller, log: RunLog
) -> None:
    live = LiveRun((await chat.accept(caller, None)).run)
    live.in_fallback = True
    silent = Silent(chat.worker)
    patient = Writing(chat, log, live, silent)
    for number in (1, 2, 3):
        live.add_text("a word")
        assert await patient.write() == []
        assert live.window.last == number
        # It is still to be asked about, and each flush need not wait for that.
        assert live.in_fallback
        assert silent.asked == 1
    at_once = Writing(chat, log, live, silent, replace(_PATIENT, claim_again=0.0))
    for asked in (2, 3):
        live.add_text("a word")
        assert await at_once.write() == []
        assert silent.asked == asked


class Unheard(FallbackLog):
    """Keeps what it is given, and nobody hears so."""

    async def append(self, appends: Sequence[FallbackFrames]) -> list[Standing]:
        await super().append(appends)
        raise Unavailable()


@pytest_asyncio.fixture
async def unheard(
    chat: Chat,
    caller: Caller,
    redis_url: str,
    redis_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Writing]:
    """Redis was away for a write, whose frames PostgreSQL has kept without saying so."""
    log = RunLog(redis_url, prefix=redis_prefix, timings=_PATIENT)
    live = LiveRun((await chat.accept(caller, None)).run)
    live.add_text("a word")
    writing = Writing(chat, log, live, Unheard(chat.worker))

    async def away(_: object) -> None:
        raise REDIS_ERRORS[0]

    with monkeypatch.context() as patch:
        patch.setattr(log, "append", away)
        assert await writing.write() == [live]
    assert live.window.last == 0
    yield writing
    await log.stop()


async def test_what_postgresql_has_kept_without_saying_so_is_taken_away_once_redis_is_back(
    unheard: Writing,
) -> None:
    kept = FallbackLog(unheard.chat.worker)
    assert [frame.seq for frame in await kept.read(unheard.live.run.id, 0)] == [1]
    assert await unheard.write() == []
    assert unheard.live.window.last == 1
    assert await kept.read(unheard.live.run.id, 0) == []


async def test_a_run_that_was_ended_by_what_postgresql_has_kept_without_saying_so_is_not_ours(
    unheard: Writing,
) -> None:
    assert await unheard.chat.finish(unheard.live.run)
    assert await unheard.write() == []
    assert unheard.fenced == [unheard.live]
    assert unheard.live.window.last == 0
