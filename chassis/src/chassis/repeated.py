"""A job of a service that repeats."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from chassis.errors import AppError
from chassis.one_task import OneTask
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)


class Repeated(OneTask):
    """Does ``work`` at its start, then every ``seconds`` and whenever woken.

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
    ) -> None:
        super().__init__(name)
        self._work = work
        self._seconds = seconds
        self._away = away
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
        while True:
            self._woken.clear()
            await self.once()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._woken.wait()
