"""A job of a service that repeats."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from chassis.component import Component
from chassis.errors import AppError
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)


class Repeated(Component):
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
        self._name = name
        self._work = work
        self._seconds = seconds
        self._away = away
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Do it at once, or once more if it is being done."""
        self._woken.set()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._repeat(), name=self._name)

    async def drain(self) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Return once the job has ended; it is cancelled where it stands."""
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def once(self) -> None:
        """Do it now, as at any other time; raises nothing."""
        try:
            await self._work()
        except self._away as error:
            _log.debug("job.waits", job=self._name, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next try may succeed
            _log.error("job.failed", job=self._name, exc_info=error)

    async def _repeat(self) -> None:
        while True:
            self._woken.clear()
            await self.once()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._woken.wait()
