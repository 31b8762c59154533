"""Content of an upload, which comes at once or when a test lets it."""

import asyncio
from collections.abc import AsyncIterator


async def pieces_of(*pieces: bytes) -> AsyncIterator[bytes]:
    """Content that comes at once."""
    for piece in pieces:
        yield piece


class Gate:
    """Content whose pieces come when the test lets them, and which may break."""

    def __init__(self) -> None:
        self.steps: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (step := await self.steps.get()) is not None:
            if isinstance(step, BaseException):
                raise step
            yield step
            self.taken += 1

    def say(self, *steps: bytes | BaseException | None) -> None:
        for step in steps:
            self.steps.put_nowait(step)
