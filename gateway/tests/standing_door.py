"""The door that stands for all tests of a process which take it as it is."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from chassis.testing import Signer, TlsSettings, eventually
from chassis.testing.shared import KeptRunning

from .door import Door, Wired, wire


class StandingDoor(KeptRunning):
    """Lends one gateway and its servers to one test after the other: to make them is most of what a test
    costs. Each has fakes, a caller and a client of its own; nothing of it may be left behind it.
    """

    def __init__(self, tls_settings: TlsSettings, *, patience: float = 20.0) -> None:
        super().__init__()
        self._tls = tls_settings
        self._patience = patience
        self._wired: Wired | None = None

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Door]:
        """It is made if there is none, and thrown away when it comes back otherwise than it was lent, which
        is an AssertionError.
        """
        if self._wired is None:
            self._keep()
            self._wired = await wire(self._stack, self._tls, Signer(), ready=True)
        wired = self._wired
        try:
            async with AsyncExitStack() as stack:
                door = await wired.door(stack)
                # The event loop stood still while tests ran on others.
                await eventually(wired.is_whole)
                yield door
            await eventually(wired.is_whole, timeout=self._patience)
            assert not (left := wired.remembered), left
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop it, if there is one."""
        self._wired = None
        await super().stop()
