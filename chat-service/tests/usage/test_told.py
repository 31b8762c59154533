"""Sums of what was used, in the words of the contract: each under its own name."""

from dataclasses import astuple
from datetime import date
from decimal import Decimal

from chassis.ids import new_id
from chat_service.usage.domain.report import Days, Report, TenantsRow, UsageRow
from chat_service.usage.domain.spent import Cost, Sums, Tokens
from chat_service.usage.mapping import report_to_proto, tenants_to_proto
from parley.chat.v1 import usage_pb2 as pb

DAYS = Days(date(2026, 11, 1), date(2026, 11, 27))
SUMS = Sums(
    completed=1,
    cancelled=2,
    interrupted=3,
    failed=4,
    tokens=Tokens(prompt=5, completion=6, cached=7, reasoning=8, estimated=9),
    duration_ms=10,
    costs=(Cost("EUR", Decimal("11.5")),),
    unpriced_tokens=12,
)
TOLD = pb.UsageSums(
    completed=1,
    cancelled=2,
    interrupted=3,
    failed=4,
    prompt_tokens=5,
    completion_tokens=6,
    cached_tokens=7,
    reasoning_tokens=8,
    estimated_tokens=9,
    duration_ms=10,
    costs=[pb.Money(currency="EUR", amount="11.5")],
    unpriced_tokens=12,
)


def test_what_came_together_is_told_to_its_user_by_what_came_of_it() -> None:
    assert len(TOLD.ListFields()) == len(TOLD.DESCRIPTOR.fields)
    key_id, day = new_id(), date(2026, 11, 3)
    row = UsageRow(SUMS, day=day, model="m", key_id=key_id, metered=True, purpose="title")
    assert None not in astuple(row)
    assert report_to_proto(Report(DAYS, [row, UsageRow(SUMS)], SUMS)) == pb.GetUsageResponse(
        **{"from": "2026-11-01"},
        to="2026-11-27",
        items=[
            pb.UsageItem(
                day="2026-11-03",
                model="m",
                key_id=str(key_id),
                operators=True,
                purpose="title",
                sums=TOLD,
            ),
            pb.UsageItem(sums=TOLD),
        ],
        total=TOLD,
    )


def test_what_came_together_is_told_to_admins_by_what_came_of_it() -> None:
    tenant_id, user_id, day = new_id(), new_id(), date(2026, 11, 3)
    row = TenantsRow(SUMS, tenant_id=tenant_id, user_id=user_id, model="m", day=day)
    assert None not in astuple(row)
    told = tenants_to_proto(DAYS, [row, TenantsRow(SUMS)], "next")
    assert told == pb.ListTenantsUsageResponse(
        **{"from": "2026-11-01"},
        to="2026-11-27",
        items=[
            pb.TenantsUsageItem(
                tenant_id=str(tenant_id),
                user_id=str(user_id),
                model="m",
                day="2026-11-03",
                sums=TOLD,
            ),
            pb.TenantsUsageItem(sums=TOLD),
        ],
        next_cursor="next",
    )
