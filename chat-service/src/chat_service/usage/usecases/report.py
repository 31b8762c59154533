"""A user's own usage, and where they stand."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.errors import FieldError, ValidationFailed
from chat_service.usage.domain.periods import Period, utc_day
from chat_service.usage.domain.report import By, Days, Report, total_of
from chat_service.usage.domain.rules import ANY, Amount, Bounds, Limit, RulesInForce
from chat_service.usage.domain.standing import Measure, Standing, Used
from chat_service.usage.store.days import MOST_ROWS, UsageDays

#: Of one report.
MOST_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class Allowance:
    """What each user may use in a day of one of the operator's connections."""

    key_id: UUID
    name: str
    daily_tokens: int


#: The allowances that hold for the calling user. Raises AppError.
ListAllowances = Callable[[], Awaitable[Sequence[Allowance]]]


def days_of(first: date | None, last: date | None, at: datetime) -> Days:
    """These days, or the month up to today where nothing is said. Raises ValidationFailed."""
    until = last or max(utc_day(at), first or date.min)
    days = Days(first or until.replace(day=1), until)
    if days.first > days.last:
        raise ValidationFailed(fields=[FieldError("to", "BEFORE_FROM")])
    if (days.last - days.first).days >= MOST_DAYS:
        raise ValidationFailed(fields=[FieldError("from", "TOO_MANY", maximum=MOST_DAYS)])
    return days


async def report_usage(
    open_transaction: OpenTransaction,
    caller: Caller,
    *,
    first: date | None,
    last: date | None,
    by: Collection[By],
    now: datetime | None = None,
) -> Report:
    """What the caller has used in these days, in UTC. Raises ValidationFailed, also for more than 10,000 rows."""
    days = days_of(first, last, now or utc_now())
    async with open_transaction(caller) as transaction:
        rows = await UsageDays(transaction).report(days, by)
    if len(rows) > MOST_ROWS:
        raise ValidationFailed(fields=[FieldError("from", "TOO_MANY", maximum=MOST_ROWS)])
    return Report(days, rows, total_of(row.sums for row in rows))


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What is left to users, and until when."""

    open_transaction: OpenTransaction
    rules: RulesInForce
    list_allowances: ListAllowances

    async def __call__(self, caller: Caller, now: datetime | None = None) -> list[Standing]:
        """Of each of their limits where the caller stands; then of each connection that has a daily one.

        Raises what `list_allowances` raises.
        """
        now = now or utc_now()
        rules = self.rules.content
        limits = rules.limits_of(caller)
        bounds = Bounds(limits=limits, currency=rules.currency)
        allowances, (used, of_connections) = await asyncio.gather(
            self.list_allowances(), self._used(caller, bounds, now)
        )
        return [
            *(_of_limit(limit, used, rules.currency, now) for limit in limits),
            *(_of_allowance(one, of_connections.get(one.key_id, 0), now) for one in allowances),
        ]

    async def _used(
        self, caller: Caller, bounds: Bounds, now: datetime
    ) -> tuple[Used, dict[UUID, int]]:
        async with self.open_transaction(caller) as transaction:
            days = UsageDays(transaction)
            return await days.used(bounds, None, now), await days.of_connections(now)


def _of_limit(limit: Limit, used: Used, currency: str, now: datetime) -> Standing:
    period = limit.period
    measures = []
    if limit.tokens != ANY:
        measures.append(Measure(limit.tokens, Decimal(used.tokens(period))))
    if limit.cost != ANY:
        measures.append(Measure(limit.cost, used.cost(period), currency))
    return Standing(period, period.resets_at(now), limit.own, tuple(measures))


def _of_allowance(allowance: Allowance, used: int, now: datetime) -> Standing:
    return Standing(
        Period.DAY,
        Period.DAY.resets_at(now),
        False,
        (Measure(Amount(hard=Decimal(allowance.daily_tokens)), Decimal(used)),),
        allowance.key_id,
        allowance.name,
    )
