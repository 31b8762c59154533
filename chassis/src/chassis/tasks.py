"""Ending a background task for certain."""

import asyncio
from typing import Any, Final

_AGAIN_SECONDS: Final = 0.2


async def end_task(task: "asyncio.Task[Any]") -> None:
    """Cancel ``task`` and return once it has ended, however it ended.

    Asked again until it listens: before Python 3.12 ``asyncio.wait_for`` swallows a
    cancellation that comes together with the result it waits for, and libraries swallow some.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN_SECONDS)
    # Look at an exception, or the event loop reports it as one that nobody saw.
    if not task.cancelled():
        task.exception()
