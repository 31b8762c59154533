"""The heartbeat of this replica: counted up once a second, and with it a look at all live runs.

With each look it learns which runs are still its own, which of them their users want ended, and
whose owners are silent.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from uuid import UUID

from chassis.errors import AppError
from chassis.repeated import Repeated
from chassis.service import Component
from chat_service.streaming.own.takeover import Takeover
from chat_service.streaming.store.replicas import Replicas
from chat_service.streaming.timings import SHIPPED, Timings


class Heartbeat(Component):
    """Keeps this replica on the register, and acts on what each look says.

    ``cancel`` ends a run that this replica generates, and ``reconcile`` is told after each look which
    live runs are this replica's.
    """

    def __init__(
        self,
        *,
        replica: str,
        replicas: Replicas,
        takeover: Takeover,
        cancel: Callable[[UUID], bool],
        reconcile: Callable[[Collection[UUID]], None],
        timings: Timings = SHIPPED,
    ) -> None:
        self._replica = replica
        self._replicas = replicas
        self._takeover = takeover
        self._cancel = cancel
        self._reconcile = reconcile
        self._timings = timings
        self._looked = 0.0
        self._repeated = Repeated("heartbeat", self._heartbeat, seconds=timings.heartbeat)

    async def start(self) -> None:
        await self._repeated.start()

    async def stop(self) -> None:
        await self._repeated.stop()
        await self._takeover.stop()
        with suppress(AppError):  # a replica that cannot say goodbye is noticed by its silence
            await self._replicas.leave(self._replica)

    async def _heartbeat(self) -> None:
        try:
            await self._look()
        except Exception:
            # What it did not see may not have been silent.
            self._takeover.forget_silences()
            raise

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._replicas.heartbeat(self._replica)
        running = await self._replicas.list_running()
        ours = {one.run.id: one.run for one in running if one.run.owner == self._replica}
        self._reconcile(ours.keys())
        for run in ours.values():
            if run.cancel_requested:
                self._cancel(run.id)
        last, self._looked = self._looked, loop.time()
        if self._looked - last > self._timings.heartbeat + self._timings.late:
            self._takeover.forget_silences()
        self._takeover.look(running, began)
