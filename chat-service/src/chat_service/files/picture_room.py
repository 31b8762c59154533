"""Room for pictures on their way to models: they are held until the model begins to answer, which may take long."""

import asyncio
import weakref
from collections import deque
from contextlib import suppress
from typing import Final

from chat_service.files.domain.attachment import MOST_PICTURE_BYTES
from chat_service.files.domain.errors import PicturesBusy

#: How long room is waited for, seconds.
MOST_WAIT_SECONDS: Final = 5.0


class Held:
    """Room that is held, until nobody has this any more."""

    __slots__ = ("__weakref__",)


class PictureRoom:
    """Room for `most` bytes of pictures in this process, given in the order in which it is asked for.

    A prompt asks once for all of its pictures: no two wait for each other's.
    """

    def __init__(self, most: int, *, most_seconds: float = MOST_WAIT_SECONDS) -> None:
        assert most >= MOST_PICTURE_BYTES
        self._free = most
        self._most_seconds = most_seconds
        self._waiting: deque[tuple[int, asyncio.Future[Held]]] = deque()

    async def take(self, size: int) -> Held:
        """Room for so many bytes, MOST_PICTURE_BYTES at most. Raises PicturesBusy where there is none in time."""
        waiting: asyncio.Future[Held] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, waiting))
        self._serve()
        try:
            async with asyncio.timeout(self._most_seconds):
                return await waiting
        except TimeoutError:
            raise PicturesBusy() from None
        finally:
            # Who waits no longer lets those behind through; what was given just then goes with the future.
            waiting.cancel()
            self._serve()

    def _serve(self) -> None:
        while self._waiting:
            size, first = self._waiting[0]
            if not first.done():
                if size > self._free:
                    return
                self._free -= size
                held = Held()
                # Whoever has it last may be another thread.
                loop = first.get_loop()
                weakref.finalize(held, _tell, loop, self, size).atexit = False
                first.set_result(held)
            self._waiting.popleft()

    def give_back(self, size: int) -> None:
        """What was held is for others."""
        self._free += size
        self._serve()


def _tell(loop: asyncio.AbstractEventLoop, room: PictureRoom, size: int) -> None:
    with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
        loop.call_soon_threadsafe(room.give_back, size)
