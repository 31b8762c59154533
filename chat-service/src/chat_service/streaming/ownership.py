"""Ownership: a run whose replica died is taken over, and ended with all that was shown of it.

Each replica counts its beat up once a second. An owner is dead when its beat has stood still
for 15 s on this replica's own monotonic clock, which starts again after every failed look. The
taker raises the epoch in PostgreSQL, closes the log to older epochs, and only then reads it:
whatever was shown is in there. The model is not called again by itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import orjson
from redis.exceptions import RedisError

from chassis.errors import AppError
from chassis.service import Component
from chassis.telemetry.logging import get_logger
from chat_service.domain.run import Ending, Run, RunStatus, Usage
from chat_service.streaming.finaliser import Finaliser, Saved
from chat_service.streaming.frame import (
    DELTA,
    DONE,
    ERROR,
    REASONING,
    SNAPSHOT,
    USAGE,
    Frame,
    encode,
)
from chat_service.streaming.log import Append, RunLog
from chat_service.streaming.terminal import terminal_event
from chat_service.usecases.replicas import Replicas

_log = get_logger(__name__)

_BEAT_SECONDS = 1.0
_DEAD_SECONDS = 15.0
OWNER_LOST = "OWNER_LOST"


@dataclass(slots=True)
class _Sighting:
    """An owner's beat, and since when (monotonic seconds) it has been that."""

    beat: int | None
    since: float


class Ownership(Component):
    """Beats for this replica, and takes over what dead ones left.

    ``generates`` says whether this replica has a run in hand.
    """

    def __init__(
        self,
        *,
        replica: str,
        replicas: Replicas,
        log: RunLog,
        finaliser: Finaliser,
        generates: Callable[[UUID], bool],
    ) -> None:
        self._replica = replica
        self._replicas = replicas
        self._log = log
        self._finaliser = finaliser
        self._generates = generates
        self._sightings: dict[str, _Sighting] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="ownership")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        with suppress(AppError):  # a replica that cannot say goodbye is noticed by its silence
            await self._replicas.leave(self._replica)

    async def _run(self) -> None:
        while True:
            try:
                await self._replicas.beat(self._replica)
                for run in await self._find_orphans():
                    await self._take_over(run)
            except (AppError, RedisError, OSError, TimeoutError) as error:
                self._sightings.clear()
                _log.warning("ownership.look_failed", error=type(error).__name__)
            await asyncio.sleep(_BEAT_SECONDS)

    async def _find_orphans(self) -> list[Run]:
        now = asyncio.get_running_loop().time()
        live = await self._replicas.list_live_runs()
        sightings: dict[str, _Sighting] = {}
        orphans: list[Run] = []
        for one in live:
            run = one.run
            mine = run.owner == self._replica
            if mine and self._generates(run.id):
                continue
            # A run of this replica that it does not know was accepted by a commit whose answer
            # got lost. It is watched by itself; others' runs by their owners' beats.
            subject, beat = (str(run.id), None) if mine else (run.owner, one.beat)
            seen = sightings.get(subject) or self._sightings.get(subject)
            if seen is None or seen.beat != beat:
                seen = _Sighting(beat, now)
            sightings[subject] = seen
            if now - seen.since >= _DEAD_SECONDS:
                orphans.append(run)
        self._sightings = sightings
        return orphans

    async def _take_over(self, orphan: Run) -> None:
        run = await self._replicas.take_over(orphan, self._replica)
        if run is None:
            return
        frames = await self._log.fence(run.id, run.epoch)
        _log.warning("run.taken_over", run_id=str(run.id), epoch=run.epoch, frames=len(frames))
        ending = ending_of(frames)
        saved = await self._finaliser.save(run, ending)
        if saved is Saved.NO:
            return
        if not (frames and frames[-1].is_terminal):
            event, data = terminal_event(
                run, ending.status, finish_reason=None, saved=saved is Saved.YES
            )
            terminal = Frame(ending.last_seq, event, encode(data))
            await self._log.append([Append(run.id, run.epoch, [terminal])])
        if saved is Saved.YES:
            await self._log.keep_for_late_readers(run.id)


def ending_of(frames: Sequence[Frame]) -> Ending:
    """The end that a log tells: its own terminal frame, or ``interrupted`` behind its last."""
    text: list[str] = []
    reasoning: list[str] = []
    usage: Usage | None = None
    status = RunStatus.INTERRUPTED
    reason: str | None = OWNER_LOST
    finish_reason: str | None = None
    last_seq = frames[-1].seq + 1 if frames else 1
    for frame in frames:
        data = orjson.loads(frame.data)
        if frame.event == DELTA:
            text.append(data["text"])
        elif frame.event == REASONING:
            reasoning.append(data["text"])
        elif frame.event == SNAPSHOT:
            text, reasoning = [data["text"]], [data["reasoning"]]
        elif frame.event == USAGE:
            usage = Usage(data["prompt_tokens"], data["completion_tokens"])
        elif frame.event == DONE:
            last_seq = frame.seq
            status, reason = RunStatus(data["status"]), None
            finish_reason = data["finish_reason"]
        elif frame.event == ERROR:
            last_seq = frame.seq
            status, reason = RunStatus.FAILED, data["problem"]["reason"]
    return Ending(
        status=status,
        reason=reason,
        finish_reason=finish_reason,
        text="".join(text),
        reasoning="".join(reasoning),
        usage=usage,
        last_seq=last_seq,
    )
