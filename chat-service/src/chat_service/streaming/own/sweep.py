"""The sweep: what is of no more use goes, in small steps and beside everything else.

The logs of saved runs are told to expire when they are saved. One whose owner was killed at that
very moment, or stopped while Redis was away, would stay for ever: the sweep finds it.
"""

from collections.abc import Callable

from chassis.errors import AppError
from chassis.repeated import Repeated
from chassis.service import Component
from chat_service.redis_client import REDIS_ERRORS
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.store.replicas import Replicas
from chat_service.streaming.timings import SHIPPED, Timings

# No frame has a number behind it.
_BEHIND_ALL = 2**63 - 1


class Sweep(Component):
    """Sweeps frames of ended runs, replicas that are gone, and logs; on all replicas, harmlessly.

    One of them calls `on_death` behind a replica that went without a farewell.
    """

    def __init__(
        self,
        log: RunLog,
        fallback: FallbackLog,
        replicas: Replicas,
        *,
        on_death: Callable[[], None],
        timings: Timings = SHIPPED,
    ) -> None:
        self._log = log
        self._fallback = fallback
        self._replicas = replicas
        self._on_death = on_death
        self._cursor = 0
        # Each by itself: what keeps one of them waiting keeps no other.
        self._jobs = [
            Repeated(
                f"sweep of {what}",
                job,
                seconds=timings.sweep,
                away=(AppError, *REDIS_ERRORS),
                unhurried=True,
            )
            for what, job in (
                ("frames", fallback.sweep),
                ("replicas", self._sweep_replicas),
                ("logs", self._sweep_logs),
            )
        ]

    async def start(self) -> None:
        for job in self._jobs:
            await job.start()

    async def stop(self) -> None:
        for job in self._jobs:
            await job.stop()

    async def _sweep_replicas(self) -> None:
        if await self._replicas.sweep():
            self._on_death()

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
