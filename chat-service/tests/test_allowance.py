"""What an operator's connection has cost each user, on a real database: counted once, and held."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.address_policy import AddressPolicy
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import AppError
from chassis.idempotency import RequestKey
from chassis.ids import new_id
from chassis.testing import ModelServer
from chat_service.answer.domain.ending import Ending, Fallback, FellBack, RunStatus, Usage
from chat_service.connections.usecases.limit import TrialLimit
from chat_service.connections.usecases.trial import ConnectionTest
from chat_service.prompt.room import ContextWindow
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.trying import MOST_TOKENS, ModelServers
from chat_service.runs.domain.admission import RepeatedRequest
from chat_service.runs.domain.limits import Limits
from chat_service.runs.store.runs import Runs
from chat_service.runs.usecases.go_on import ContinueRun
from chat_service.runs.usecases.read import get_run_with_messages
from chat_service.usage.domain.errors import AllowanceUsedUp
from chat_service.usage.store.erasure import UsageSweep, forget_usage
from chat_service.usage.usecases.meter import Meter

from .generations import Generations

# `Chat` of conftest.py, which a test module has no name for.
Chat = Any

_ADD = text(
    "INSERT INTO usage_days (tenant_id, user_id, key_id, day, provider, model, purpose, currency,"
    " metered, prompt_tokens)"
    " VALUES (:tenant_id, :user_id, :key_id, (now() AT TIME ZONE 'UTC')::date - :days, 'openai',"
    " 'm', 'answer', '', true, :tokens)"
)


def operators(daily_tokens: int | None = None) -> Connection:
    return Connection(
        key_id=new_id(),
        name="for everybody",
        api_key="sk-of-the-operator",
        model="m",
        base_url="https://example.com/v1",
        provider="openai",
        owner="operator",
        daily_tokens=daily_tokens,
    )


def over(chat: Chat, connection: Connection) -> Chat:
    return replace(chat, connection=connection)


async def spent(chat: Chat, caller: Caller) -> dict[UUID, int]:
    """What the caller has spent in all, by connection."""
    async with chat.app.transaction(caller) as connection:
        query = text(
            "SELECT key_id, sum(prompt_tokens + completion_tokens)::bigint AS tokens"
            " FROM usage_days WHERE metered GROUP BY 1"
        )
        return {row.key_id: row.tokens for row in await connection.execute(query)}


async def spend(chat: Chat, caller: Caller, key_id: UUID, tokens: int, days: int = 0) -> None:
    """As if `tokens` had been spent so many days ago."""
    row = {"tenant_id": caller.tenant_id, "user_id": caller.user_id, "key_id": key_id}
    async with chat.app.transaction(caller) as connection:
        await connection.execute(_ADD, {**row, "days": days, "tokens": tokens})


async def test_an_answer_counts_once_whoever_ends_it_how_often(chat: Chat, caller: Caller) -> None:
    chat = over(chat, operators())
    run = (await chat.accept(caller, None)).run
    assert await chat.finish(run)
    assert not await chat.finish(run)
    assert not await chat.finish(replace(run, epoch=2))
    assert await spent(chat, caller) == {chat.connection.key_id: 5}


async def test_of_a_run_that_was_taken_over_the_taker_counts_and_not_the_owner_before(
    chat: Chat, caller: Caller
) -> None:
    chat = over(chat, operators())
    run = (await chat.accept(caller, None)).run
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE runs SET epoch = 2 WHERE id = :id"), {"id": run.id})
    assert not await chat.finish(run)
    assert await spent(chat, caller) == {}
    usage = Usage(prompt_tokens=30, completion_tokens=12)
    assert await chat.finish(replace(run, epoch=2), replace(chat.ending, usage=usage))
    assert await spent(chat, caller) == {chat.connection.key_id: 42}


async def test_what_a_user_pays_for_is_in_nobodys_allowance(chat: Chat, caller: Caller) -> None:
    assert await chat.finish((await chat.accept(caller, None)).run)
    assert await spent(chat, caller) == {}


async def test_without_the_providers_count_four_bytes_are_a_token(
    chat: Chat, caller: Caller
) -> None:
    chat = over(chat, operators())
    silent = replace(chat.ending, usage=None, text="é" * 10, reasoning="abc")
    session = await chat.session(caller)
    run = (await chat.accept(caller, session.id, "a" * 20)).run
    assert await chat.finish(run, silent)
    # 20 bytes of the question, 20 and 3 of the answer: 10.75 tokens.
    assert (await spent(chat, caller)).popitem()[1] == 11
    run = (await chat.accept(caller, session.id, "b" * 8)).run
    assert await chat.finish(run, replace(silent, text="c" * 4, reasoning=""))
    # What stood before was shown again: 20 and 20 bytes, then 8 and 4.
    assert (await spent(chat, caller)).popitem()[1] == 11 + 13


async def test_an_estimate_is_of_what_fits_the_window(chat: Chat, caller: Caller) -> None:
    chat = over(chat, operators())
    session = await chat.session(caller)
    for _ in range(3):
        run = (await chat.accept(caller, session.id, "a" * 40)).run
        assert await chat.finish(run, replace(chat.ending, text="b" * 40))
    before = (await spent(chat, caller)).popitem()[1]
    window = ContextWindow(pairs=10, characters=130)
    run = (await chat.accept(caller, session.id, "c" * 40, window=window)).run
    assert await chat.finish(run, replace(chat.ending, usage=None, text="d" * 40))
    # The question, and of what is before it the one pair that has room with it.
    after = (await spent(chat, caller)).popitem()[1]
    assert after - before == (40 + 80 + 40) // 4
    chat.turns._window = ContextWindow(pairs=10, characters=100)
    run = (await chat.accept(caller, session.id, "c" * 40)).run
    # Another replica ends it, which does not know what it was given.
    lost = replace(run, context=None)
    assert await chat.finish(lost, replace(chat.ending, usage=None, text="d" * 40))
    # The question, and of what is before it the one answer that has room with it.
    assert (await spent(chat, caller)).popitem()[1] - after == (40 + 40 + 40) // 4


async def test_an_estimate_of_another_replica_counts_what_the_model_is_told_first(
    chat: Chat, caller: Caller
) -> None:
    chat = over(chat, operators())
    session = await chat.session(caller, instructions="i" * 20)
    async with chat.worker.transaction() as connection:
        await connection.execute(
            text("UPDATE sessions SET persona = 'Muse', persona_prompt = repeat('p', 40)")
        )
    run = (await chat.accept(caller, session.id, "c" * 40)).run
    lost = replace(run, context=None)
    assert await chat.finish(lost, replace(chat.ending, usage=None, text="d" * 40))
    assert (await spent(chat, caller)).popitem()[1] == (40 + 20 + 40 + 40) // 4


@pytest.mark.parametrize(
    ("status", "answer", "tokens"),
    [
        (RunStatus.FAILED, "", 0),
        (RunStatus.FAILED, "half", 3),
        (RunStatus.CANCELLED, "", 2),
        (RunStatus.INTERRUPTED, "half", 3),
    ],
)
async def test_a_prompt_that_was_sent_counts_and_a_failure_before_the_first_word_does_not(
    chat: Chat, caller: Caller, status: RunStatus, answer: str, tokens: int
) -> None:
    chat = over(chat, operators())
    run = (await chat.accept(caller, None, "question")).run
    assert await chat.finish(run, Ending(status, "REASON", None, answer, "", None, 2))
    assert await spent(chat, caller) == {chat.connection.key_id: tokens}


async def test_who_has_used_up_the_days_tokens_is_told_how_many_and_until_when(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    chat = over(chat, operators(daily_tokens=100))
    key_id = chat.connection.key_id
    session = await chat.session(caller)
    await spend(chat, caller, key_id, 1_000, days=1)
    await spend(chat, caller, new_id(), 1_000)
    await spend(chat, caller, key_id, 99)
    await chat.turn(caller, session.id)  # 5 more
    for session_id in (session.id, None):
        before = utc_now()
        with pytest.raises(AllowanceUsedUp) as refused:
            await chat.accept(caller, session_id)
        error = refused.value
        midnight = datetime.combine(before.date() + timedelta(days=1), datetime.min.time(), UTC)
        if utc_now() >= midnight:
            pytest.skip("the day ended meanwhile")
        assert error.metadata == {
            "used": "104",
            "allowed": "100",
            "resets_at": midnight.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        assert error.retry_after is not None
        assert 0 < error.retry_after - (midnight - utc_now()).total_seconds() < 60
    # Nothing was stored, nobody else is kept out, and a connection of one's own is open.
    assert len(await chat.messages(caller, session.id)) == 2
    assert (await chat.accept(stranger, None)).run
    assert (await over(chat, operators(daily_tokens=None)).accept(caller, None)).run


async def test_a_repeated_question_gets_its_run_although_the_day_is_used_up(
    chat: Chat, caller: Caller
) -> None:
    chat = over(chat, operators(daily_tokens=1))
    request = RequestKey("key", b"hash")
    run = (await chat.accept(caller, None, request=request)).run
    assert await chat.finish(run)
    with pytest.raises(RepeatedRequest) as repeated:
        await chat.accept(caller, None, request=request)
    assert repeated.value.run.id == run.id


async def test_an_answer_is_not_gone_on_with_beyond_the_days_tokens(
    chat: Chat, caller: Caller
) -> None:
    chat = over(chat, operators(daily_tokens=4))
    run = (await chat.accept(caller, None)).run
    cut = replace(chat.ending, status=RunStatus.INTERRUPTED, reason="IDLE_TIMEOUT")
    assert await chat.finish(run, cut)

    class Nobody:
        draining = False

    go_on = ContinueRun(chat.means(Nobody()))
    with pytest.raises(AllowanceUsedUp):
        await go_on(caller, run.id, None)


async def test_what_a_continuation_costs_is_in_the_days_tokens_as_well(
    chat: Chat, caller: Caller
) -> None:
    cut = replace(chat.ending, status=RunStatus.INTERRUPTED, reason="IDLE_TIMEOUT")
    # Its user has paid for what there is of it.
    run = (await chat.accept(caller, None)).run
    assert await chat.finish(run, cut)
    chat = over(chat, operators(daily_tokens=100))
    continued = await ContinueRun(chat.means(Generations()))(caller, run.id, None)
    assert await chat.finish(continued, replace(cut, usage=Usage(60, 40)))
    assert await spent(chat, caller) == {chat.connection.key_id: 100}
    with pytest.raises(AllowanceUsedUp):
        await ContinueRun(chat.means(Generations()))(caller, continued.id, None)


async def test_two_hundred_in_parallel_pass_it_by_no_more_than_was_going_on(
    chat: Chat, caller: Caller
) -> None:
    chat = over(chat, operators(daily_tokens=500))
    at_once = asyncio.Semaphore(20)
    limits = Limits(runs_per_user=1_000)
    usage = replace(chat.ending, usage=Usage(prompt_tokens=6, completion_tokens=4))

    async def ask() -> bool:
        async with at_once:
            try:
                run = (await chat.accept(caller, None, limits=limits)).run
            except AllowanceUsedUp:
                return False
            assert await chat.finish(run, usage)
            return True

    answered = await asyncio.gather(*[ask() for _ in range(200)])
    total = (await spent(chat, caller))[chat.connection.key_id]
    assert total == sum(answered) * 10
    # The last to be let in saw less than 500, and nineteen others were under way.
    assert 500 <= total < 500 + 20 * 10
    with pytest.raises(AllowanceUsedUp):
        await chat.accept(caller, None, limits=limits)


async def test_the_connection_that_answered_is_on_run_and_message_and_pays(
    chat: Chat, caller: Caller
) -> None:
    first, second, third = chat.connection, operators(), operators()
    run = (await chat.accept(caller, None, model="asked-for")).run
    steps = tuple(
        Fallback(one.key_id, reason, other.key_id, "anthropic", other.model, other.metered)
        for one, other, reason in [
            (first, second, "PROVIDER_OVERLOADED"),
            (second, third, "PROVIDER_RATE_LIMITED"),
        ]
    )
    assert await chat.finish(run, replace(chat.ending, fallbacks=steps))
    found = await get_run_with_messages(chat.open_transaction, caller, run.id)
    told = FellBack(first.key_id, "PROVIDER_OVERLOADED")
    assert found.answer is not None
    assert (found.run.provider, found.run.model, found.run.fell_back) == ("anthropic", "m", told)
    assert (found.answer.provider, found.answer.model, found.answer.fell_back) == (
        "anthropic",
        "m",
        told,
    )
    assert found.run.key_id == third.key_id
    assert await spent(chat, caller) == {third.key_id: 5}


async def test_a_continuation_asks_another_connection_for_no_model_of_the_first(
    chat: Chat, caller: Caller
) -> None:
    begun: list[str] = []

    class Generator:
        draining = False

        def begin(self, run: Any, *_: Any, **__: Any) -> None:
            begun.append(run.model)

    first, second = chat.connection, operators()
    go_on = ContinueRun(chat.means(Generator()))
    cut = replace(chat.ending, status=RunStatus.INTERRUPTED, reason="IDLE_TIMEOUT")
    fallback = Fallback(first.key_id, "PROVIDER_BUSY", second.key_id, "openai", "other's", True)
    for fallbacks, model in (((), "asked-for"), ((fallback,), first.model)):
        run = (await chat.accept(caller, None, model="asked-for")).run
        assert await chat.finish(run, replace(cut, fallbacks=fallbacks))
        # Its session keeps no model of its own here.
        async with chat.worker.transaction() as connection:
            await connection.execute(text("UPDATE sessions SET model = NULL"))
        await go_on(caller, run.id, None)
        assert begun.pop() == model


async def test_it_goes_with_its_user_and_with_nobody_else(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    chat = over(chat, operators())
    for who in (caller, stranger):
        assert await chat.finish((await chat.accept(who, None)).run)
        for days in range(1, 4):
            await spend(chat, who, new_id(), 7, days=days)
    await forget_usage(chat.erasing(caller))
    assert await spent(chat, caller) == {}
    assert len(await spent(chat, stranger)) == 4


async def test_it_is_kept_for_400_days(chat: Chat, caller: Caller) -> None:
    kept, old = new_id(), new_id()
    await spend(chat, caller, kept, 1, days=400)
    await spend(chat, caller, old, 1, days=402)
    await UsageSweep(chat.worker).sweep()
    assert await spent(chat, caller) == {kept: 1}


async def test_nobody_sees_or_changes_what_others_spend(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    await spend(chat, caller, new_id(), 1)
    assert await spent(chat, stranger) == {}
    async with chat.app.transaction(stranger) as connection:
        touched = await connection.execute(text("UPDATE usage_days SET cost = 0"))
        assert touched.rowcount == 0


async def test_a_refused_question_says_its_own_run_first(chat: Chat, caller: Caller) -> None:
    chat = over(chat, operators(daily_tokens=0))
    session = await chat.session(caller)
    own = over(chat, replace(chat.connection, owner="user", daily_tokens=None))
    await own.accept(caller, session.id)
    with pytest.raises(AppError) as refused:
        await chat.accept(caller, session.id)
    assert refused.value.reason == "RUN_IN_PROGRESS"
    async with chat.open_transaction(caller) as transaction:
        newest = await Runs(transaction).find_newest(session.id)
    assert newest is not None
    assert refused.value.metadata == {"run_id": str(newest.id)}


async def test_a_try_counts_as_an_answer_does_and_is_refused_when_nothing_is_left(
    chat: Chat, caller: Caller, provider: ModelClient, model_server: ModelServer
) -> None:
    servers = ModelServers(provider, AddressPolicy([]))
    test = ConnectionTest(servers, TrialLimit(), Meter(chat.open_transaction))
    house = replace(operators(100), model="tokens-20", base_url=model_server.base_url)
    mine = replace(house, owner="user", daily_tokens=None)

    async def tried(connection: Connection) -> bool:
        async def connect() -> Connection:
            return connection

        return (await test(caller, connect)).ok

    assert await tried(house)
    assert await spent(chat, caller) == {house.key_id: MOST_TOKENS}
    # A failure before the first word costs nothing, and what is one's own is not counted.
    assert not await tried(replace(house, model="status-500"))
    assert await tried(mine)
    assert await spent(chat, caller) == {house.key_id: MOST_TOKENS}
    with pytest.raises(AllowanceUsedUp) as error:
        await tried(replace(house, daily_tokens=MOST_TOKENS))
    told = error.value.metadata
    assert told["used"] == told["allowed"] == str(MOST_TOKENS)
    assert error.value.retry_after is not None
