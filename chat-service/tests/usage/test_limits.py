"""Limits on a real database: who is held to what, until when, and by how much it may be passed."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.errors import AppError
from chassis.ids import new_id
from chassis.testing import Signer
from chat_service.answer.domain.ending import Usage
from chat_service.providers.domain.connection import Connection
from chat_service.runs.domain.admission import NewRun, Question
from chat_service.runs.domain.limits import Limits
from chat_service.runs.store.runs import Runs
from chat_service.runs.usecases.accept import new_run
from chat_service.usage.domain.errors import UsageLimitReached
from chat_service.usage.domain.periods import Period
from chat_service.usage.domain.rules import ANY, Amount, GivenRules, Limit, Price, Rules
from chat_service.usage.domain.spent import Purpose, Tokens
from chat_service.usage.domain.standing import State
from chat_service.usage.usecases.meter import Meter
from chat_service.usage.usecases.report import Allowance, ReadLimits
from servicekit.generation_parameters import GenerationParameters

# `Chat` of conftest.py, which a test module has no name for.
Chat = Any

PRICES = (Price("*", Decimal(1), Decimal(1), Decimal(1)),)
HOUSE = new_id()
NOON = datetime(2026, 2, 28, 12, tzinfo=UTC)


def of(amount: int | str | None, soft: int | str | None = None) -> Amount:
    return Amount(
        None if soft is None else Decimal(soft), None if amount is None else Decimal(amount)
    )


def limited(*limits: Limit) -> Rules:
    return Rules("USD", PRICES, limits)


def house(chat: Chat, **changes: Any) -> Chat:
    """Over a connection that the operator pays for."""
    return replace(
        chat, connection=replace(chat.connection, key_id=HOUSE, owner="operator", **changes)
    )


async def spend(chat: Chat, who: Caller, tokens: int, at: datetime = NOON) -> None:
    run = (await chat.accept(who, None)).run
    usage = Usage(prompt_tokens=tokens, completion_tokens=0)
    assert await chat.turns.end(run, replace(chat.ending, usage=usage), at)


async def asks(chat: Chat, who: Caller, at: datetime = NOON) -> None:
    """A question, as if it were then; raises what it is refused with."""
    question = Question(None, "x", None, None, GenerationParameters())
    new: NewRun = replace(new_run(chat.means(None), who, question, chat.connection), created_at=at)
    async with chat.open_transaction(who) as transaction:
        await transaction.lock_owner()
        await Runs(transaction).admit(new, chat.means(None).window, 1000)


async def refusal(chat: Chat, who: Caller, at: datetime = NOON) -> UsageLimitReached:
    with pytest.raises(UsageLimitReached) as refused:
        await asks(chat, who, at)
    return refused.value


async def test_who_has_used_up_the_day_is_told_how_much_and_until_when(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    chat = house(chat.under(limited(Limit(Period.DAY, of(100)))))
    await spend(chat, caller, 99)
    await asks(chat, caller)
    await spend(chat, caller, 5)
    error = await refusal(chat, caller)
    assert error.metadata == {
        "period": "day",
        "used": "104",
        "allowed": "100",
        "resets_at": "2026-03-01T00:00:00Z",
    }
    assert error.retry_after == 12 * 3600 + 1
    # Nobody else is kept out, nor they themselves from the next day on.
    await asks(chat, stranger)
    await asks(chat, caller, NOON + timedelta(hours=12))


async def test_a_month_ends_with_its_last_day_in_utc(chat: Chat, caller: Caller) -> None:
    chat = house(chat.under(limited(Limit(Period.MONTH, of(100)))))
    await spend(chat, caller, 60, datetime(2026, 2, 1, tzinfo=UTC))
    await spend(chat, caller, 500, datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC))
    await asks(chat, caller)
    await spend(chat, caller, 40, datetime.fromisoformat("2026-03-01T01:59:59+02:00"))
    last = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
    error = await refusal(chat, caller, last)
    assert (error.metadata["used"], error.metadata["period"]) == ("100", "month")
    assert error.metadata["resets_at"] == "2026-03-01T00:00:00Z"
    assert error.retry_after == 2
    await asks(chat, caller, last + timedelta(seconds=1))


async def test_cost_is_held_to_as_tokens_are(chat: Chat, caller: Caller) -> None:
    chat = house(chat.under(limited(Limit(Period.DAY, cost=of("0.0001")))))
    await spend(chat, caller, 99)
    await asks(chat, caller)
    await spend(chat, caller, 1)
    assert (await refusal(chat, caller)).metadata == {
        "period": "day",
        "used_cost": "0.0001",
        "allowed_cost": "0.0001",
        "currency": "USD",
        "resets_at": "2026-03-01T00:00:00Z",
    }


async def test_the_cost_of_a_month_is_held_to_and_that_of_another_day_is_not_todays(
    chat: Chat, caller: Caller
) -> None:
    of_a_day = house(chat.under(limited(Limit(Period.DAY, cost=of("0.0001")))))
    of_a_month = house(chat.under(limited(Limit(Period.MONTH, cost=of("0.0001")))))
    await spend(of_a_month, caller, 60, NOON - timedelta(days=1))
    await spend(of_a_month, caller, 39)
    await asks(of_a_month, caller)
    await spend(of_a_month, caller, 1)
    refused = (await refusal(of_a_month, caller)).metadata
    assert (refused["period"], refused["used_cost"]) == ("month", "0.0001")
    await asks(of_a_day, caller)


async def test_what_was_spent_in_another_currency_is_not_added_up(
    chat: Chat, caller: Caller
) -> None:
    for period in Period:
        rules = limited(Limit(period, cost=of("0.0001")))
        before, now = (house(chat.under(replace(rules, currency=one))) for one in ("JPY", "USD"))
        await spend(before, caller, 100)
        await refusal(before, caller)
        await asks(now, caller)


async def test_of_both_periods_the_one_that_ends_later_is_told(chat: Chat, caller: Caller) -> None:
    rules = limited(Limit(Period.DAY, of(10)), Limit(Period.MONTH, of(10)))
    # A connection's own allowance comes behind both: another connection would help nobody.
    chat = house(chat.under(rules), daily_tokens=10)
    await spend(chat, caller, 10)
    assert (await refusal(chat, caller)).metadata["period"] == "month"


async def test_ones_own_connection_is_free_of_limits_unless_they_say_otherwise(
    chat: Chat, caller: Caller
) -> None:
    for own in (False, True):
        rules = limited(Limit(Period.DAY, of(100), own=own))
        mine = chat.under(rules)
        await spend(mine, caller, 100)
        await asks(house(mine), caller) if not own else await refusal(house(mine), caller)
        await asks(mine, caller) if not own else await refusal(mine, caller)


async def test_of_each_period_the_first_that_is_a_users_holds(
    chat: Chat, caller: Caller, stranger: Caller, signer: Signer
) -> None:
    admin = signer.caller(tenant_id=caller.tenant_id, role="tenant_admin")
    other_tenant = signer.caller()
    rules = limited(
        Limit(Period.DAY, of(1000), users=frozenset({caller.user_id})),
        Limit(Period.DAY, ANY, roles=frozenset({"tenant_admin"})),
        Limit(Period.DAY, of(10), tenants=frozenset({caller.tenant_id})),
    )
    chat = house(chat.under(rules))
    for who in (caller, stranger, admin, other_tenant):
        await spend(chat, who, 500)
    for who in (caller, admin, other_tenant):
        await asks(chat, who)
    await refusal(chat, stranger)


async def test_two_hundred_twenty_at_a_time_pass_it_by_no_more_than_was_going_on(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    chat = house(chat.under(limited(Limit(Period.DAY, of(500)), Limit(Period.MONTH, of(800)))))
    at_once = asyncio.Semaphore(20)
    limits = Limits(runs_per_user=1_000)
    usage = replace(chat.ending, usage=Usage(prompt_tokens=6, completion_tokens=4))

    async def ask() -> bool:
        async with at_once:
            try:
                run = (await chat.accept(caller, None, limits=limits)).run
            except UsageLimitReached:
                return False
            assert await chat.finish(run, usage)
            return True

    answered = await asyncio.gather(*[ask() for _ in range(200)])
    async with chat.app.transaction(caller) as connection:
        total = await connection.scalar(
            text("SELECT sum(prompt_tokens + completion_tokens) FROM usage_days")
        )
    assert total == sum(answered) * 10
    # The last to be let in saw less than 500, and nineteen others were under way.
    assert 500 <= total < 500 + 20 * 10
    assert (await chat.accept(stranger, None, limits=limits)).run


async def test_asides_and_tests_count_and_are_refused_as_answers_are(
    chat: Chat, caller: Caller
) -> None:
    rules = GivenRules(limited(Limit(Period.DAY, of(10))))
    meter = Meter(chat.open_transaction, rules)
    connection = house(chat).connection
    await meter.check(caller, connection)
    await meter.count(caller, connection, "m", Purpose.TITLE, Tokens(6, 4))
    with pytest.raises(UsageLimitReached):
        await meter.check(caller, connection)
    await meter.check(caller, chat.connection)


async def test_a_connection_to_fall_back_to_is_held_to_the_same(chat: Chat, caller: Caller) -> None:
    rules = limited(Limit(Period.DAY, of(10), roles=frozenset({"user"})))
    mine, theirs = chat.under(rules), house(chat.under(rules))
    run = (await mine.accept(caller, None)).run
    assert await mine.turns.may_use(run, theirs.connection)
    await spend(theirs, caller, 10, datetime.now(UTC))
    assert not await mine.turns.may_use(run, theirs.connection)
    assert await mine.turns.may_use(replace(run, role="operator"), theirs.connection)
    assert await mine.turns.may_use(run, mine.connection)


async def test_a_run_that_is_under_way_goes_on_beyond_it(chat: Chat, caller: Caller) -> None:
    chat = house(chat.under(limited(Limit(Period.DAY, of(10)))))
    run = (await chat.accept(caller, None)).run
    await spend(chat, caller, 50, datetime.now(UTC))
    assert await chat.finish(run)


def reading(chat: Chat, rules: Rules, *allowances: Allowance) -> ReadLimits:
    async def listed() -> list[Allowance]:
        return list(allowances)

    return ReadLimits(chat.open_transaction, GivenRules(rules), listed)


async def test_what_is_left_and_until_when_is_told_of_limits_and_allowances(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    rules = limited(
        Limit(Period.DAY, of(100, soft=80), of(None, soft="0.00005")),
        Limit(Period.MONTH, of(1000), own=True),
    )
    theirs, mine = house(chat.under(rules), daily_tokens=90), chat.under(rules)
    await spend(theirs, caller, 90)
    await spend(mine, caller, 30)
    await spend(theirs, caller, 40, NOON - timedelta(days=1))
    connection: Connection = theirs.connection
    read = reading(chat, rules, Allowance(connection.key_id, "house", 90))
    day, month, allowance = await read(caller, NOON)
    assert (day.period, day.own, day.resets_at) == (
        *(Period.DAY, False, datetime(2026, 3, 1, tzinfo=UTC)),
    )
    tokens, cost = day.measures
    assert (tokens.used, tokens.left, tokens.state) == (Decimal(90), Decimal(10), State.SOFT)
    assert (cost.used, cost.left, cost.state) == (Decimal("0.00009"), None, State.SOFT)
    assert (month.measures[0].used, month.measures[0].left) == (Decimal(160), Decimal(840))
    assert (allowance.key_id, allowance.key_name) == (connection.key_id, "house")
    assert (allowance.measures[0].used, allowance.measures[0].state) == (Decimal(90), State.USED_UP)
    # And what is told is what is held to.
    with pytest.raises(AppError) as refused:
        await asks(theirs, caller)
    assert (refused.value.reason, refused.value.metadata["used"]) == ("ALLOWANCE_USED_UP", "90")
    fresh = await read(stranger, NOON)
    assert [one.measures[0].used for one in fresh] == [0, 0, 0]


async def test_without_rules_there_is_nothing_to_tell(chat: Chat, caller: Caller) -> None:
    assert await reading(chat, Rules())(caller) == []


def test_the_longest_beginning_says_what_a_model_costs() -> None:
    def price(model: str, amount: int) -> Price:
        return Price(model, Decimal(amount), Decimal(amount), Decimal(amount))

    rules = Rules("USD", (price("a*", 1), price("a-b*", 2), price("a-b-c", 3), price("*", 9)))
    found = {
        model: of_it.prompt
        for model in ("a", "a-x", "a-b", "a-b-x", "a-b-c", "b")
        if (of_it := rules.price_of(model))
    }
    assert found == {"a": 1, "a-x": 1, "a-b": 2, "a-b-x": 2, "a-b-c": 3, "b": 9}
    assert Rules("USD", (price("a", 1),)).price_of("ab") is None
