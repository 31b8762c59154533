"""The revocation feed: verification keys and revocation list, and subscriptions to them.

The feed polls the revocations table, so that what another replica revoked is known here within a
poll. Each subscription has a position of its own and no queue.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from auth_service.domain.trust import Revocation, TrustUpdate, VerificationKey
from auth_service.store.revocations import Revocations
from auth_service.store.transactions import OpenSystem
from chassis.clock import utc_now

# Others see a row at its commit, which is later than its `stored_at`: each poll looks back so far.
# No transaction that revokes lasts nearly so long.
_OVERLAP = timedelta(seconds=60)
# Revocations in a message, of about 70 bytes each: far below what a message may hold, and little
# enough that other calls are served between two.
_BATCH = 2_000


class RevocationFeed:
    """``heartbeat`` is the longest time between two updates of a subscription, in seconds."""

    def __init__(
        self, *, open_system: OpenSystem, keys: Sequence[VerificationKey], heartbeat: float = 5.0
    ) -> None:
        self._open_system = open_system
        self._keys = tuple(keys)
        self._heartbeat = heartbeat
        # In the order in which they became known here; a subscription's position counts them.
        self._known: dict[UUID, tuple[int, Revocation]] = {}
        self._count = 0
        self._since: datetime | None = None
        self._closed = False
        # Raised at each change, so that each subscription notices it.
        self._keys_version = 0
        # Set, and replaced by another, at each successful poll.
        self._polled = asyncio.Event()

    async def poll(self) -> None:
        """Read new revocations from the table, and wake the subscriptions."""
        async with self._open_system() as transaction:
            found, present = await Revocations(transaction).since(self._since)
        for revocation in found:
            if revocation.id not in self._known:
                self._count += 1
                self._known[revocation.id] = (self._count, revocation)
        self._since = present - _OVERLAP
        self._drop_expired(utc_now())
        self._wake()

    def set_keys(self, keys: Sequence[VerificationKey]) -> None:
        """Replace the verification keys, and send them to every subscription at once."""
        self._keys = tuple(keys)
        self._keys_version += 1
        self._wake()

    def close(self) -> None:
        """End every subscription, now and for good."""
        self._closed = True
        self._wake()

    async def subscribe(self) -> AsyncGenerator[TrustUpdate]:
        """A subscription: first the whole state, then each change, and empty updates as heartbeat.

        Each update means that everything committed up to a moment ago is included: while the
        table cannot be read there is none, and the subscriber's own timer notices that.
        """
        while self._since is None and not self._closed:
            await self._polled.wait()
        position, keys_version, first, sent_at = 0, 0, True, 0.0
        while not self._closed:
            polled = self._polled
            revocations = self._after(position)
            new_keys = first or keys_version != self._keys_version
            if new_keys or revocations or time.monotonic() - sent_at >= self._heartbeat:
                position, keys_version = self._count, self._keys_version
                *before, last = _batches(revocations)
                for batch in before:
                    yield TrustUpdate(first, (), batch)
                    first = False
                # A subscriber that has just started verifies nothing before it knows all of this.
                yield TrustUpdate(first, self._keys if new_keys else (), last)
                first, sent_at = False, time.monotonic()
            if polled is self._polled:
                await polled.wait()

    def _after(self, position: int) -> tuple[Revocation, ...]:
        if position == self._count:
            return ()
        return tuple(revocation for number, revocation in self._known.values() if number > position)

    def _drop_expired(self, now: datetime) -> None:
        # The overlap may bring an expired one once more; the query leaves those out.
        self._known = {
            id_: entry for id_, entry in self._known.items() if entry[1].expires_at > now
        }

    def _wake(self) -> None:
        self._polled.set()
        self._polled = asyncio.Event()


def _batches(revocations: Sequence[Revocation]) -> Iterator[tuple[Revocation, ...]]:
    """``revocations`` in batches that fit into a message; an empty one, if there are none."""
    for start in range(0, max(len(revocations), 1), _BATCH):
        yield tuple(revocations[start : start + _BATCH])
