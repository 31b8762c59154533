"""Ending a child process for certain."""

from asyncio.subprocess import Process
from contextlib import suppress
from typing import Final

_READ: Final = 64 * 1024


async def end_process(process: Process) -> None:
    """Kill it, if it still runs, and return once it has ended; what it wrote and nobody has read is thrown away.

    Nobody else may be reading that. Of a pipe of which there is more than somebody takes no loop sees the end:
    it stays open, and asyncio's own loop waits for it before it says that the process has ended.
    """
    with suppress(ProcessLookupError):
        process.kill()
    for stream in (process.stdout, process.stderr):
        with suppress(OSError):
            while stream is not None and await stream.read(_READ):
                pass
    await process.wait()
