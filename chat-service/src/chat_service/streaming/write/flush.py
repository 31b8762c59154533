"""The flush: one frame for each run that has news, one append for all of them.

The first token of a run goes at once; whatever comes after waits for the next flush, so that
work per second is bounded by flushes and runs, not by tokens. A flush begins with the
providers' sockets (:meth:`Flusher.next_read`), so a token waits for one flush, not for two; all of
them are read in this one task, whose work a run's own task is woken for at its end only.
What could not be made durable stays with its run and goes again with the next flush.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chat_service.streaming.log.live import LiveRun
from chat_service.streaming.timings import SHIPPED, Timings
from chat_service.streaming.write.writer import Writer

_log = get_logger(__name__)

# An event loop looks at its sockets once a turn, uvloop before what is due and asyncio behind it.
_LOOP_TURNS_TO_READ = 2
# A flush's work stays a fifteenth of the time: with much of it the pause grows. A hundred runs of 50
# tokens a second come to 0.1 to 0.15 s, seven to ten updates a second for each of them.
_PAUSE_FOR_WORK = 15.0
_LONGEST_PAUSE_SECONDS = 0.15
# How much the newest flush says of the next one's work.
_NEWEST = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """One provider's socket, and who waits until it needs more than to be read."""

    release: Callable[[], None]
    collect: Callable[[], bool]
    done: asyncio.Future[None]


class Flusher(Component):
    """Carries news of live runs to the writer, which makes it durable and shows it.

    ``flush_seconds`` is the least time between two flushes. It grows to fifteen times the CPU time that
    they take, 0.15 s at most; and while Redis is away it is 0.25 s, for first tokens as well.
    """

    def __init__(self, writer: Writer, *, flush_seconds: float, timings: Timings = SHIPPED) -> None:
        self._degraded_pause = timings.degraded_pause
        self._writer = writer
        self._flush_seconds = flush_seconds
        self._news: dict[LiveRun, None] = {}
        self._urgent: dict[LiveRun, None] = {}
        self._readers: list[_Reader] = []
        self._wake = asyncio.Event()
        self._idle = False
        # CPU seconds that a flush takes, of late.
        self._work = 0.0
        self._appending = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many runs have news that is not carried yet, and how many read with the next flush."""
        return len(self._news) + len(self._urgent) + len(self._readers)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="flush")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    def mark(self, live: LiveRun, *, urgent: bool = False) -> None:
        """Say that a run has news; ``urgent`` news does not wait for the next flush."""
        if urgent:
            self._urgent[live] = None
            self._wake.set()
        elif live not in self._news:
            self._news[live] = None
            self._wake_if_idle()

    async def next_read(self, release: Callable[[], None], collect: Callable[[], bool]) -> None:
        """Have a socket read when a flush begins, so that what it brings is part of that flush.

        ``release`` lets the event loop read it, ``collect`` takes what came, neither of them
        waiting. Returns once ``collect`` has returned False.
        """
        done = asyncio.get_running_loop().create_future()
        self._readers.append(_Reader(release, collect, done))
        self._wake_if_idle()
        await done

    def _wake_if_idle(self) -> None:
        # Between two flushes only urgent news is worth waking for.
        if self._idle:
            self._wake.set()

    async def settle(self) -> None:
        """Return when no append that is under way now is any more."""
        async with self._appending:
            pass

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if not (self._urgent or self._news or self._readers):
                self._idle = True
                await self._wait_until(None)
                self._idle = False
            if self._urgent and self._writer.degraded:
                self._news.update(self._urgent)
                self._urgent.clear()
            if self._urgent:
                await self._carry_urgent()
            elif loop.time() < due:
                # Sleep out the pause, but not through somebody's first token.
                await self._wait_until(due)
            else:
                due = loop.time() + self._pause()
                await self._flush()

    # Apart from the loop, which would keep the last of them, and their answers, for as long as it idles.

    async def _carry_urgent(self) -> None:
        urgent, self._urgent = self._urgent, {}
        for live in urgent:
            self._news.pop(live, None)
        await self._carry(list(urgent))

    async def _flush(self) -> None:
        began = time.thread_time()
        await self._let_readers_read()
        news, self._news = self._news, {}
        await self._carry(list(news))
        self._work += _NEWEST * (time.thread_time() - began - self._work)

    def _pause(self) -> float:
        if self._writer.degraded:
            return max(self._flush_seconds, self._degraded_pause)
        grown = min(_PAUSE_FOR_WORK * self._work, _LONGEST_PAUSE_SECONDS)
        return max(self._flush_seconds, grown)

    async def _wait_until(self, when: float | None) -> None:
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(when):
                await self._wake.wait()

    async def _let_readers_read(self) -> None:
        readers, self._readers = self._readers, []
        if not readers:
            return
        for reader in readers:
            if not reader.done.done():
                reader.release()
        for _ in range(_LOOP_TURNS_TO_READ):
            await asyncio.sleep(0)
        for reader in readers:
            if reader.done.done():
                continue  # it was ended meanwhile
            try:
                again = reader.collect()
            except Exception as error:  # noqa: BLE001 - it is that reader's, who raises it
                reader.done.set_exception(error)
            else:
                if again:
                    self._readers.append(reader)
                else:
                    reader.done.set_result(None)
        if len(self._readers) < len(readers):
            # What those find who read on by themselves is still part of this flush.
            for _ in range(_LOOP_TURNS_TO_READ):
                await asyncio.sleep(0)

    async def _carry(self, lives: list[LiveRun]) -> None:
        async with self._appending:
            try:
                again = await self._writer.write(lives)
            except Exception as error:  # noqa: BLE001 - one broken flush must not end them all
                _log.error("flush.broke", exc_info=error)
                again = lives
        for live in again:
            self._news[live] = None
