"""Guesses at shares' passwords: counted before they are looked at, in one table for all replicas.

The worker's role counts: who guesses is nobody that row-level security knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from chassis.db.engine import Database
from chat_service.shares.domain.errors import TooManyGuesses
from chat_service.shares.domain.limits import GUESS, GUESS_FROM
from servicekit.counters import Counters
from servicekit.rate_limits import Limit, network_of, seconds_to_wait


@dataclass(frozen=True, slots=True)
class Counted:
    """What a guess was counted against, and when."""

    limit: Limit
    subject: bytes
    at: datetime


class Guesses:
    """The guesses of everybody; `worker` is connected in the role of background jobs."""

    def __init__(self, worker: Database) -> None:
        self._worker = worker

    async def count(self, share_id: UUID, client_ip: str) -> Sequence[Counted]:
        """Counts one from there, or raises TooManyGuesses: then it counts nowhere."""
        subjects = (
            (GUESS, sha256(share_id.bytes).digest()),
            (GUESS_FROM, sha256(network_of(client_ip).encode()).digest()),
        )
        counted = []
        async with self._worker.transaction() as connection:
            counters = Counters(connection)
            for limit, subject in subjects:
                at = await counters.count(limit, subject)
                if at is None:
                    hits, now = await counters.hits(limit, subject)
                    raise TooManyGuesses(retry_after=seconds_to_wait(limit, hits, now))
                counted.append(Counted(limit, subject, at))
        return counted

    async def take_back(self, counted: Sequence[Counted]) -> None:
        """Counts no more what was no failure."""
        async with self._worker.transaction() as connection:
            for one in counted:
                await Counters(connection).take_back(one.limit, one.subject, one.at)
