"""Threads for what touches a disk: few, and of files alone, so that nobody else waits for them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, ParamSpec, TypeVar

from chassis.telemetry.logging import get_logger
from chat_service.files.domain.errors import StorageUnavailable

_log = get_logger(__name__)

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

_POOL: Final = ThreadPoolExecutor(4, thread_name_prefix="files")


async def to_its_end(working: asyncio.Future[_Result]) -> _Result:
    """What it comes to.

    It is waited for also by whoever is cancelled meanwhile, however often: nothing of it goes on behind their back.
    """
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        while not working.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait((working,))
        # Heard, so that nobody logs that it was not.
        if not working.cancelled():
            working.exception()
        raise


async def in_thread(
    work: Callable[_Given, _Result], *args: _Given.args, **kwargs: _Given.kwargs
) -> _Result:
    """What ``work`` returns or raises, once it has ended."""
    loop = asyncio.get_running_loop()
    return await to_its_end(loop.run_in_executor(_POOL, lambda: work(*args, **kwargs)))


async def on_disk(
    work: Callable[_Given, _Result], *args: _Given.args, **kwargs: _Given.kwargs
) -> _Result:
    """What ``work`` returns; raises StorageUnavailable where the disk does not let it: it is full, or away."""
    try:
        return await in_thread(work, *args, **kwargs)
    except OSError as error:
        _log.error("files.disk_failed", problem=error.strerror, file=error.filename)
        raise StorageUnavailable() from error
