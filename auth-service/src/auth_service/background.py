"""Background tasks: polling revocations and signing keys, the sweep, anonymising audit logs."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Protocol

from auth_service.domain.trust import VerificationKey
from auth_service.store.transactions import OpenSystem
from auth_service.usecases.erasures import anonymise_audit_logs, sweep_erasures
from auth_service.usecases.ports import Ports
from auth_service.usecases.prune import prune
from auth_service.usecases.revocation_feed import RevocationFeed
from chassis.repeated import Repeated
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)


class RevocationPoller(Repeated):
    """Polls revocations into the feed; ends its subscriptions when the service drains."""

    def __init__(self, feed: RevocationFeed, *, seconds: float) -> None:
        super().__init__("revocations", feed.poll, seconds=seconds)
        self._feed = feed

    async def start(self) -> None:
        # Known before the first call is served, unless the database is away.
        await self.once()
        await super().start()

    async def drain(self) -> None:
        self._feed.close()
        await super().drain()


class KeyRing(Protocol):
    """The signing keys, as they were when last read."""

    @property
    def verification(self) -> tuple[VerificationKey, ...]: ...

    def read(self) -> bool:
        """Read them again; whether the verification keys have changed."""


class SigningKeyPoller(Repeated):
    """Reads the directory of signing keys, and gives changed keys to the feed."""

    def __init__(self, ring: KeyRing, feed: RevocationFeed, *, seconds: float) -> None:
        super().__init__("signing-keys", self._read, seconds=seconds)
        self._ring = ring
        self._feed = feed

    async def _read(self) -> None:
        if await asyncio.to_thread(self._ring.read):
            self._feed.set_keys(self._ring.verification)
            _log.info("signing_keys.changed", count=len(self._ring.verification))


class Sweep(Repeated):
    """Sends the events of unconfirmed erasures again, and deletes what has expired."""

    def __init__(self, ports: Ports, *, seconds: float) -> None:
        super().__init__("sweep", self._sweep, seconds=seconds)
        self._ports = ports
        self._interval = timedelta(seconds=seconds)

    async def _sweep(self) -> None:
        await sweep_erasures(self._ports, older_than=self._interval)
        await prune(self._ports)


class Anonymiser(Repeated):
    """Anonymises what the deletion itself has left of a long audit log of a deleted user."""

    def __init__(self, open_system: OpenSystem, *, seconds: float) -> None:
        super().__init__("anonymise", partial(anonymise_audit_logs, open_system), seconds=seconds)
