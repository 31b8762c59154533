"""Runs that other replicas generate: one look at all their logs at a time, shared by all readers.

The first reader of a run opens a window on it, the last one closes it. A run whose log is silent
is looked up in the database twice a second: what Redis could not take is there, and its end.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from chassis.errors import AppError
from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.frame import Frame, connected
from chat_service.redis_client import REDIS_ERRORS
from chat_service.streaming.log.redis import RunLog, place_behind
from chat_service.streaming.log.window import Window
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.timings import SHIPPED, Timings

_log = get_logger(__name__)

# As with the runs of one's own: with many the pause grows, to a tenth of a second.
_SECONDS_FOR_A_RUN = 0.0008
_LONGEST_PAUSE_SECONDS = 0.1
_READ_TIMEOUT = 0.5
# After a read that failed, until the next.
_READ_AGAIN_SECONDS = 1.0
_LOOK_SECONDS = 0.5
_LOOK_TIMEOUT = 3.0


class _RemoteRun:
    """One run that is followed here, by so many readers."""

    def __init__(self, after: int) -> None:
        self.window = Window(after)
        self.place = place_behind(after)
        self.readers = 0
        # Whether the log has said anything since the database was asked.
        self.silent = False


class RemoteRuns:
    """The windows on runs of other replicas; a task looks for news while there is any."""

    def __init__(
        self,
        log: RunLog,
        fallback: FallbackLog,
        *,
        flush_seconds: float,
        timings: Timings = SHIPPED,
    ) -> None:
        self._log = log
        self._fallback = fallback
        self._flush_seconds = flush_seconds
        self._linger = timings.linger_elsewhere
        self._runs: dict[UUID, _RemoteRun] = {}
        self._read_again = self._look_again = 0.0
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many runs are followed."""
        return len(self._runs)

    @contextmanager
    def watch(self, run_id: UUID, after: int) -> Iterator[Window]:
        """A window that shows the run for as long as the block lasts.

        It ends with the terminal frame, or without one when the database knows that the run has
        ended or is gone, and the log has nothing more. It may begin behind ``after``, and
        then knows nothing of what is before.
        """
        remote = self._runs.get(run_id)
        if remote is None or remote.window.ended:
            remote = self._runs[run_id] = _RemoteRun(after)
        remote.readers += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="remote-runs")
        try:
            yield remote.window
        finally:
            remote.readers -= 1
            if not remote.readers and self._runs.get(run_id) is remote:
                del self._runs[run_id]

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._runs:
            began = loop.time()
            pause = min(len(self._runs) * _SECONDS_FOR_A_RUN, _LONGEST_PAUSE_SECONDS)
            try:
                if began >= self._read_again:
                    await self._read()
                if began >= self._look_again:
                    self._look_again = began + _LOOK_SECONDS
                    await self._look()
            except Exception as error:  # noqa: BLE001 - those who follow wait for the next look
                _log.error("remote_runs.broke", exc_info=error)
                self._read_again = began + _READ_AGAIN_SECONDS
            await asyncio.sleep(max(0.0, began + max(pause, self._flush_seconds) - loop.time()))

    async def _read(self) -> None:
        live = {run_id: one.place for run_id, one in self._runs.items() if not one.window.ended}
        if not live:
            return
        try:
            async with asyncio.timeout(_READ_TIMEOUT):
                news = await self._log.read_many(live)
        except REDIS_ERRORS as error:
            _log.warning("remote_runs.read_failed", error=type(error).__name__)
            self._read_again = asyncio.get_running_loop().time() + _READ_AGAIN_SECONDS
            return
        for run_id, entries in news.items():
            if remote := self._runs.get(run_id):
                window = remote.window
                frames = [e.frame for e in entries if e.frame and e.frame.seq > window.last]
                self._show(remote, frames)
                # Not past a hole: the database may have what is missing, or the owner may write it.
                if not frames or window.last == frames[-1].seq:
                    remote.place = entries[-1].place

    async def _look(self) -> None:
        asked = {
            run_id: one.window.last
            for run_id, one in self._runs.items()
            if one.silent and not one.window.ended
        }
        for remote in self._runs.values():
            remote.silent = True
        if not asked:
            return
        try:
            async with asyncio.timeout(_LOOK_TIMEOUT):
                looks = await self._fallback.look(asked)
        except (AppError, TimeoutError) as error:
            _log.warning("remote_runs.look_failed", error=type(error).__name__)
            return
        for run_id in asked:
            one, look = self._runs.get(run_id), looks.get(run_id)
            if one is None:
                continue
            if look is not None:
                self._show(one, look.frames)
            if look is None or not (look.running or look.frames):
                one.window.end()
                self._let_go_soon(one.window)

    def _show(self, remote: _RemoteRun, frames: Sequence[Frame]) -> None:
        shown = connected(frames, remote.window.last)
        for frame in shown:
            remote.window.show(frame)
        if shown:
            remote.silent = False
            remote.window.wake()
            if remote.window.ended:
                self._let_go_soon(remote.window)

    def _let_go_soon(self, window: Window) -> None:
        asyncio.get_running_loop().call_later(self._linger, window.let_go)
