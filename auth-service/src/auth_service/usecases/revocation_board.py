"""The one place in this process that knows which keys and revocations are in force.

It follows the revocations table, so that what another replica revoked is known here within a
poll; readers follow the board, each with a position of its own and no queue.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from auth_service.domain.trust import Revocation, TrustUpdate, VerificationKey
from auth_service.usecases.ports import OpenSystem
from chassis.clock import utc_now

# A row is seen by others at its commit, later than the time it bears: each poll looks back.
# No transaction that revokes comes near to lasting so long.
_OVERLAP = timedelta(seconds=60)
# Revocations in a message, of about 70 bytes each: far below what a message may hold, and little
# enough that other calls are served between two.
_PIECE = 2_000


class RevocationBoard:
    """``heartbeat`` is the longest silence towards a reader, in seconds, while all is well."""

    def __init__(
        self, *, open_system: OpenSystem, keys: Sequence[VerificationKey], heartbeat: float = 5.0
    ) -> None:
        self._open_system = open_system
        self._keys = tuple(keys)
        self._heartbeat = heartbeat
        # In the order in which they became known here; a reader's position counts them.
        self._known: dict[UUID, tuple[int, Revocation]] = {}
        self._count = 0
        self._since: datetime | None = None
        self._closed = False
        # How often the keys have changed, so that each reader can tell.
        self._change = 0
        # Set, and replaced by another, at each successful poll.
        self._polled = asyncio.Event()

    async def refresh(self) -> None:
        """Take in what the table holds that is not known yet, and wake the readers."""
        async with self._open_system() as transaction:
            found, present = await transaction.revocations_since(self._since)
        for revocation in found:
            if revocation.id not in self._known:
                self._count += 1
                self._known[revocation.id] = (self._count, revocation)
        self._since = present - _OVERLAP
        self._forget(utc_now())
        self._wake()

    def announce(self, keys: Sequence[VerificationKey]) -> None:
        """These are the keys from now on: tell every reader at once."""
        self._keys = tuple(keys)
        self._change += 1
        self._wake()

    def close(self) -> None:
        """End every reader's stream, now and for good."""
        self._closed = True
        self._wake()

    async def watch(self) -> AsyncGenerator[TrustUpdate]:
        """First the whole state, then each change, and a sign of life at every heartbeat.

        Each update means that everything committed up to a moment ago is included: while the
        table cannot be read there is none, and a reader's own timer tells it so.
        """
        while self._since is None and not self._closed:
            await self._polled.wait()
        position, change, first, spoken = 0, 0, True, 0.0
        while not self._closed:
            polled = self._polled
            news = self._behind(position)
            new_keys = first or change != self._change
            if new_keys or news or time.monotonic() - spoken >= self._heartbeat:
                position, change = self._count, self._change
                *before, last = _pieces(news)
                for piece in before:
                    yield TrustUpdate(first, (), piece)
                    first = False
                # A reader that has just started verifies nothing before it knows all of this.
                yield TrustUpdate(first, self._keys if new_keys else (), last)
                first, spoken = False, time.monotonic()
            if polled is self._polled:
                await polled.wait()

    def _behind(self, position: int) -> tuple[Revocation, ...]:
        if position == self._count:
            return ()
        return tuple(revocation for number, revocation in self._known.values() if number > position)

    def _forget(self, now: datetime) -> None:
        # The overlap may bring an expired one once more; the query leaves those out.
        self._known = {
            id_: entry for id_, entry in self._known.items() if entry[1].expires_at > now
        }

    def _wake(self) -> None:
        self._polled.set()
        self._polled = asyncio.Event()


def _pieces(news: Sequence[Revocation]) -> Iterator[tuple[Revocation, ...]]:
    """``news`` in pieces that fit into a message; one that is empty, if there are none."""
    for start in range(0, max(len(news), 1), _PIECE):
        yield tuple(news[start : start + _PIECE])
