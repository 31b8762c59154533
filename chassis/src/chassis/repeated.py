"""A job of a service that repeats."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from chassis.errors import AppError
from chassis.one_task import OneTask
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

# For how long a job waits at most that need not be done at the start.
_PUT_OFF_SECONDS = 5.0


def put_off(period: float) -> float:
    """Seconds until a job is first done that is done every ``period`` and need not be at the start."""
    return random.uniform(0, min(period, _PUT_OFF_SECONDS))  # noqa: S311 - no secret, only out of step


class Repeated(OneTask):
    """Does ``work`` at its start, then every ``seconds`` and whenever woken.

    With ``unhurried`` the first time comes after a random part of ``seconds``, of five seconds at most: a
    service that starts has more urgent things to do, and replicas that start together do not sweep together.

    A failure ends nothing: it is logged as an error, but for the kinds in ``away``, by which
    something that the job needs is away. Whoever is away says so itself, once.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        seconds: float,
        away: tuple[type[Exception], ...] = (AppError,),
        unhurried: bool = False,
    ) -> None:
        super().__init__(name)
        self._work = work
        self._seconds = seconds
        self._away = away
        self._is_put_off = unhurried
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Do it at once, or once more if it is being done."""
        self._woken.set()

    async def once(self) -> None:
        """Do it now, as at any other time; raises nothing."""
        try:
            await self._work()
        except self._away as error:
            _log.debug("job.waits", job=self._name, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next try may succeed
            _log.error("job.failed", job=self._name, exc_info=error)

    async def run(self) -> None:
        if self._is_put_off:
            await self._until_woken(put_off(self._seconds))
        while True:
            self._woken.clear()
            await self.once()
            await self._until_woken(self._seconds)

    async def _until_woken(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
