"""Followers: a number behind which a reader wants to see, and wherever the frames are.

A reader of a run looks through a window in memory, that of its owner here or one on the log of a
run that lives elsewhere, and reads the history for what has left it. When the log has gone, the
database has the answer: one ``snapshot`` frame, then the terminal one.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from uuid import UUID

from chassis.errors import AppError
from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.ending import RunStatus
from chat_service.answer.domain.frame import SNAPSHOT, Frame, connected, encode, first_of
from chat_service.answer.domain.reducer import replay
from chat_service.runs.domain.run import Run
from chat_service.runs.domain.terminal import terminal_event
from chat_service.runs.usecases.read import FindRun, RunWithMessages
from chat_service.runs.usecases.recover import Recalled
from chat_service.streaming.log.history import History
from chat_service.streaming.log.live import LiveRun
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.log.window import AT_A_TIME_BYTES, Window
from chat_service.streaming.read.remote import RemoteRuns
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.timings import SHIPPED, Timings

_log = get_logger(__name__)

# How long a reader waits for what can be had nowhere just now, seconds.
_PATIENCE_SECONDS = 0.25


CatchUp = Callable[[int], Awaitable[Sequence[Frame]]]


class Followers:
    """Lets any number of readers follow runs, live or ended.

    ``find_run`` reads a run anew from the database; ``flush_seconds`` is how often the logs of
    runs that live elsewhere are looked at.
    """

    def __init__(
        self,
        log: RunLog,
        fallback: FallbackLog,
        find_run: FindRun,
        *,
        flush_seconds: float,
        timings: Timings = SHIPPED,
    ) -> None:
        self._history = History(log, fallback)
        self._remote = RemoteRuns(log, fallback, flush_seconds=flush_seconds, timings=timings)
        self._find_run = find_run
        self._lives: dict[UUID, LiveRun] = {}

    @property
    def held(self) -> dict[str, int]:
        """Of the runs in memory here, of those who read them, and of runs elsewhere: how many."""
        windows = [live.window for live in self._lives.values()]
        return {
            "runs in memory": len(windows),
            "readers": sum(window.readers for window in windows),
            "runs elsewhere": len(self._remote),
        }

    def add(self, live: LiveRun) -> None:
        self._lives[live.run.id] = live

    def remove(self, live: LiveRun) -> None:
        self._lives.pop(live.run.id, None)

    def window_of(self, run_id: UUID) -> Window | None:
        """The window on a run that is in memory here."""
        live = self._lives.get(run_id)
        return None if live is None else live.window

    def find(self, run_id: UUID) -> Run | None:
        """The run as it was accepted, if it is in memory here."""
        live = self._lives.get(run_id)
        return None if live is None else live.run

    def find_unsaved(self, session_id: UUID) -> Run | None:
        """The session's run that is in memory here and not known to be saved."""
        for live in self._lives.values():
            if live.run.session_id == session_id and not live.saved:
                return live.run
        return None

    async def follow(self, run: Run, after: int) -> AsyncGenerator[Sequence[Frame], None]:
        """Batches of frames behind number ``after``, to the terminal one; none if it was seen."""
        live = self._lives.get(run.id)
        if live is not None:
            catch_up: CatchUp = partial(self._catch_up_live, live)
            async with aclosing(_read(live.window, after, catch_up)) as batches:
                async for frames in batches:
                    yield frames
                    after = frames[-1].seq
                    if frames[-1].is_terminal:
                        return
            # Abandoned: somebody else writes its log now.
        if run.status is RunStatus.RUNNING:
            catch_up = partial(self._history.read_some, run.id)
            with self._remote.watch(run.id, after) as window:
                async with aclosing(_read(window, after, catch_up)) as batches:
                    async for frames in batches:
                        yield frames
                        after = frames[-1].seq
                        if frames[-1].is_terminal:
                            return
        # Nothing more will be written: a last look, then the database's own words.
        while frames := await self._history.read_some(run.id, after):
            yield frames
            after = frames[-1].seq
            if frames[-1].is_terminal:
                return
        ended = await self._find_run(run)
        if ended is not None and (rest := _from_database(ended, after)):
            yield rest

    async def recall(self, run: Run) -> Recalled | None:
        """The text of a run from wherever it is; None if there is nothing of it.

        Raises RunLogUnavailable, and what the database raises.
        """
        live = self._lives.get(run.id)
        if live is not None:
            seq = live.window.last
            shown = live.window.frames
            ended = bool(shown) and shown[-1].is_terminal
            return Recalled(*live.text_before(seq + 1), seq, ended) if seq else None
        past = await self._history.whole(run.id)
        frames = connected(past.frames, 0)
        if not frames:
            return None
        told = replay(frames)
        return Recalled(told.text, told.reasoning, frames[-1].seq, frames[-1].is_terminal)

    async def _catch_up_live(self, live: LiveRun, after: int) -> Sequence[Frame]:
        try:
            if frames := await self._history.read_some(live.run.id, after):
                return frames
        except AppError as error:
            _log.warning("follow.history_failed", error=error.reason)
        if not live.window.frames:
            return ()  # it was let go
        # Neither Redis nor PostgreSQL has it just now, but its owner has the text.
        return [live.snapshot_before(live.window.frames[0].seq)]


async def _read(
    window: Window, after: int, catch_up: CatchUp
) -> AsyncGenerator[Sequence[Frame], None]:
    """Batches from a window, and from ``catch_up`` what is not in it any more, to its end."""
    while True:
        frames = window.behind(after)
        if frames is None:
            frames = await catch_up(after)
            if not frames and not window.ended:
                await asyncio.sleep(_PATIENCE_SECONDS)
                continue
        if frames:
            frames = first_of(frames, AT_A_TIME_BYTES)
            yield frames
            after = frames[-1].seq
        elif window.ended:
            return
        else:
            await window.wait_behind(after)


def _from_database(ended: RunWithMessages, after: int) -> list[Frame]:
    run, answer = ended.run, ended.answer
    if after >= run.last_seq:
        return []
    event, data = terminal_event(
        run,
        run.status,
        finish_reason=run.finish_reason,
        saved=True,
        reason=run.reason,
        cache=run.cache,
    )
    terminal = Frame(run.last_seq, event, encode(data))
    if after == run.last_seq - 1:
        return [terminal]
    if answer is None:
        # Nothing is kept of a run that belongs to no conversation, but of its log.
        return []
    snapshot = {"text": answer.content, "reasoning": answer.reasoning or ""}
    # Under the number of the last frame before the end: whoever has seen it needs the end alone.
    return [Frame(run.last_seq - 1, SNAPSHOT, encode(snapshot)), terminal]
