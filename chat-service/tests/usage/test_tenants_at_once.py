"""The sums of tenants: one at a time, and nobody waits for them without a bound."""

from typing import Any

import pytest

from chassis.bulkhead import Bulkhead
from chassis.clock import utc_now
from chassis.db.errors import DatabaseBusy
from chassis.ids import new_id
from chat_service.usage.domain.report import Days, TenantsBy
from chat_service.usage.store.tenants import TenantsUsage

# `Chat` of conftest.py, which a test module has no name for.
Chat = Any


async def test_sums_of_tenants_are_asked_for_within_a_bound(chat: Chat) -> None:
    async def sums(usage: TenantsUsage) -> Any:
        today = utc_now().date()
        return await usage.page(
            Days(today, today),
            TenantsBy.USER,
            tenant_id=new_id(),
            only_metered=False,
            after=None,
            limit=1,
        )

    assert await sums(TenantsUsage(chat.worker)) == []
    full = Bulkhead(1, most_waiting=0, most_seconds=600, refusal=DatabaseBusy)
    with pytest.raises(DatabaseBusy):
        await sums(TenantsUsage(chat.worker, full))
