"""A live run in its owner's memory: text on its way to the log, and the newest frames of it.

Text waits here until the tick makes one frame of it; a frame waits until Redis has
acknowledged it; only then can a follower see it. A follower holds a number, never a queue.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from chat_service.domain.run import Run
from chat_service.streaming.frame import DELTA, REASONING, SNAPSHOT, Frame, encode, storable

# Bytes of frame data that stay in memory for followers; older ones are read from Redis.
WINDOW_BYTES = 256 * 1024


class LiveRun:
    """One run from its acceptance until its end is in the log."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.text_bytes = 0
        # Whether the database has the whole run.
        self.saved = False
        self.ended = False
        self._abandoned = False
        self._seq = 0
        self._text: list[str] = []
        self._reasoning: list[str] = []
        # What has come since the last frame: runs of the same kind are joined when drained.
        self._pending: list[tuple[str, str]] = []
        self._unacknowledged: deque[Frame] = deque()
        self._window: deque[Frame] = deque()
        self._window_bytes = 0
        self._shown = 0
        self._waiters: list[asyncio.Future[None]] = []

    # What the generation does

    def begin_with(self, prefix: str) -> None:
        """Put storable text that is there already in front of the answer, as one snapshot."""
        self._text.append(prefix)
        self.text_bytes += len(prefix.encode())
        self.add_event(SNAPSHOT, {"text": prefix, "reasoning": ""})

    def add_text(self, text: str) -> None:
        """Take in a piece of the answer."""
        self._pending.append((DELTA, text))
        self.text_bytes += len(text.encode("utf-8", "replace"))

    def add_reasoning(self, text: str) -> None:
        """Take in a piece of the model's thinking."""
        self._pending.append((REASONING, text))
        self.text_bytes += len(text.encode("utf-8", "replace"))

    def add_event(self, event: str, data: dict[str, Any]) -> Frame:
        """Put one event behind everything that has come before it."""
        self._drain()
        return self._number(event, encode(data))

    def answer(self) -> tuple[str, str, int]:
        """All text and reasoning so far, storable, and the number of their last frame."""
        self._drain()
        return "".join(self._text), "".join(self._reasoning), self._seq

    def shown(self) -> tuple[str, str, int]:
        """Text and reasoning that a follower can have seen, and the number of their last frame."""
        unseen = [frame.event for frame in self._unacknowledged if frame.seq > self._shown]
        text = self._text[: len(self._text) - unseen.count(DELTA) - unseen.count(SNAPSHOT)]
        reasoning = self._reasoning[: len(self._reasoning) - unseen.count(REASONING)]
        return "".join(text), "".join(reasoning), self._shown

    # What the tick does

    def take(self) -> Sequence[Frame]:
        """The frames that Redis has not acknowledged, oldest first, the pending text included."""
        if self._abandoned:
            return ()
        self._drain()
        return tuple(self._unacknowledged)

    def rewind(self, last: int) -> bool:
        """Take frames behind ``last`` for unacknowledged again; False if they are gone."""
        for frame in reversed(self._window):
            if frame.seq <= last:
                break
            self._unacknowledged.appendleft(frame)
        first = self._unacknowledged[0].seq if self._unacknowledged else self._seq + 1
        return first <= last + 1

    def acknowledge(self, last: int) -> None:
        """Show every frame up to number ``last``: they are in the log."""
        while self._unacknowledged and self._unacknowledged[0].seq <= last:
            frame = self._unacknowledged.popleft()
            if frame.seq <= self._shown:
                continue
            self._shown = frame.seq
            self._window.append(frame)
            self._window_bytes += len(frame.data)
            if frame.is_terminal:
                self.ended = True
        while self._window_bytes > WINDOW_BYTES and len(self._window) > 1:
            self._window_bytes -= len(self._window.popleft().data)
        self._wake()

    def abandon(self) -> None:
        """End without a terminal frame: the run is somebody else's now, or gone.

        Nothing more of it goes to the log or is shown, whatever is still added.
        """
        self._abandoned = self.ended = True
        self._wake()

    # What a follower does

    def shown_behind(self, after: int) -> list[Frame] | None:
        """The shown frames behind number ``after``; None if some have left the window."""
        if after >= self._shown:
            return []
        first = self._window[0].seq
        if after + 1 < first:
            return None
        if after + 1 == self._shown:
            return [self._window[-1]]
        return [self._window[at] for at in range(after + 1 - first, len(self._window))]

    async def wait_behind(self, after: int) -> None:
        """Return when there is something to see behind ``after``, or nothing more will come."""
        if self._shown > after or self.ended:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            # A follower that has gone is not remembered until the next frame.
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            raise

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _drain(self) -> None:
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        parts: list[str] = []
        kind = pending[0][0]
        for event, text in pending:
            if event != kind:
                self._emit(kind, parts)
                parts, kind = [], event
            parts.append(text)
        self._emit(kind, parts)

    def _emit(self, kind: str, parts: list[str]) -> None:
        text = storable("".join(parts))
        (self._text if kind == DELTA else self._reasoning).append(text)
        self._number(kind, encode({"text": text}))

    def _number(self, event: str, data: bytes) -> Frame:
        self._seq += 1
        frame = Frame(self._seq, event, data)
        self._unacknowledged.append(frame)
        return frame
