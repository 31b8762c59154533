"""The window: the newest frames of a run that may be seen, and the readers who wait for more.

A reader holds a number, never a queue: however slow it is, it costs nothing here.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from chat_service.answer.domain.frame import Frame
from chat_service.streaming.timings import SHIPPED

#: What somebody who reads a run by itself is given at a time, bytes of data, or one frame. Five copies of it, from
#: here to gRPC's own buffer, are what a reader costs that does not read on.
AT_A_TIME_BYTES = 16 * 1024


class Window:
    """Frames behind number ``last``, once they are shown, to the terminal one."""

    def __init__(self, last: int = 0, *, bytes_kept: int = SHIPPED.window_bytes) -> None:
        self._bytes_kept = bytes_kept
        # The number of the newest frame shown.
        self.last = last
        # Nothing more will come.
        self.ended = False
        self.frames: deque[Frame] = deque()
        self._bytes = 0
        # The number of a snapshot that came in place of everything before it.
        self._stands_for_all = 0
        self._waiters: list[asyncio.Future[None]] = []
        # Called each time there is something to see.
        self.watchers: list[Callable[[], None]] = []

    @property
    def readers(self) -> int:
        """How many wait for more, or are called when there is."""
        return len(self._waiters) + len(self.watchers)

    def show(self, frame: Frame) -> None:
        """Take in the next frame, or a snapshot of any later number; :meth:`wake` tells readers."""
        if frame.seq != self.last + 1:
            self.frames.clear()
            self._bytes = 0
            self._stands_for_all = frame.seq
        self.last = frame.seq
        self.frames.append(frame)
        self._bytes += len(frame.data)
        if frame.is_terminal:
            self.ended = True
        while self._bytes > self._bytes_kept and len(self.frames) > 1:
            self._bytes -= len(self.frames.popleft().data)

    def wake(self) -> None:
        """Let those look again who wait."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        for watch in self.watchers:
            watch()

    def end(self) -> None:
        """Nothing more will come, not even a terminal frame."""
        self.ended = True
        self.wake()

    def let_go(self) -> None:
        """Keep no frames of a run that has ended: whoever still reads has them from the log."""
        self.frames.clear()
        self._bytes = 0

    def behind(self, after: int) -> Sequence[Frame] | None:
        """The shown frames behind number ``after``; None if some are not here any more."""
        if after >= self.last:
            return ()
        if not self.frames:
            return None
        first = self.frames[0]
        if after + 1 < first.seq:
            return list(self.frames) if first.seq == self._stands_for_all else None
        if after + 1 == self.last:
            return [self.frames[-1]]
        return [self.frames[at] for at in range(after + 1 - first.seq, len(self.frames))]

    def tail(self, before: int, most: int) -> list[Frame]:
        """The newest frames in front of number ``before``, together ``most`` bytes of data."""
        tail: list[Frame] = []
        for frame in reversed(self.frames):
            if frame.seq < before:
                most -= len(frame.data)
                if most < 0:
                    break
                tail.append(frame)
        tail.reverse()
        return tail

    async def wait_behind(self, after: int) -> None:
        """Return when there is something to see behind ``after``, or nothing more will come."""
        if self.last > after or self.ended:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            # A reader that has gone is not remembered until the next frame.
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            raise
