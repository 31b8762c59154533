"""What one flush carries: little of everybody before much of anybody, and never too much."""

from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from chassis.caller import Caller
from chassis.embedded import free_port
from chat_service.streaming.log.live import LiveRun
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.timings import SHIPPED
from chat_service.streaming.write.writer import Writer

MANY = 8
# What is put off is what is too much, not what a busy machine has not written in two seconds.
_PATIENT = replace(SHIPPED, fallback=30.0)
LARGE = "x" * 1024 * 1024


async def nobody(live: LiveRun) -> None:
    raise AssertionError(f"{live.run.id} is ours")


@pytest.fixture(params=["Redis", "PostgreSQL"])
def writer(request: pytest.FixtureRequest, rig: Any) -> Writer:
    """With a Redis, and with none."""
    log = rig.log
    if request.param == "PostgreSQL":
        log = RunLog(f"redis://127.0.0.1:{free_port()}", prefix="nowhere")
    return Writer(log, rig.fallback, on_fenced=nobody, on_thawed=lambda: None, timings=_PATIENT)


@pytest_asyncio.fixture
async def lives(chat: Any, caller: Caller) -> list[LiveRun]:
    return [LiveRun((await chat.accept(caller, None)).run) for _ in range(MANY)]


async def test_answers_that_begin_with_much_are_spread_over_flushes_and_stall_nobody_else(
    writer: Writer, lives: list[LiveRun]
) -> None:
    *large, little = lives
    for live in large:
        live.begin_with(LARGE)
    little.add_text("a token")
    again = await writer.write(lives)
    assert little.window.last == 1
    shown = [live for live in large if live.window.last]
    assert 0 < len(shown) <= 3
    assert set(again) == set(large) - set(shown)
    for _ in range(MANY):
        little.add_text("a token")
        before = little.window.last
        again = await writer.write([*again, little])
        assert little.window.last == before + 1
    assert again == []
    assert all(live.window.last == 1 for live in large)
    assert all(live.waiting_bytes == 0 for live in lives)


async def test_one_run_with_much_goes_in_parts_and_in_order(
    writer: Writer, lives: list[LiveRun]
) -> None:
    busy, *others = lives
    for live in others:
        live.begin_with(LARGE)
    for _ in range(20):
        busy.add_text(LARGE[: 64 * 1024])
        busy.take()
    again = await writer.write(lives)
    assert busy.window.last == 15  # with what JSON adds, not sixteen times 16 KiB
    while again:
        again = await writer.write(again)
    assert [frame.seq for frame in busy.window.frames][-3:] == [78, 79, 80]


async def test_a_frame_that_is_larger_than_a_flush_goes_too(
    writer: Writer, lives: list[LiveRun]
) -> None:
    huge, little = lives[:2]
    huge.begin_with(LARGE * 3)
    little.add_text("a token")
    assert await writer.write([huge, little]) == []
    assert (huge.window.last, little.window.last) == (1, 1)
