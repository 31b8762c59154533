"""Usage in the words of the contract."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from chassis.errors import FieldError, ValidationFailed
from chat_service.usage.domain.periods import Period
from chat_service.usage.domain.report import By, Days, Report, TenantsBy, TenantsRow, UsageRow
from chat_service.usage.domain.spent import Sums
from chat_service.usage.domain.standing import Measure, Standing, State, shown
from parley.chat.v1 import usage_pb2
from servicekit.timestamps import timestamp_of

_BY: Final = {
    usage_pb2.USAGE_BY_DAY: By.DAY,
    usage_pb2.USAGE_BY_MODEL: By.MODEL,
    usage_pb2.USAGE_BY_CONNECTION: By.CONNECTION,
    usage_pb2.USAGE_BY_PURPOSE: By.PURPOSE,
}
_TENANTS_BY: Final = {
    usage_pb2.USAGE_BY_USER: TenantsBy.USER,
    usage_pb2.USAGE_BY_TENANT: TenantsBy.TENANT,
    usage_pb2.USAGE_BY_MODEL: TenantsBy.MODEL,
    usage_pb2.USAGE_BY_DAY: TenantsBy.DAY,
}
_PERIODS: Final = {
    Period.DAY: usage_pb2.LIMIT_PERIOD_DAY,
    Period.MONTH: usage_pb2.LIMIT_PERIOD_MONTH,
}
_STATES: Final = {
    State.OK: usage_pb2.LIMIT_STATE_OK,
    State.SOFT: usage_pb2.LIMIT_STATE_SOFT,
    State.USED_UP: usage_pb2.LIMIT_STATE_USED_UP,
}


def days_in(
    request: usage_pb2.GetUsageRequest | usage_pb2.ListTenantsUsageRequest,
) -> tuple[date | None, date | None]:
    """Its first and its last day. Raises ValidationFailed."""
    return _day(request, "from"), _day(request, "to")


def _day(
    request: usage_pb2.GetUsageRequest | usage_pb2.ListTenantsUsageRequest, field: str
) -> date | None:
    if not request.HasField(field):  # type: ignore[arg-type]  # both have both
        return None
    told: str = getattr(request, field)
    try:
        day = date.fromisoformat(told)
    except ValueError:
        day = None
    # Python reads other forms of ISO 8601, too.
    if day is None or day.isoformat() != told:
        raise ValidationFailed(fields=[FieldError(field, "INVALID")])
    return day


def by_in(by: Sequence[usage_pb2.UsageBy.ValueType]) -> frozenset[By]:
    """Raises ValidationFailed."""
    if not set(by) <= _BY.keys():
        raise ValidationFailed(fields=[FieldError("by", "NOT_ONE_OF")])
    return frozenset(_BY[one] for one in by)


def tenants_by_in(by: usage_pb2.UsageBy.ValueType) -> TenantsBy:
    """Raises ValidationFailed."""
    if by not in _TENANTS_BY:
        raise ValidationFailed(fields=[FieldError("by", "NOT_ONE_OF")])
    return _TENANTS_BY[by]


def _sums_to_proto(sums: Sums) -> usage_pb2.UsageSums:
    tokens = sums.tokens
    return usage_pb2.UsageSums(
        completed=sums.completed,
        cancelled=sums.cancelled,
        interrupted=sums.interrupted,
        failed=sums.failed,
        prompt_tokens=tokens.prompt,
        completion_tokens=tokens.completion,
        cached_tokens=tokens.cached,
        reasoning_tokens=tokens.reasoning,
        estimated_tokens=tokens.estimated,
        duration_ms=sums.duration_ms,
        costs=[
            usage_pb2.Money(currency=cost.currency, amount=shown(cost.amount))
            for cost in sums.costs
        ],
        unpriced_tokens=sums.unpriced_tokens,
    )


def _told(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _of_days(days: Days) -> dict[str, str]:
    return {"from": days.first.isoformat(), "to": days.last.isoformat()}


def report_to_proto(report: Report) -> usage_pb2.GetUsageResponse:
    return usage_pb2.GetUsageResponse(
        items=[_row_to_proto(row) for row in report.rows],
        total=_sums_to_proto(report.total),
        **_of_days(report.days),
    )


def _row_to_proto(row: UsageRow) -> usage_pb2.UsageItem:
    return usage_pb2.UsageItem(
        day=_told(row.day),
        model=row.model,
        key_id=None if row.key_id is None else str(row.key_id),
        operators=row.metered,
        purpose=row.purpose,
        sums=_sums_to_proto(row.sums),
    )


def tenants_to_proto(
    days: Days, rows: Sequence[TenantsRow], next_cursor: str
) -> usage_pb2.ListTenantsUsageResponse:
    return usage_pb2.ListTenantsUsageResponse(
        items=[
            usage_pb2.TenantsUsageItem(
                tenant_id=None if row.tenant_id is None else str(row.tenant_id),
                user_id=None if row.user_id is None else str(row.user_id),
                model=row.model,
                day=_told(row.day),
                sums=_sums_to_proto(row.sums),
            )
            for row in rows
        ],
        next_cursor=next_cursor,
        **_of_days(days),
    )


def standing_to_proto(standing: Standing) -> usage_pb2.UsageLimit:
    message = usage_pb2.UsageLimit(
        period=_PERIODS[standing.period],
        resets_at=timestamp_of(standing.resets_at),
        own=standing.own,
        key_id=None if standing.key_id is None else str(standing.key_id),
        key_name=standing.key_name,
    )
    for measure in standing.measures:
        if measure.currency:
            message.cost.CopyFrom(_cost_to_proto(measure))
        else:
            message.tokens.CopyFrom(_tokens_to_proto(measure))
    return message


def _tokens_to_proto(measure: Measure) -> usage_pb2.LimitedTokens:
    soft, hard = measure.amount.soft, measure.amount.hard
    return usage_pb2.LimitedTokens(
        used=int(measure.used),
        soft=None if soft is None else int(soft),
        allowed=None if hard is None else int(hard),
        state=_STATES[measure.state],
    )


def _cost_to_proto(measure: Measure) -> usage_pb2.LimitedCost:
    soft, hard = measure.amount.soft, measure.amount.hard
    return usage_pb2.LimitedCost(
        currency=measure.currency,
        used=shown(measure.used),
        soft=None if soft is None else shown(soft),
        allowed=None if hard is None else shown(hard),
        state=_STATES[measure.state],
    )
