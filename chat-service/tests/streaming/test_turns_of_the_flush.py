"""What does not wait for the next flush, what is not forgotten by one, and what Redis is asked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest_asyncio
from structlog.testing import capture_logs

from chassis.caller import Caller
from chassis.embedded import free_port
from chassis.testing import ModelServer, eventually, sample
from chat_service.streaming.log.live import LiveRun
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.timings import SHIPPED, Timings
from chat_service.streaming.write.circuit import Circuit
from chat_service.streaming.write.flush import Flusher
from chat_service.streaming.write.writer import Writer

NEVER = 600.0


async def nobody(live: LiveRun) -> None:
    raise AssertionError(f"{live.run.id} is ours")


def writer_of(rig: Any, log: RunLog, timings: Timings = SHIPPED) -> Writer:
    return Writer(log, rig.fallback, on_fenced=nobody, on_thawed=lambda: None, timings=timings)


@pytest_asyncio.fixture
async def flusher(rig: Any) -> AsyncIterator[Flusher]:
    flusher = Flusher(writer_of(rig, rig.log), flush_seconds=0.01)
    await flusher.start()
    yield flusher
    await flusher.stop()


async def test_news_that_comes_during_an_append_is_carried_without_another_word(
    flusher: Flusher, chat: Any, caller: Caller
) -> None:
    first, second = [LiveRun((await chat.accept(caller, None)).run) for _ in range(2)]
    first.add_text("one")
    flusher.mark(first)
    async with asyncio.timeout(30):
        while not flusher._appending.locked():  # noqa: ASYNC110 - it is a turn of the loop or two
            await asyncio.sleep(0)
    second.add_text("two")
    flusher.mark(second)
    await eventually(lambda: second.window.last)
    assert first.window.last
    assert flusher.waiting == 0


async def test_news_of_a_flush_that_broke_is_carried_by_the_next_one(
    rig: Any, chat: Any, caller: Caller
) -> None:
    writer: Any = writer_of(rig, rig.log)
    write = writer.write
    broken: list[LiveRun] = []

    async def breaks_once(lives: Sequence[LiveRun]) -> list[LiveRun]:
        if not broken:
            broken.extend(lives)
            raise ZeroDivisionError
        carried: list[LiveRun] = await write(lives)
        return carried

    writer.write = breaks_once
    flusher = Flusher(writer, flush_seconds=0.01)
    await flusher.start()
    live = LiveRun((await chat.accept(caller, None)).run)
    live.add_text("one")
    flusher.mark(live)
    await eventually(lambda: live.window.last == 1)
    assert broken == [live]
    await flusher.stop()


async def test_news_that_is_urgent_does_not_wait_for_the_next_flush(
    rig: Any, chat: Any, caller: Caller
) -> None:
    flusher = Flusher(writer_of(rig, rig.log), flush_seconds=NEVER)
    await flusher.start()
    live = LiveRun((await chat.accept(caller, None)).run)
    live.add_text("one")
    flusher.mark(live)
    await eventually(lambda: live.window.last == 1)
    # The next flush is ten minutes away.
    live.add_text("two")
    flusher.mark(live, urgent=True)
    await eventually(lambda: live.window.last == 2)
    await flusher.stop()


async def test_while_redis_is_away_flushes_keep_the_distance_that_postgresql_is_asked_at(
    rig: Any, chat: Any, caller: Caller
) -> None:
    nowhere = RunLog(f"redis://127.0.0.1:{free_port()}", prefix="nowhere")
    timings = [replace(SHIPPED, fallback=20.0, degraded_pause=pause) for pause in (NEVER, 0.01)]
    flushers = [
        Flusher(writer_of(rig, nowhere, one), flush_seconds=0.01, timings=one) for one in timings
    ]
    lives = [LiveRun((await chat.accept(caller, None)).run) for _ in timings]

    async def says(flusher: Flusher, live: LiveRun, *, urgent: bool) -> None:
        seq = live.window.last + 1
        live.add_text("a word")
        flusher.mark(live, urgent=urgent)
        await eventually(lambda: live.window.last == seq)

    for flusher, live in zip(flushers, lives, strict=True):
        await flusher.start()
        # With the first it turns out that Redis is away; from the second on it is known.
        for _ in range(2):
            await says(flusher, live, urgent=False)
    (far, near), (waits, goes) = flushers, lives
    waits.add_text("a word")
    far.mark(waits, urgent=True)
    for _ in range(5):
        await says(near, goes, urgent=True)
    assert (waits.window.last, far.waiting) == (2, 1)
    for flusher in flushers:
        await flusher.stop()
    await nowhere.stop()


async def test_while_redis_is_away_it_is_tried_once_in_a_while_and_told_of_once() -> None:
    circuit = Circuit(0.2)
    assert (circuit.is_open, circuit.may_try()) == (False, True)
    with capture_logs() as said:
        circuit.fail(ConnectionError())
        assert (circuit.is_open, circuit.may_try(), sample("chat_log_degraded")) == (True, False, 1)
        await eventually(circuit.may_try)
        circuit.fail(TimeoutError())
        # Tried in vain, it is let be for as long again.
        assert (circuit.is_open, circuit.may_try()) == (True, False)
        circuit.succeed()
        circuit.succeed()
    assert (circuit.is_open, circuit.may_try(), sample("chat_log_degraded")) == (False, True, 0)
    assert [(line["event"], line.get("error")) for line in said] == [
        ("log.away", "ConnectionError"),
        ("log.back", None),
    ]


async def test_a_redis_that_answers_is_back_also_if_it_has_lost_the_log(
    rig: Any, chat: Any, caller: Caller, redis_url: str, redis_prefix: str
) -> None:
    live = LiveRun((await chat.accept(caller, None)).run)
    emptied = RunLog(redis_url, prefix=f"{redis_prefix}-emptied")
    live.add_text("one")
    assert await writer_of(rig, rig.log).write([live]) == []
    live.add_text("two")
    writer = writer_of(rig, emptied)
    writer._circuit = Circuit(0.0)
    writer._circuit.fail(ConnectionError())
    assert await writer.write([live]) == [live]
    assert not writer.degraded
    assert await writer.write([live]) == []
    assert [frame.seq for frame in live.window.frames] == [1, 2]
    await emptied.stop()


async def test_what_is_kept_in_postgresql_is_written_there_once(
    rig: Any, chat: Any, caller: Caller
) -> None:
    live = LiveRun((await chat.accept(caller, None)).run)
    live.add_text("shown by Redis")
    assert await writer_of(rig, rig.log).write([live]) == []
    nowhere = RunLog(f"redis://127.0.0.1:{free_port()}", prefix="nowhere")
    writer = writer_of(rig, nowhere)
    kept = sample("chat_frames_fallback_total") or 0
    for number in range(3):
        live.add_text(f"token {number}")
        assert await writer.write([live]) == []
    # The last that Redis took goes along once, and each of the three by itself.
    assert (sample("chat_frames_fallback_total") or 0) - kept == 4
    frames = await rig.fallback.read(live.run.id, 0)
    assert [frame.seq for frame in frames] == [1, 2, 3, 4]
    await nowhere.stop()


async def test_a_generation_that_breaks_for_a_reason_of_ours_is_told_as_internal(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    # What it calls model servers with is closed already.
    await rig.provider.stop()
    run = (await rig.ask(caller, model_server, "tokens-3")).run
    frames = await rig.follow(run)
    found = (await rig.ended(run)).run
    assert (frames[-1].event, rig.end(frames)["reason"]) == ("error", "INTERNAL")
    assert (found.status.value, found.reason) == ("failed", "INTERNAL")
