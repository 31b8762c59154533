"""Followers: a number behind which a reader wants to see, and wherever the frames are.

A follower of a run that this replica generates reads the window in memory, and Redis for what
has left it. Anybody else reads Redis, all foreign runs in one pipelined round a tick; when the
log has gone, the database has the answer: one ``snapshot`` frame, then the terminal one.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.telemetry.logging import get_logger
from chat_service.domain.message import Message
from chat_service.domain.run import Run, RunStatus
from chat_service.streaming.frame import SNAPSHOT, Frame, encode
from chat_service.streaming.live import LiveRun
from chat_service.streaming.log import RunLog
from chat_service.streaming.replay import replay
from chat_service.streaming.terminal import terminal_event

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run as the database has it, and its answer once that is saved."""

    run: Run
    answer: Message | None


@dataclass(frozen=True, slots=True)
class Recalled:
    """What readers of a run may have seen so far: all up to frame number ``seq``."""

    text: str
    reasoning: str
    seq: int


FindRun = Callable[[Run], Awaitable[EndedRun | None]]


class Followers:
    """Lets any number of readers follow runs, live or ended.

    ``find_run`` reads a run anew from the database; ``tick_seconds`` is how often the logs of
    runs that live elsewhere are looked at.
    """

    def __init__(self, log: RunLog, find_run: FindRun, *, tick_seconds: float) -> None:
        self._log = log
        self._find_run = find_run
        self._tick_seconds = tick_seconds
        self._lives: dict[UUID, LiveRun] = {}

    def add(self, live: LiveRun) -> None:
        self._lives[live.run.id] = live

    def remove(self, live: LiveRun) -> None:
        self._lives.pop(live.run.id, None)

    async def follow(self, run: Run, after: int) -> AsyncGenerator[Sequence[Frame], None]:
        """Batches of frames behind number ``after``, to the terminal one; none if it was seen."""
        live = self._lives.get(run.id)
        if live is not None:
            while True:
                frames: Sequence[Frame] | None = live.shown_behind(after)
                if frames is None:
                    frames = await self._log.read(run.id, after)
                if frames:
                    yield frames
                    after = frames[-1].seq
                    if frames[-1].is_terminal:
                        return
                elif live.ended:
                    break  # abandoned: somebody else writes its log now
                else:
                    await live.wait_behind(after)
        async for frames in self._follow_log(run, after):
            yield frames

    async def recall(self, run: Run) -> Recalled | None:
        """The text of a run from wherever it is; None if there is nothing of it."""
        live = self._lives.get(run.id)
        if live is not None:
            text, reasoning, seq = live.shown()
            return Recalled(text, reasoning, seq) if seq else None
        frames = await self._log.read(run.id, 0)
        if not frames:
            return None
        told = replay(frames)
        return Recalled(told.text, told.reasoning, frames[-1].seq)

    async def _follow_log(self, run: Run, after: int) -> AsyncGenerator[Sequence[Frame], None]:
        while True:
            logged = await self._log.read(run.id, after)
            if logged:
                yield logged
                after = logged[-1].seq
                if logged[-1].is_terminal:
                    return
                continue
            ended = await self._find_run(run)
            if ended is None:
                return  # deleted meanwhile
            if ended.run.status is not RunStatus.RUNNING:
                # Nothing more will be written: a last look, then the database's own words.
                if rest := await self._log.read(run.id, after) or _from_database(ended, after):
                    yield rest
                return
            await asyncio.sleep(max(self._tick_seconds, 0.1))


def _from_database(ended: EndedRun, after: int) -> list[Frame]:
    run, answer = ended.run, ended.answer
    if after >= run.last_seq or answer is None:
        return []
    event, data = terminal_event(
        run, run.status, finish_reason=run.finish_reason, saved=True, reason=run.reason
    )
    terminal = Frame(run.last_seq, event, encode(data))
    if after == run.last_seq - 1:
        return [terminal]
    snapshot = {"text": answer.content, "reasoning": answer.reasoning or ""}
    # Under the number of the last frame before the end: whoever has seen it needs the end alone.
    return [Frame(run.last_seq - 1, SNAPSHOT, encode(snapshot)), terminal]
