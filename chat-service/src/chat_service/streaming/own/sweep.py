"""The sweep: what is of no more use goes, in small steps and beside everything else.

The logs of saved runs are told to expire when they are saved. One whose owner was killed at that
very moment, or stopped while Redis was away, would stay for ever: the sweep finds it.
"""

import asyncio

from chassis.errors import AppError
from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chat_service.streaming.log.redis import REDIS_ERRORS, RunLog
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.store.replicas import Replicas
from chat_service.streaming.timings import SHIPPED, Timings

_log = get_logger(__name__)

# No frame has a number behind it.
_BEHIND_ALL = 2**63 - 1


class Sweep(Component):
    """Sweeps frames of ended runs, replicas that are gone, and logs; on all replicas, harmlessly."""

    def __init__(
        self, log: RunLog, fallback: FallbackLog, replicas: Replicas, *, timings: Timings = SHIPPED
    ) -> None:
        self._timings = timings
        self._log = log
        self._fallback = fallback
        self._replicas = replicas
        self._cursor = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="sweep")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def _run(self) -> None:
        while True:
            for job in (self._fallback.sweep, self._replicas.sweep, self._sweep_logs):
                try:
                    await job()
                except (AppError, *REDIS_ERRORS) as error:  # whoever is away says so itself
                    _log.debug("sweep.waits", job=job.__name__, error=type(error).__name__)
                except Exception as error:  # noqa: BLE001 - the next turn may succeed
                    _log.error("sweep.broke", job=job.__name__, exc_info=error)
            await asyncio.sleep(self._timings.sweep)

    async def _sweep_logs(self) -> None:
        """Let some of the logs expire that nobody needs: those of runs that ended or are gone."""
        self._cursor, lasting = await self._log.find_lasting(self._cursor)
        if not lasting:
            return
        looks = await self._fallback.look(dict.fromkeys(lasting, _BEHIND_ALL))
        for run_id in lasting:
            look = looks.get(run_id)
            if look is None or not look.running:
                self._log.let_go(run_id)
