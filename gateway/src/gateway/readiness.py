"""Whether the gateway can serve: once every service has been reached, it can."""

import asyncio
from collections.abc import Mapping, Sequence

from chassis.errors import Unavailable
from chassis.grpc.client import Channel
from chassis.grpc.trust import TrustStore
from chassis.health import Check

# A public endpoint must answer soon, whatever is behind it.
_PROBE_SECONDS = 1.0

_TRUST = "token-keys"


class Readiness:
    """``down`` from the start until each service was reached once; from then on a service
    that is away makes it ``degraded``, which still serves.
    """

    def __init__(self, channels: Mapping[str, Channel], trust: TrustStore) -> None:
        self._channels = dict(channels)
        self._trust = trust
        self._missing = {*channels, _TRUST}

    async def ask(self) -> tuple[str, dict[str, str]]:
        """The status, and ``ok`` or ``away`` for each service and for the keys of tokens."""
        names = list(self._channels)
        reached = await asyncio.gather(*(self._reach(name) for name in names))
        checks = {name: "ok" if here else "away" for name, here in zip(names, reached, strict=True)}
        checks[_TRUST] = "ok" if self._trust.arrived.is_set() else "away"
        if self._trust.arrived.is_set():
            self._missing.discard(_TRUST)
        if self._missing:
            return "down", checks
        return "ok" if all(reached) else "degraded", checks

    def checks(self) -> Sequence[Check]:
        """The same for the probes' port."""
        return (
            Check("every-service-once", self._probe_started, critical=True),
            Check(_TRUST, self._trust.probe),
            *(Check(name, channel.probe) for name, channel in self._channels.items()),
        )

    async def _probe_started(self) -> None:
        if self._missing:
            await self.ask()
        if self._missing:
            raise Unavailable()

    async def _reach(self, name: str) -> bool:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self._channels[name].probe()
        except TimeoutError:
            return False
        self._missing.discard(name)
        return True
