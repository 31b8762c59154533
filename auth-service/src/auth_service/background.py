"""What runs beside the calls: the board kept current, the sweep, long trails blanked."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from auth_service.domain.trust import VerificationKey
from auth_service.usecases.erasures import blank_trails, sweep_erasures
from auth_service.usecases.ports import Ports
from auth_service.usecases.pruning import prune
from auth_service.usecases.revocation_board import RevocationBoard
from chassis.errors import AppError
from chassis.service import Component
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)


class Repeated(Component):
    """Does ``work`` every ``seconds`` and whenever woken; a failure is logged, and it goes on."""

    def __init__(self, name: str, work: Callable[[], Awaitable[None]], *, seconds: float) -> None:
        self._name = name
        self._work = work
        self._seconds = seconds
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
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _repeat(self) -> None:
        while True:
            self._woken.clear()
            await self._once()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._woken.wait()

    async def _once(self) -> None:
        try:
            await self._work()
        except AppError as error:  # the database is away: it says so itself, once
            _log.debug("background.waiting", work=self._name, reason=error.reason)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next turn may succeed
            _log.error("background.failed", work=self._name, exc_info=error)


class BoardKeeper(Repeated):
    """Keeps the board true to the table; ends all that watch it when the service drains."""

    def __init__(self, board: RevocationBoard, *, seconds: float) -> None:
        super().__init__("revocations", board.refresh, seconds=seconds)
        self._board = board

    async def start(self) -> None:
        # Known before the first call is served, unless the database is away.
        await self._once()
        await super().start()

    async def drain(self) -> None:
        self._board.close()
        await super().drain()


class KeyRing(Protocol):
    """The signing keys, as they were when last read."""

    @property
    def verification(self) -> tuple[VerificationKey, ...]: ...

    def read(self) -> bool:
        """Look again; whether the keys that verify are others now."""


class KeyKeeper(Repeated):
    """Keeps the ring true to its directory, and the board to the ring."""

    def __init__(self, ring: KeyRing, board: RevocationBoard, *, seconds: float) -> None:
        super().__init__("signing-keys", self._read, seconds=seconds)
        self._ring = ring
        self._board = board

    async def _read(self) -> None:
        if await asyncio.to_thread(self._ring.read):
            self._board.announce(self._ring.verification)
            _log.info("signing_keys.changed", count=len(self._ring.verification))


class Sweep(Repeated):
    """Repeats unconfirmed deletions, and forgets what has expired."""

    def __init__(self, ports: Ports, *, seconds: float) -> None:
        super().__init__("sweep", self._sweep, seconds=seconds)
        self._ports = ports
        self._interval = timedelta(seconds=seconds)

    async def _sweep(self) -> None:
        await sweep_erasures(self._ports, older_than=self._interval)
        await prune(self._ports)


class Blanker(Repeated):
    """Goes on with the trails of deleted users that were too long for the deletion itself."""

    def __init__(self, ports: Ports, *, seconds: float) -> None:
        super().__init__("blanking", lambda: blank_trails(ports), seconds=seconds)
