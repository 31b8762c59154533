import asyncio
from contextlib import suppress

from chassis.tasks import end_task


async def test_a_task_that_swallows_a_cancellation_is_asked_again() -> None:
    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        await end_task(task)
    assert task.cancelled()


async def test_a_task_that_failed_is_ended_without_a_word() -> None:
    async def fail() -> None:
        raise KeyError

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await end_task(task)
    await end_task(task)
