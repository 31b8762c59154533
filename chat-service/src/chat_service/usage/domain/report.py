"""What is asked of the ledger, and what it answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from chat_service.usage.domain.spent import Cost, Sums, Tokens


class By(StrEnum):
    """What is told apart in a user's own report."""

    DAY = "day"
    MODEL = "model"
    CONNECTION = "connection"
    PURPOSE = "purpose"


class TenantsBy(StrEnum):
    """What is told apart in an admin's report: one of these."""

    USER = "user"
    TENANT = "tenant"
    MODEL = "model"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days in UTC, both inclusive."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Sums of what is alike in all that is told apart; None is what is not.

    `model` None among models: all those of which less was used than of the ones that are named. `metered`:
    the operator's connection.
    """

    sums: Sums
    day: date | None = None
    model: str | None = None
    key_id: UUID | None = None
    metered: bool | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What was used in these days, by what was asked for, and all together."""

    days: Days
    rows: Sequence[UsageRow]
    total: Sums


@dataclass(frozen=True, slots=True)
class TenantsRow:
    """The same for admins; `user_id` None among users: those who are gone, together."""

    sums: Sums
    tenant_id: UUID | None = None
    user_id: UUID | None = None
    model: str | None = None
    day: date | None = None


def total_of(sums: Iterable[Sums]) -> Sums:
    """All of them together."""
    total, costs = Sums(), dict[str, Cost]()
    for one in sums:
        total = Sums(
            completed=total.completed + one.completed,
            cancelled=total.cancelled + one.cancelled,
            interrupted=total.interrupted + one.interrupted,
            failed=total.failed + one.failed,
            tokens=_together(total.tokens, one.tokens),
            duration_ms=total.duration_ms + one.duration_ms,
            unpriced_tokens=total.unpriced_tokens + one.unpriced_tokens,
        )
        for cost in one.costs:
            before = costs.get(cost.currency, Cost(cost.currency))
            costs[cost.currency] = Cost(cost.currency, before.amount + cost.amount)
    return replace(total, costs=tuple(costs[currency] for currency in sorted(costs)))


def _together(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(
        one.prompt + other.prompt,
        one.completion + other.completion,
        one.cached + other.cached,
        one.reasoning + other.reasoning,
        one.estimated + other.estimated,
    )
