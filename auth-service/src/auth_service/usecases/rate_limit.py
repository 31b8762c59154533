"""Rate limits: an attempt is counted before it is carried out, however many come at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from auth_service.domain.errors import TooManyAttempts
from auth_service.store.transactions import SystemTransaction
from auth_service.usecases.ports import Pseudonyms
from servicekit.counters import Counters
from servicekit.rate_limits import Limit, seconds_to_wait


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


async def count_attempts(transaction: SystemTransaction, *attempts: Attempt) -> tuple[Counted, ...]:
    """Count every one of ``attempts``, or raise TooManyAttempts: then none counts.

    Always to be given in the same order, so that no two transactions wait for each other.
    """
    counters, counted = Counters(transaction.connection), []
    for one in attempts:
        at = await counters.count(one.limit, one.subject)
        if at is None:
            hits, now = await counters.hits(one.limit, one.subject)
            # Raised out of the transaction, which rolls back what was counted before.
            raise TooManyAttempts(retry_after=seconds_to_wait(one.limit, hits, now))
        counted.append(Counted(one, at))
    return tuple(counted)


async def take_back(transaction: SystemTransaction, counted: Sequence[Counted]) -> None:
    """Count attempts no more, since they were no failures."""
    counters = Counters(transaction.connection)
    for one in counted:
        await counters.take_back(one.attempt.limit, one.attempt.subject, one.at)
