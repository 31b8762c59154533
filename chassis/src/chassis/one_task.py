"""A component that is one task."""

import asyncio
from abc import abstractmethod

from chassis.component import Component
from chassis.tasks import end_task


class OneTask(Component):
    """Runs from its start to its stop, by which it is cancelled where it stands."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def run(self) -> None:
        """What it does; it does not return by itself."""

    @property
    def is_running(self) -> bool:
        """Whether it was started, and has neither been stopped nor ended by itself."""
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        self._task = asyncio.create_task(self.run(), name=self._name)

    async def drain(self) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Return once it has ended."""
        if self._task is not None:
            await end_task(self._task)
            self._task = None
