"""Sums of tenants on a real database: by user, day and model, in pages, and with those who are gone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.caller import Caller
from chassis.errors import Forbidden, ValidationFailed
from chassis.ids import new_id
from chassis.testing import Signer
from chat_service.answer.domain.ending import Usage
from chat_service.usage.domain.report import Days, TenantsBy, TenantsRow
from chat_service.usage.store.erasure import forget_usage
from chat_service.usage.store.tenants import TenantsUsage
from chat_service.usage.usecases.tenants import ReadTenantsUsage

# `Chat` of conftest.py, which a test module has no name for.
Chat = Any

NOW = datetime(2026, 5, 31, 12, tzinfo=UTC)


async def spend(chat: Chat, who: Caller, tokens: int, *, days: int = 0, model: str = "m") -> None:
    run = (await chat.accept(who, None, model=model)).run
    usage = Usage(prompt_tokens=tokens, completion_tokens=0)
    assert await chat.turns.end(run, replace(chat.ending, usage=usage), NOW - timedelta(days=days))


def reading(chat: Chat) -> ReadTenantsUsage:
    async def note(tenant_id: str | None, days: Days) -> UUID | None:
        return None if tenant_id is None else UUID(tenant_id)

    return ReadTenantsUsage(TenantsUsage(chat.worker), note)


async def rows(chat: Chat, who: Caller, by: TenantsBy, **changes: Any) -> list[TenantsRow]:
    """All of them, in pages of two."""
    found: list[TenantsRow] = []
    cursor = ""
    while True:
        asked = {
            "first": None,
            "last": None,
            "tenant_id": None,
            "only_metered": False,
            "limit": 2,
            "now": NOW,
            **changes,
        }
        _, page = await reading(chat)(who, by=by, cursor=cursor, **asked)
        found += page.items
        cursor = page.next_cursor
        if not cursor:
            return found


@pytest.fixture
def house(chat: Chat) -> Chat:
    return replace(chat, connection=replace(chat.connection, key_id=new_id(), owner="operator"))


async def test_sums_are_told_apart_as_asked_and_pages_leave_nothing_out(
    chat: Chat, house: Chat, caller: Caller, stranger: Caller, signer: Signer
) -> None:
    other = signer.caller()
    operator = signer.caller(role="operator")
    await spend(house, caller, 10)
    await spend(house, caller, 20, days=1, model="n")
    await spend(chat, caller, 5)
    await spend(house, stranger, 40)
    await spend(house, other, 7)
    await spend(house, other, 1000, days=31)
    by_user = await rows(chat, operator, TenantsBy.USER)
    assert [(row.tenant_id, row.user_id, row.sums.tokens.total) for row in by_user] == [
        (caller.tenant_id, stranger.user_id, 40),
        (caller.tenant_id, caller.user_id, 35),
        (other.tenant_id, other.user_id, 7),
    ]
    by_day = await rows(chat, operator, TenantsBy.DAY)
    assert [(row.day, row.sums.tokens.total) for row in by_day] == [
        (NOW.date(), 62),
        (NOW.date() - timedelta(days=1), 20),
    ]
    by_model = await rows(chat, operator, TenantsBy.MODEL, only_metered=True)
    assert [(row.model, row.sums.tokens.total) for row in by_model] == [("m", 57), ("n", 20)]
    by_tenant = await rows(chat, operator, TenantsBy.TENANT)
    assert [(row.tenant_id, row.user_id, row.sums.requests) for row in by_tenant] == [
        (caller.tenant_id, None, 4),
        (other.tenant_id, None, 1),
    ]
    of_one = await rows(chat, operator, TenantsBy.USER, tenant_id=str(other.tenant_id))
    assert [row.user_id for row in of_one] == [other.user_id]


async def test_however_long_names_of_models_are_there_is_a_next_page(
    house: Chat, caller: Caller, signer: Signer
) -> None:
    names = ["模" * 200 + str(number) for number in range(5)]
    for name in names:
        await spend(house, caller, 10, model=name)
    operator = signer.caller(role="operator")
    found = await rows(house, operator, TenantsBy.MODEL)
    assert sorted(str(row.model) for row in found) == names


async def test_a_tenant_admin_sees_their_tenant_alone_whatever_is_asked(
    house: Chat, caller: Caller, signer: Signer
) -> None:
    other = signer.caller()
    admin = signer.caller(tenant_id=caller.tenant_id, role="tenant_admin")
    await spend(house, caller, 10)
    await spend(house, other, 7)
    for tenant in (None, str(other.tenant_id)):
        found = await rows(house, admin, TenantsBy.USER, tenant_id=tenant)
        assert [row.user_id for row in found] == [caller.user_id]
    with pytest.raises(Forbidden):
        await rows(house, caller, TenantsBy.USER)


async def test_a_tenants_sums_are_the_same_behind_an_erasure_and_name_nobody(
    chat: Chat, house: Chat, caller: Caller, stranger: Caller, signer: Signer
) -> None:
    admin = signer.caller(tenant_id=caller.tenant_id, role="tenant_admin")
    await spend(house, caller, 10)
    await spend(house, caller, 5, days=1)
    await spend(chat, caller, 100)
    await spend(house, stranger, 40)
    before = await rows(house, admin, TenantsBy.DAY, only_metered=True)
    await forget_usage(house.erasing(caller))
    assert await rows(house, admin, TenantsBy.DAY, only_metered=True) == before
    # What they had paid for themselves is nobody's any more.
    assert await rows(house, admin, TenantsBy.DAY) == before
    found = await rows(house, admin, TenantsBy.USER)
    assert [(row.user_id, row.sums.tokens.total) for row in found] == [
        (stranger.user_id, 40),
        (None, 15),
    ]
    # Of another one who is gone nothing is told apart from the first.
    await forget_usage(house.erasing(stranger))
    found = await rows(house, admin, TenantsBy.USER)
    assert [(row.user_id, row.sums.tokens.total) for row in found] == [(None, 55)]


@pytest.mark.parametrize("cursor", ["x", "WyJ1c2VyIiwiMSJd", "WyJkYXkiLCIxIiwieCJd"])
async def test_a_cursor_of_another_list_is_refused(
    house: Chat, signer: Signer, cursor: str
) -> None:
    admin = signer.caller(role="tenant_admin")
    with pytest.raises(ValidationFailed):
        await reading(house)(
            admin,
            first=None,
            last=None,
            by=TenantsBy.USER,
            tenant_id=None,
            only_metered=False,
            limit=2,
            cursor=cursor,
        )
