import asyncio
from contextlib import suppress

import pytest

from chassis.tasks import end_task


async def test_a_task_that_swallows_a_cancellation_is_asked_again() -> None:
    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await end_task(task)
    assert task.cancelled()


async def test_the_failure_of_a_task_that_had_ended_by_itself_is_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def fail() -> None:
        raise KeyError("what went wrong")

    task = asyncio.create_task(fail(), name="the-one-that-fails")
    await asyncio.sleep(0)
    await end_task(task)
    said = capsys.readouterr().out
    assert "the-one-that-fails" in said
    assert "what went wrong" in said


async def test_a_task_that_was_cancelled_or_done_ends_without_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waiting = asyncio.create_task(asyncio.sleep(60))
    done = asyncio.create_task(asyncio.sleep(0))
    await done
    await end_task(waiting)
    await end_task(done)
    assert capsys.readouterr().out == ""
