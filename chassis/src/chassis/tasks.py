"""Ending a background task for certain."""

import asyncio
from typing import Any, Final

from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_AGAIN_SECONDS: Final = 0.2


async def end_task(task: "asyncio.Task[Any]") -> None:
    """Cancel ``task`` and return once it has ended, however it ended; a failure is logged.

    Asked again until it listens: before Python 3.12 ``asyncio.wait_for`` swallows a
    cancellation that comes together with the result it waits for, and libraries swallow some.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN_SECONDS)
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("task.failed", task=task.get_name(), exc_info=error)
