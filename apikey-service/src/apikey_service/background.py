"""What goes on beside the calls: when keys were used is written down, and sealed rows are counted."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final
from uuid import UUID

from prometheus_client import Gauge

from apikey_service.store.rotation import Rotation
from apikey_service.store.uses import Uses
from apikey_service.usecases.ports import LastUses
from chassis.clock import utc_now
from chassis.repeated import Repeated

_WRITE_SECONDS: Final = 10.0
_BATCH: Final = 1000
# What is noted while the database is away: a user more than these is told a time too early.
_MOST_NOTES: Final = 100_000

_COUNT_SECONDS: Final = 300.0
_SEALED = Gauge(
    "apikey_sealed_secrets",
    "Keys and sets of headers by the key-encryption key that locks them. ring: current, old, or "
    "missing: those open no more.",
    ["kek_id", "ring"],
)


class NotedUses(Repeated, LastUses):
    """Writes when keys were used last, in batches, every ten seconds and at the end."""

    def __init__(self, uses: Uses) -> None:
        super().__init__("last uses", self.write, seconds=_WRITE_SECONDS)
        self._uses = uses
        self._noted: dict[UUID, datetime] = {}

    def note(self, key_id: UUID) -> None:
        if len(self._noted) < _MOST_NOTES or key_id in self._noted:
            self._noted[key_id] = utc_now()

    async def drain(self) -> None:
        await super().drain()
        await self.once()

    async def stop(self) -> None:
        await super().stop()
        # Of calls that were under way while the service drained.
        await self.once()

    async def write(self) -> None:
        """Write what was noted; what could not be written is noted still."""
        pending = list(self._noted.items())
        for at in range(0, len(pending), _BATCH):
            batch = dict(pending[at : at + _BATCH])
            await self._uses.mark_used(batch)
            for key_id, used_at in batch.items():
                if self._noted.get(key_id) == used_at:
                    del self._noted[key_id]


class SealedCensus(Repeated):
    """Counts every five minutes what is locked with which key-encryption key.

    ``ids`` are those of the ring, ``current`` is the one that locks.
    """

    def __init__(self, rotation: Rotation, *, current: str, ids: AbstractSet[str]) -> None:
        super().__init__("sealed census", self.count, seconds=_COUNT_SECONDS)
        self._rotation = rotation
        self._current = current
        self._ids = ids

    async def count(self) -> None:
        """Count now. Raises DatabaseBusy or DatabaseUnavailable."""
        counts = await self.counts()
        _SEALED.clear()
        for kek_id, ring, count in counts:
            _SEALED.labels(kek_id, ring).set(count)

    async def counts(self) -> list[tuple[str, str, int]]:
        """By id of the key-encryption key, and what it is to the ring: how many secrets it locks.

        Those of the ring are told of at zero too: at zero an old one may go.
        """
        counts = dict.fromkeys(self._ids, 0) | await self._rotation.counts()
        return [(kek_id, self._ring_of(kek_id), count) for kek_id, count in sorted(counts.items())]

    def _ring_of(self, kek_id: str) -> str:
        if kek_id == self._current:
            return "current"
        return "old" if kek_id in self._ids else "missing"
