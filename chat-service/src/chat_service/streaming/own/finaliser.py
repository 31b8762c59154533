"""The finaliser: every run's end is saved once, however long the database is away.

The log of a run keeps until its save is confirmed; only then does it begin to expire.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from uuid import UUID

from prometheus_client import Counter, Gauge

from chassis.errors import AppError, Kind
from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.ending import Ending, RunStatus
from chat_service.notices.domain.notice import Tell, run_ended
from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.read import FindRun
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.timings import SHIPPED, Timings

_log = get_logger(__name__)

_UNSAVED = Gauge("chat_unsaved_runs", "Ended runs whose answer is not saved yet.")
_LOST = Counter("chat_save_failures_total", "Answers that the database refuses: an alert.")

# Pauses before each further try, seconds; the last one goes on for as long as it takes.
_PAUSES = (0.05, 0.2, 1.0, 2.0)

# Saves an ending in one transaction; False: the run is not this owner's to end (any more).
SaveRun = Callable[[Run, Ending], Awaitable[bool]]


class Saved(Enum):
    """What has become of an ending."""

    YES = "yes"
    #: Not yet: it goes on in the background for as long as it takes.
    LATER = "later"
    #: Somebody else has the run, or it is gone.
    NO = "no"
    #: The database refuses it for good. Its log stays, and whoever owns it tries again later.
    NEVER = "never"


class Finaliser(Component):
    """Saves the ends of runs."""

    def __init__(
        self,
        log: RunLog,
        save_run: SaveRun,
        find_run: FindRun,
        *,
        tell: Tell,
        timings: Timings = SHIPPED,
    ) -> None:
        self._timings = timings
        self._log = log
        self._save_run = save_run
        self._find_run = find_run
        self._tell = tell
        self._saving: dict[asyncio.Task[Saved], UUID] = {}
        self._refused: set[UUID] = set()

    @property
    def held(self) -> dict[str, int]:
        """Of the ends that are on their way to the database: how many."""
        return {"saves": len(self._saving)}

    async def drain(self) -> None:
        """Return once nothing is being saved; who still has ends to save calls it behind them."""
        while self._saving:
            await asyncio.wait(self._saving)

    async def stop(self) -> None:
        for task in list(self._saving):
            await end_task(task)

    def is_saving(self, run_id: UUID) -> bool:
        """Whether the end of the run is on its way to the database."""
        return run_id in self._saving.values()

    async def save(self, run: Run, ending: Ending) -> Saved:
        """Begin to save, and say what came of it within two seconds.

        After YES the caller lets the log expire, with the terminal frame; after LATER this does.
        """
        task = asyncio.create_task(self._save(run, ending), name=f"save-{run.id}")
        self._saving[task] = run.id
        _UNSAVED.inc()
        task.add_done_callback(self._forget)
        done, _ = await asyncio.wait({task}, timeout=self._timings.save_patience)
        if done:
            return task.result()
        task.add_done_callback(lambda late: self._settle_late(run, late))
        return Saved.LATER

    def _settle_late(self, run: Run, saving: asyncio.Task[Saved]) -> None:
        if not saving.cancelled() and saving.result() is Saved.YES:
            self._log.let_go(run.id)

    def _forget(self, task: asyncio.Task[Saved]) -> None:
        del self._saving[task]
        _UNSAVED.dec()

    async def _save(self, run: Run, ending: Ending) -> Saved:
        attempt = 0
        while (outcome := await self._try(run, ending)) is Saved.LATER:
            await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
            attempt += 1
        return outcome

    async def _try(self, run: Run, ending: Ending) -> Saved:
        try:
            saved = await self._save_run(run, ending)
            found = None if saved else await self._find_run(run)
        except AppError as error:
            if error.kind is not Kind.UNAVAILABLE:
                return self._give_up(run, error)
            _log.warning("run.save_delayed", run_id=str(run.id), reason=error.reason)
            return Saved.LATER
        except Exception as error:  # noqa: BLE001 - a permanent error, whatever it is
            return self._give_up(run, error)
        self._refused.discard(run.id)
        if saved:
            self._tell_end(run, ending.status, ending.reason)
            return Saved.YES
        if found is None or found.run.status is not RunStatus.RUNNING:
            # Gone, or it has ended: perhaps by a commit of ours whose answer got lost.
            if found is not None:
                self._tell_end(run, found.run.status, found.run.reason)
            self._log.let_go(run.id, now=found is None)
        return Saved.NO

    def _tell_end(self, run: Run, status: RunStatus, reason: str | None) -> None:
        if run.turn is not None:
            self._tell(run_ended(run.user_id, run.id, run.turn.session_id, status.value, reason))

    def _give_up(self, run: Run, error: Exception) -> Saved:
        # One alert for a run, however often its owner tries again.
        if run.id in self._refused:
            _log.warning("run.save_refused_again", run_id=str(run.id), error=type(error).__name__)
        else:
            self._refused.add(run.id)
            _LOST.inc()
            _log.critical("run.save_failed", run_id=str(run.id), exc_info=error)
        return Saved.NEVER
