"""Takeover: a run whose replica died is ended by another one, with all that was shown of it.

An owner is dead when its heartbeat has stood still for 15 s on this replica's own monotonic clock,
which starts again after every look that fails or is late: whoever could not look could perhaps not
count its heartbeat up either. The taker raises the epoch in PostgreSQL, closes the log to older epochs, and only then reads it, and
what PostgreSQL has of it: whatever was shown is in there. While Redis is away it waits. The model is
not called again by itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.ending import Ending, RunStatus
from chat_service.answer.domain.frame import Frame, encode
from chat_service.answer.domain.reducer import replay
from chat_service.redis_client import REDIS_ERRORS
from chat_service.runs.domain.run import Run
from chat_service.runs.domain.terminal import terminal_event
from chat_service.runs.usecases.read import FindRun
from chat_service.streaming.domain import RunningRun
from chat_service.streaming.log.history import History, Past, RunLogUnavailable
from chat_service.streaming.log.redis import Append, RunLog
from chat_service.streaming.own.finaliser import Finaliser, Saved
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.store.replicas import Replicas
from chat_service.streaming.timings import SHIPPED, Timings
from chat_service.streaming.write.verdict import CANCELLED_BY_USER

_log = get_logger(__name__)


@dataclass(slots=True)
class _Sighting:
    """An owner's heartbeat, and since when (monotonic seconds) it has been that."""

    heartbeat: int | None
    since: float


@dataclass(slots=True)
class _Pause:
    """Until when (monotonic seconds) a run is left alone, and how long it was this time."""

    until: float
    seconds: float


class Takeover:
    """Watches owners, and ends what dead ones left.

    ``generates`` says whether this replica has a run in hand, ``find_run`` reads a run anew.
    """

    def __init__(
        self,
        *,
        replica: str,
        replicas: Replicas,
        log: RunLog,
        fallback: FallbackLog,
        finaliser: Finaliser,
        find_run: FindRun,
        generates: Callable[[UUID], bool],
        timings: Timings = SHIPPED,
    ) -> None:
        self._replica = replica
        self._replicas = replicas
        self._log = log
        self._history = History(log, fallback)
        self._finaliser = finaliser
        self._find_run = find_run
        self._generates = generates
        self._timings = timings
        self._sightings: dict[str, _Sighting] = {}
        self._pauses: dict[UUID, _Pause] = {}
        self._taking: dict[UUID, asyncio.Task[None]] = {}

    async def stop(self) -> None:
        for task in list(self._taking.values()):
            await end_task(task)

    def forget_silences(self) -> None:
        """Begin anew to watch everybody: whoever was silent may have had a reason that is ours."""
        self._sightings.clear()

    def look(self, running: Sequence[RunningRun], began: float) -> None:
        """Take in all live runs, as of a look that ``began`` then; take over what is orphaned."""
        for orphan in self._find_orphans(running, began):
            # A task of its own: the heartbeat must not wait for it.
            task = asyncio.create_task(self._take_over(orphan), name=f"take-{orphan.id}")
            self._taking[orphan.id] = task

    def _find_orphans(self, running: Sequence[RunningRun], began: float) -> list[Run]:
        """Runs whose owners have been silent for long enough, as of when this look ``began``."""
        now = asyncio.get_running_loop().time()
        sightings: dict[str, _Sighting] = {}
        orphans: list[Run] = []
        self._pauses = {
            one.run.id: self._pauses[one.run.id] for one in running if one.run.id in self._pauses
        }
        for one in running:
            run = one.run
            mine = run.owner == self._replica
            if mine and self._in_hand(run.id):
                continue
            # A run of this replica that it does not know was accepted by a commit whose answer
            # got lost. It is watched by itself; others' runs by their owners' heartbeats.
            subject, heartbeat = (str(run.id), None) if mine else (run.owner, one.heartbeat)
            seen = sightings.get(subject) or self._sightings.get(subject)
            if seen is None or seen.heartbeat != heartbeat:
                seen = _Sighting(heartbeat, now)
            sightings[subject] = seen
            pause = self._pauses.get(run.id)
            is_dead = began - seen.since >= self._timings.dead
            if is_dead and (pause is None or now >= pause.until):
                orphans.append(run)
        self._sightings = sightings
        return orphans

    def _in_hand(self, run_id: UUID) -> bool:
        return (
            self._generates(run_id) or run_id in self._taking or self._finaliser.is_saving(run_id)
        )

    async def _take_over(self, orphan: Run) -> None:
        try:
            run = await self._replicas.take_over(orphan, self._replica)
            if run is not None:
                await self._end(run)
        except Exception as error:  # noqa: BLE001 - whatever it was, the run is tried again
            self._leave_alone(orphan.id)
            _log.error("run.take_over_failed", run_id=str(orphan.id), exc_info=error)
        finally:
            self._taking.pop(orphan.id, None)

    async def _end(self, run: Run) -> None:
        past = await self._read_all(run)
        frames = past.frames
        _log.warning("run.taken_over", run_id=str(run.id), epoch=run.epoch, frames=len(frames))
        ending = await self._ending_of(run, frames)
        saved = await self._finaliser.save(run, ending)
        if saved is Saved.NO:
            return
        if saved is Saved.NEVER:
            self._leave_alone(run.id)
        rest = [frame for frame in frames if frame.seq > past.logged]
        if not (frames and frames[-1].is_terminal):
            event, data = terminal_event(
                run,
                ending.status,
                finish_reason=None,
                saved=saved is Saved.YES,
                reason=ending.reason,
                cache=ending.cache,
            )
            rest.append(Frame(ending.last_seq, event, encode(data)))
        if rest:
            await self._append(run, rest)
        if saved is Saved.YES:
            # Not at once, even if it lacks its end: the mark in it keeps a frozen owner out.
            self._log.let_go(run.id)

    async def _append(self, run: Run, frames: Sequence[Frame]) -> None:
        try:
            await self._log.append([Append(run.id, run.epoch, frames)])
        except REDIS_ERRORS as error:
            _log.warning("run.end_not_logged", run_id=str(run.id), error=type(error).__name__)

    async def _read_all(self, run: Run) -> Past:
        while True:
            try:
                return await self._history.fence(run.id, run.epoch)
            except RunLogUnavailable:
                _log.warning("run.take_over_waits", run_id=str(run.id))
            await asyncio.sleep(self._timings.heartbeat)

    async def _ending_of(self, run: Run, frames: Sequence[Frame]) -> Ending:
        prefix = ""
        if run.continues is not None:
            # Its owner may have died before the log had what the answer began with.
            found = await self._find_run(run)
            if found is not None and found.answer is not None:
                prefix = found.answer.content
        ending = replay(frames, prefix)
        told = bool(frames) and frames[-1].is_terminal
        cancelled = ending.status is RunStatus.CANCELLED if told else run.cancel_requested
        if cancelled:
            return replace(ending, status=RunStatus.CANCELLED, reason=CANCELLED_BY_USER)
        return ending

    def _leave_alone(self, run_id: UUID) -> None:
        before = self._pauses.get(run_id)
        seconds = self._timings.first_pause
        if before is not None:
            seconds = min(before.seconds * 2, self._timings.longest_pause)
        until = asyncio.get_running_loop().time() + seconds
        self._pauses[run_id] = _Pause(until, seconds)
