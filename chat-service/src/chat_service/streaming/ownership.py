"""Ownership: a run whose replica died is taken over, and ended with all that was shown of it.

Each replica counts its beat up once a second. An owner is dead when its beat has stood still
for 15 s on this replica's own monotonic clock, which starts again after every look that fails or is
late: whoever could not look could perhaps not beat either. The
taker raises the epoch in PostgreSQL, closes the log to older epochs, and only then reads it, and
what PostgreSQL has of it: whatever was shown is in there. While Redis is away it waits. The model is
not called again by itself.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from chassis.errors import AppError
from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chat_service.domain.run import Ending, Run, RunStatus
from chat_service.streaming.finaliser import Finaliser, Saved
from chat_service.streaming.follow import FindRun
from chat_service.streaming.frame import Frame, encode
from chat_service.streaming.generate import CANCELLED_BY_USER
from chat_service.streaming.history import History, Past, RunLogUnavailable
from chat_service.streaming.log import REDIS_ERRORS, Append, RunLog
from chat_service.streaming.replay import replay
from chat_service.streaming.terminal import terminal_event
from chat_service.usecases.replicas import LiveRun, Replicas
from chat_service.usecases.run_frames import RunFrames

_log = get_logger(__name__)

_BEAT_SECONDS = 1.0
_DEAD_SECONDS = 15.0
# A look that comes so much later than its beat is no proof of anybody's silence, seconds.
_LATE_SECONDS = 3.0
# Between two tries to end a run whose save is refused for good: doubling, seconds.
_FIRST_PAUSE_SECONDS = 15.0
_LONGEST_PAUSE_SECONDS = 600.0


@dataclass(slots=True)
class _Sighting:
    """An owner's beat, and since when (monotonic seconds) it has been that."""

    beat: int | None
    since: float


@dataclass(slots=True)
class _Pause:
    """Until when (monotonic seconds) a run is left alone, and how long it was this time."""

    until: float
    seconds: float


class Ownership(Component):
    """Beats for this replica, ends runs whose users wish it, and takes over what dead ones left.

    ``generates`` says whether this replica has a run in hand, ``cancel`` ends one that it has, and
    ``keep`` is told after each look which live runs are this replica's.
    """

    def __init__(
        self,
        *,
        replica: str,
        replicas: Replicas,
        log: RunLog,
        frames: RunFrames,
        finaliser: Finaliser,
        find_run: FindRun,
        generates: Callable[[UUID], bool],
        cancel: Callable[[UUID], bool],
        keep: Callable[[Collection[UUID]], None],
    ) -> None:
        self._replica = replica
        self._replicas = replicas
        self._log = log
        self._history = History(log, frames)
        self._finaliser = finaliser
        self._find_run = find_run
        self._generates = generates
        self._cancel = cancel
        self._keep = keep
        self._sightings: dict[str, _Sighting] = {}
        self._looked = 0.0
        self._pauses: dict[UUID, _Pause] = {}
        self._taking: dict[UUID, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="ownership")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None
        for task in list(self._taking.values()):
            await end_task(task)
        with suppress(AppError):  # a replica that cannot say goodbye is noticed by its silence
            await self._replicas.leave(self._replica)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._replicas.beat(self._replica)
                live = await self._replicas.list_live_runs()
            except AppError as error:  # the database is away: it says so itself, once
                self._sightings.clear()
                _log.debug("ownership.look_failed", error=error.reason)
            except Exception as error:  # noqa: BLE001 - without a beat this replica counts as dead
                self._sightings.clear()
                _log.error("ownership.broke", exc_info=error)
            else:
                ours = {one.run.id: one.run for one in live if one.run.owner == self._replica}
                self._keep(ours.keys())
                for run in ours.values():
                    if run.cancel_requested:
                        self._cancel(run.id)
                last, self._looked = self._looked, loop.time()
                if self._looked - last > _BEAT_SECONDS + _LATE_SECONDS:
                    self._sightings.clear()
                for orphan in self._find_orphans(live, began):
                    # A task of its own: the beat must not wait for it.
                    task = asyncio.create_task(self._take_over(orphan), name=f"take-{orphan.id}")
                    self._taking[orphan.id] = task
            await asyncio.sleep(_BEAT_SECONDS)

    def _find_orphans(self, live: Sequence[LiveRun], began: float) -> list[Run]:
        """Runs whose owners have been silent for long enough, as of when this look ``began``."""
        now = asyncio.get_running_loop().time()
        sightings: dict[str, _Sighting] = {}
        orphans: list[Run] = []
        self._pauses = {
            one.run.id: self._pauses[one.run.id] for one in live if one.run.id in self._pauses
        }
        for one in live:
            run = one.run
            mine = run.owner == self._replica
            if mine and self._in_hand(run.id):
                continue
            # A run of this replica that it does not know was accepted by a commit whose answer
            # got lost. It is watched by itself; others' runs by their owners' beats.
            subject, beat = (str(run.id), None) if mine else (run.owner, one.beat)
            seen = sightings.get(subject) or self._sightings.get(subject)
            if seen is None or seen.beat != beat:
                seen = _Sighting(beat, now)
            sightings[subject] = seen
            pause = self._pauses.get(run.id)
            if began - seen.since >= _DEAD_SECONDS and (pause is None or now >= pause.until):
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
                run, ending.status, finish_reason=None, saved=saved is Saved.YES
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
            await asyncio.sleep(_BEAT_SECONDS)

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
        seconds = _FIRST_PAUSE_SECONDS
        if before is not None:
            seconds = min(before.seconds * 2, _LONGEST_PAUSE_SECONDS)
        until = asyncio.get_running_loop().time() + seconds
        self._pauses[run_id] = _Pause(until, seconds)
