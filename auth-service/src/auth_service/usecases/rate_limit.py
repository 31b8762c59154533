"""Rate limits: an attempt is counted before it is carried out, however many come at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from auth_service.domain.limits import Limit, seconds_to_wait
from auth_service.usecases.errors import TooManyAttempts


class Pseudonyms(Protocol):
    """Digests that stand for what they are made of, and show nothing of it."""

    def of(self, *parts: str) -> bytes: ...

    def all_of(self, *parts: str) -> Sequence[bytes]:
        """What ``of`` returns, and what it returned under the other keys."""
        ...


class CounterTransaction(Protocol):
    """The part of a transaction that counts attempts."""

    async def count(self, limit: Limit, subject: bytes) -> datetime | None:
        """Count an attempt and return its time, by which it can be taken back.

        None, and nothing is counted, if a window of ``limit`` is full. Until this transaction
        ends, others that count against the same subject wait.
        """
        ...

    async def hits(self, limit: Limit, subject: bytes) -> tuple[Sequence[datetime], datetime]:
        """What counts against a ``subject`` whose window is full, and the present time by the
        same clock.
        """
        ...

    async def take_back(self, limit: Limit, subject: bytes, at: datetime) -> None:
        """Count no more what was counted ``at`` that time."""
        ...

    async def forget(self, limit: Limit, subject: bytes) -> None:
        """Count nothing more against ``subject``."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something tried, and the subject that it counts against under ``limit``."""

    limit: Limit
    subject: bytes


@dataclass(frozen=True, slots=True)
class Counted:
    """An attempt that was admitted, and when."""

    attempt: Attempt
    at: datetime


def attempt(pseudonyms: Pseudonyms, limit: Limit, *subject: str) -> Attempt:
    """An attempt that counts against ``subject``, of which only a digest is kept."""
    return Attempt(limit, pseudonyms.of("counter", limit.scope, *subject))


async def count_attempts(
    transaction: CounterTransaction, *attempts: Attempt
) -> tuple[Counted, ...]:
    """Count every one of ``attempts``, or raise TooManyAttempts: then none counts.

    Always to be given in the same order, so that no two transactions wait for each other.
    """
    counted = []
    for one in attempts:
        at = await transaction.count(one.limit, one.subject)
        if at is None:
            hits, now = await transaction.hits(one.limit, one.subject)
            # Raised out of the transaction, which rolls back what was counted before.
            raise TooManyAttempts(retry_after=seconds_to_wait(one.limit, hits, now))
        counted.append(Counted(one, at))
    return tuple(counted)


async def take_back(transaction: CounterTransaction, counted: Sequence[Counted]) -> None:
    """Count attempts no more, since they were no failures."""
    for one in counted:
        await transaction.take_back(one.attempt.limit, one.attempt.subject, one.at)
