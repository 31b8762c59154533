"""The writer: makes frames durable, and shows what is.

All runs' frames go to Redis in one append. When that fails, or takes too long, they go to
the fallback log in PostgreSQL, in one transaction. Once Redis is back it says where each log ends (GAP), and what it
lacks is written again: from memory, from PostgreSQL, or as one snapshot.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import inf

from prometheus_client import Counter, Histogram

from chassis.errors import AppError
from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.frame import Frame, connected
from chat_service.redis_client import REDIS_ERRORS
from chat_service.streaming.domain import Claim, FallbackFrames, Standing
from chat_service.streaming.log.live import LiveRun
from chat_service.streaming.log.redis import Append, Appended, Outcome, RunLog
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.timings import SHIPPED, Timings
from chat_service.streaming.write.circuit import Circuit

_log = get_logger(__name__)

_FRAMES = Counter("chat_frames_total", "Frames appended to run logs.")
_FALLBACK = Counter("chat_frames_fallback_total", "Frames kept in PostgreSQL instead of Redis.")
_FAILURES = Counter("chat_log_append_failures_total", "Appends that failed, by error.", ["error"])
_APPEND_SECONDS = Histogram(
    "chat_log_append_seconds",
    "Time of one append of all runs' frames.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
# Of what was shown already, how much goes along with the first frames of an outage: some seconds
# of text, where readers elsewhere are a tenth of a second behind.
_TAIL_BYTES = 8 * 1024
# What one flush carries, in all and of each run, bytes (a single frame may be larger): with more an
# append would take so long that it looks like an outage. Those who have little come first.
_FLUSH_BYTES = 2 * 1024 * 1024
_RUN_BYTES = 256 * 1024
_LITTLE_BYTES = 16 * 1024

_Taken = list[tuple[LiveRun, Sequence[Frame]]]


class Writer:
    """Writes for one flusher, one call at a time.

    ``on_fenced`` is told of runs that are not ours; ``on_thawed`` of a freeze, before anything that
    was written behind it is shown: of each run it is then not known whose it is.
    """

    def __init__(
        self,
        log: RunLog,
        fallback: FallbackLog,
        *,
        on_fenced: Callable[[LiveRun], Awaitable[None]],
        on_thawed: Callable[[], None],
        timings: Timings = SHIPPED,
    ) -> None:
        self._timings = timings
        self._log = log
        self._fallback = fallback
        self._on_fenced = on_fenced
        self._on_thawed = on_thawed
        self._noted = inf
        self._circuit = Circuit(timings.append_again)
        self._claim_again = 0.0

    @property
    def degraded(self) -> bool:
        """Whether frames go to PostgreSQL, which is not for every flush."""
        return self._circuit.is_open

    def note_time(self) -> None:
        """Called with each flush, and every second at least when there is none."""
        now = asyncio.get_running_loop().time()
        if now - self._noted > self._timings.frozen:
            _log.warning("process.thawed", seconds=round(now - self._noted))
            self._on_thawed()
        self._noted = now

    async def write(self, lives: Sequence[LiveRun]) -> list[LiveRun]:
        """Make the news of these runs durable, and show it; returns those that have more to do."""
        taken: _Taken = []
        size = 0
        for live in lives:
            if frames := live.take():
                taken.append((live, frames))
                size += live.waiting_bytes
        if not taken:
            return []
        if self._circuit.may_try():
            now, later = _bounded(taken) if size > _FLUSH_BYTES else (taken, [])
            outcomes = await self._append(now)
            self.note_time()
            if outcomes is not None:
                return later + await self._settle(now, outcomes)
        return await self._fall_back(taken)

    async def _append(self, taken: _Taken) -> list[Appended] | None:
        appends = [
            Append(live.run.id, live.run.epoch, frames, live.saved) for live, frames in taken
        ]
        try:
            with _APPEND_SECONDS.time():
                return await self._log.append(appends)
        except REDIS_ERRORS as error:
            _FAILURES.labels(type(error).__name__).inc()
            self._circuit.fail(error)
            return None

    async def _settle(self, taken: _Taken, outcomes: Sequence[Appended]) -> list[LiveRun]:
        again: list[LiveRun] = []
        gaps: list[tuple[LiveRun, int]] = []
        back: list[tuple[LiveRun, int]] = []
        written = 0
        for (live, frames), appended in zip(taken, outcomes, strict=True):
            match appended.outcome:
                case Outcome.OK:
                    written += len(frames)
                    last = frames[-1].seq
                    if live.in_fallback:
                        back.append((live, last))
                    else:
                        live.acknowledge(last)
                case Outcome.GAP:
                    _log.warning("log.gap", run_id=str(live.run.id), last_seq=appended.last_seq)
                    gaps.append((live, appended.last_seq))
                case Outcome.FENCED:
                    await self._on_fenced(live)
        _FRAMES.inc(written)
        self._circuit.succeed()
        if back:
            again += await self._release(back)
        if gaps:
            again += await self._repair(gaps)
        return again

    async def _release(self, back: Sequence[tuple[LiveRun, int]]) -> list[LiveRun]:
        """Show frames that are in the log again, once PostgreSQL has let go of its own.

        In this order, so that a taker who finds the whole of a run in PostgreSQL may be sure of
        it, and one who ended the run without Redis meanwhile is respected.
        """
        again: list[LiveRun] = []
        standings = await self._claim([_claim(live, last) for live, last in back])
        for at, (live, last) in enumerate(back):
            standing = standings[at] if standings else None
            if standing is Standing.BUSY:
                again.append(live)
            elif standing is Standing.LOST or (standing is Standing.ENDED and not live.ending):
                await self._on_fenced(live)
            else:
                live.acknowledge(last)
                if standing is Standing.OURS:
                    live.note_released(last)
        return again

    async def _repair(self, gaps: Sequence[tuple[LiveRun, int]]) -> list[LiveRun]:
        """Have written again what the logs have lost, of runs that are still ours."""
        again: list[LiveRun] = []
        standings = await self._claim([_claim(live, 0) for live, _ in gaps])
        for at, (live, last) in enumerate(gaps):
            match standings[at] if standings else None:
                case Standing.LOST:
                    await self._on_fenced(live)
                case Standing.ENDED:
                    again += await self._close(live)
                case Standing.BUSY:
                    again.append(live)
                case Standing.OURS | None:
                    await self._rewind(live, last)
                    again.append(live)
        return again

    async def _rewind(self, live: LiveRun, last: int) -> None:
        first = live.rewind(last)
        if first <= last + 1:
            return
        older: list[Frame] = []
        if live.in_fallback:
            try:
                async with asyncio.timeout(self._timings.claim):
                    kept = await self._fallback.read(live.run.id, last)
                older = [frame for frame in connected(kept, last) if frame.seq < first]
            except (AppError, TimeoutError) as error:
                _log.warning("log.fallback_not_read", error=type(error).__name__)
        if not older or older[-1].seq != first - 1:
            older = [live.snapshot_before(first)]
        live.prepend(older)

    async def _fall_back(self, taken: _Taken) -> list[LiveRun]:
        """Keep in PostgreSQL what Redis does not take; returns those that have more to do."""
        again: list[LiveRun] = []
        little: _Taken = []
        much: _Taken = []
        for live, frames in taken:
            fresh = [frame for frame in frames if frame.seq > live.fallback_to]
            if fresh and not live.fallback_to:
                # Also the last that Redis took: readers at other replicas may not have seen it.
                fresh = [*live.window.tail(fresh[0].seq, _TAIL_BYTES), *fresh]
            if live.saved:
                again += await self._close(live)
            elif not fresh:
                live.acknowledge(frames[-1].seq)
            elif live.waiting_bytes > _LITTLE_BYTES:
                much.append((live, fresh))
            else:
                little.append((live, fresh))
        # Apart, so that what is too much for PostgreSQL just now keeps nobody else waiting.
        for offered in (little, much):
            if offered:
                now, later = _bounded(offered)
                again += later + await self._append_to_fallback(now)
        return again

    async def _append_to_fallback(self, taken: _Taken) -> list[LiveRun]:
        """One transaction; returns the runs of which PostgreSQL did not take it."""
        again: list[LiveRun] = []
        for live, _ in taken:
            # Also if it is never known whether it was committed.
            live.in_fallback = True
        offers = [FallbackFrames(live.run.id, live.run.epoch, frames) for live, frames in taken]
        try:
            async with asyncio.timeout(self._timings.fallback):
                standings = await self._fallback.append(offers)
        except (AppError, TimeoutError) as error:
            _log.warning("log.fallback_failed", error=type(error).__name__, runs=len(offers))
            return [live for live, _ in taken]
        for (live, frames), standing in zip(taken, standings, strict=True):
            match standing:
                case Standing.OURS:
                    _FALLBACK.inc(len(frames))
                    live.note_fallback(frames[0].seq, frames[-1].seq)
                    live.acknowledge(frames[-1].seq)
                case Standing.BUSY:
                    again.append(live)
                case Standing.ENDED:
                    again += await self._close(live)
                case Standing.LOST:
                    await self._on_fenced(live)
        return again

    async def _close(self, live: LiveRun) -> list[LiveRun]:
        """The database says that the run has ended under our epoch: by us, or with its user."""
        if not live.ending:
            await self._on_fenced(live)
            return []
        frames = live.take()
        if not frames or not frames[-1].is_terminal:
            return [live]  # its end is being told this very moment
        # All of it is saved: late readers are told by the log what that has, and the rest by the database.
        live.acknowledge(frames[-1].seq)
        self._log.let_go(live.run.id)
        return []

    async def _claim(self, claims: Sequence[Claim]) -> list[Standing] | None:
        """What our claims are worth; None if PostgreSQL does not say."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._claim_again:
            return None
        try:
            async with asyncio.timeout(self._timings.claim):
                return await self._fallback.release(claims)
        except (AppError, TimeoutError) as error:
            self._claim_again = loop.time() + self._timings.claim_again
            _log.warning("log.claim_not_verified", error=type(error).__name__, runs=len(claims))
            return None


def _claim(live: LiveRun, upto: int) -> Claim:
    return Claim(live.run.id, live.run.epoch, upto)


def _bounded(taken: _Taken) -> tuple[_Taken, list[LiveRun]]:
    """What one flush can carry, first of those who have little, and who has more."""
    now: _Taken = []
    later: list[LiveRun] = []
    left = _FLUSH_BYTES
    for live, frames in sorted(taken, key=lambda one: one[0].waiting_bytes > _LITTLE_BYTES):
        size, count = 0, 0
        for frame in frames if left > 0 else ():
            if count and size + len(frame.data) > min(left, _RUN_BYTES):
                break
            size += len(frame.data)
            count += 1
        left -= size
        if count:
            now.append((live, frames[:count]))
        if count < len(frames):
            later.append(live)
    return now, later
