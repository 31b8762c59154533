"""The tick: one frame for each run that has news, one append for all of them.

The first token of a run goes at once; whatever comes after waits for the next round, so that
work per second is bounded by rounds and runs, not by tokens. A round begins with the readers of
the providers' sockets (:meth:`Tick.next_round`), so a token waits for one round, not for two.
What Redis has not acknowledged stays with its run and goes again with the next round.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from prometheus_client import Counter, Histogram
from redis.exceptions import RedisError

from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chat_service.streaming.live import LiveRun
from chat_service.streaming.log import Append, Outcome, RunLog

_log = get_logger(__name__)

_FRAMES = Counter("chat_frames_total", "Frames appended to run logs.")
_FAILURES = Counter(
    "chat_log_append_failures_total", "Ticks whose append failed, by error.", ["error"]
)
_APPEND_SECONDS = Histogram(
    "chat_log_append_seconds",
    "Time of one append of all runs' frames.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
_RETRY_SECONDS = 0.1
_LOOP_TURNS_TO_READ = 4
# With many runs the tick grows, so that a round's work stays a small part of it: at 100 runs it
# is 80 ms, twelve updates a second for each of them.
_SECONDS_FOR_A_RUN = 0.0008
_LONGEST_TICK_SECONDS = 0.1


class Tick(Component):
    """Carries news of live runs into the log, then shows it.

    ``tick_seconds`` is the least time between two rounds; with more than 50 runs at a time it
    grows to 0.1 s. ``on_fenced`` is told of a run that a later owner has taken.
    """

    def __init__(
        self,
        log: RunLog,
        *,
        tick_seconds: float,
        on_fenced: Callable[[LiveRun], Awaitable[None]],
    ) -> None:
        self._log = log
        self._tick_seconds = tick_seconds
        self._on_fenced = on_fenced
        self._news: dict[LiveRun, None] = {}
        self._urgent: dict[LiveRun, None] = {}
        self._readers: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._idle = False
        self._appending = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="tick")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    def mark(self, live: LiveRun, *, urgent: bool = False) -> None:
        """Say that a run has news; ``urgent`` news does not wait for the tick."""
        if urgent:
            self._urgent[live] = None
            self._wake.set()
        elif live not in self._news:
            self._news[live] = None
            self._wake_if_idle()

    async def next_round(self) -> None:
        """Return when the next round begins; what is read then is still part of it."""
        reader = asyncio.get_running_loop().create_future()
        self._readers.append(reader)
        self._wake_if_idle()
        await reader

    def _wake_if_idle(self) -> None:
        # In the middle of a tick only urgent news is worth waking for.
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
            if self._urgent:
                urgent, self._urgent = self._urgent, {}
                for live in urgent:
                    self._news.pop(live, None)
                await self._carry(list(urgent))
            elif loop.time() < due:
                # Sleep out the tick, but not through somebody's first token.
                await self._wait_until(due)
            else:
                due = loop.time() + self._tick_of(len(self._news) + len(self._readers))
                await self._let_readers_read()
                news, self._news = self._news, {}
                await self._carry(list(news))

    def _tick_of(self, runs: int) -> float:
        grown = min(runs * _SECONDS_FOR_A_RUN, _LONGEST_TICK_SECONDS)
        return max(self._tick_seconds, grown)

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
            if not reader.done():
                reader.set_result(None)
        # The readers wake, the loop polls their sockets, the data wakes them again.
        for _ in range(_LOOP_TURNS_TO_READ):
            await asyncio.sleep(0)

    async def _carry(self, lives: list[LiveRun]) -> None:
        async with self._appending:
            await self._append(lives)

    async def _append(self, lives: list[LiveRun]) -> None:
        taken = [(live, live.take()) for live in lives]
        taken = [(live, frames) for live, frames in taken if frames]
        if not taken:
            return
        appends = [
            Append(live.run.id, live.run.epoch, frames, live.saved) for live, frames in taken
        ]
        try:
            with _APPEND_SECONDS.time():
                outcomes = await self._log.append(appends)
        except (RedisError, OSError, TimeoutError) as error:
            _FAILURES.labels(type(error).__name__).inc()
            _log.warning("tick.append_failed", error=type(error).__name__, runs=len(taken))
            await asyncio.sleep(_RETRY_SECONDS)
            for live, _ in taken:
                self.mark(live, urgent=True)
            return
        for (live, frames), appended in zip(taken, outcomes, strict=True):
            match appended.outcome:
                case Outcome.OK:
                    _FRAMES.inc(len(frames))
                    live.acknowledge(frames[-1].seq)
                case Outcome.GAP:
                    _log.warning("tick.gap", run_id=str(live.run.id), last_seq=appended.last_seq)
                    if live.rewind(appended.last_seq):
                        self.mark(live, urgent=True)
                    else:
                        _log.error("tick.log_lost", run_id=str(live.run.id))
                        live.acknowledge(frames[-1].seq)
                case Outcome.FENCED:
                    await self._on_fenced(live)
