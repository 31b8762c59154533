"""The ledger on a real database: what each answer adds to it, and that it does so once."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.ids import new_id
from chassis.testing import Signer
from chat_service.answer.domain.ending import CacheState, Ending, Fallback, RunStatus, Usage
from chat_service.conversations.usecases.ends import EndSessions
from chat_service.runs.domain.limits import Limits
from chat_service.runs.store.deleted import forget_deleted_runs
from chat_service.runs.store.ends import END_RUNS_OF_SESSIONS, RunEnds
from chat_service.runs.store.left_of_erased import LeftOfErased
from chat_service.runs.usecases.finish import finish_run
from chat_service.shares.store.shares import end_shares_of
from chat_service.usage.domain.report import By, Days, Report
from chat_service.usage.domain.rules import Price, Rules
from chat_service.usage.domain.spent import Cost, Sums
from chat_service.usage.store.days import UsageDays
from chat_service.usage.store.erasure import KEPT_DAYS, UsageSweep, forget_usage
from chat_service.usage.store.ledger import MOST_MODELS_A_DAY, NO_MODEL
from chat_service.usage.usecases.report import report_usage

# `Chat` of conftest.py, which a test module has no name for.
Chat = Any

PRICES = Rules(
    "USD",
    prices=(
        Price("m*", Decimal(2), Decimal(10), Decimal("0.5")),
        Price("mine", Decimal(1), Decimal(1), Decimal(1)),
    ),
)
USAGE = Usage(prompt_tokens=1000, completion_tokens=200, cached_tokens=400, reasoning_tokens=50)


async def told(chat: Chat, whose: Caller, *by: By) -> Report:
    return await report_usage(chat.open_transaction, whose, first=None, last=None, by=by)


async def summed(chat: Chat, whose: Caller) -> Sums:
    return (await told(chat, whose)).total


async def answered(chat: Chat, whose: Caller, *, at: datetime, usage: Usage = USAGE) -> None:
    """A question of whenever, whose answer ends at `at`."""
    run = (await chat.accept(whose, None)).run
    assert await chat.turns.end(run, replace(chat.ending, usage=usage), at)


async def test_an_answer_adds_its_tokens_its_time_its_outcome_and_its_cost(
    chat: Chat, caller: Caller
) -> None:
    chat = chat.under(PRICES)
    run = (await chat.accept(caller, None, model="m-large")).run
    at = run.created_at + timedelta(seconds=1.5)
    assert await chat.turns.end(run, replace(chat.ending, usage=USAGE), at)
    (row,) = (await told(chat, caller, *By)).rows
    assert (row.day, row.model, row.key_id, row.metered, row.purpose) == (
        at.date(),
        "m-large",
        chat.connection.key_id,
        False,
        "answer",
    )
    sums = row.sums
    assert (sums.completed, sums.failed, sums.duration_ms) == (1, 0, 1500)
    tokens = sums.tokens
    assert (tokens.prompt, tokens.completion, tokens.cached, tokens.reasoning) == (
        *(1000, 200, 400, 50),
    )
    assert tokens.estimated == 0
    # 600 at 2, 400 at 0.5 and 200 at 10, of a million.
    assert sums.costs == (Cost("USD", Decimal("0.0034")),)
    assert sums.unpriced_tokens == 0


async def test_the_days_answers_are_one_row_and_are_told_apart_by_what_differs(
    chat: Chat, caller: Caller
) -> None:
    chat = chat.under(PRICES)
    other = replace(chat, connection=replace(chat.connection, key_id=new_id(), owner="operator"))
    for one, model in ((chat, "m-1"), (chat, "m-1"), (chat, "x"), (other, "m-1")):
        run = (await one.accept(caller, None, model=model)).run
        assert await one.finish(run, replace(chat.ending, usage=USAGE))
    report = await told(chat, caller, By.MODEL, By.CONNECTION)
    assert {(row.model, row.metered): row.sums.requests for row in report.rows} == {
        ("m-1", False): 2,
        ("m-1", True): 1,
        ("x", False): 1,
    }
    # Of what has no price the cost is not known, and the tokens say of how much.
    assert report.total.costs == (Cost("USD", Decimal("0.0102")),)
    assert report.total.unpriced_tokens == 1200
    async with chat.app.transaction(caller) as connection:
        assert await connection.scalar(text("SELECT count(*) FROM usage_days")) == 3


async def test_models_beyond_so_many_of_a_day_are_one(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    async def used(whose: Caller, *models: str, by: int = 0) -> dict[str, int]:
        for model in models:
            run = (await chat.accept(whose, None, model=model)).run
            at = run.created_at + timedelta(days=by)
            assert await chat.turns.end(run, replace(chat.ending, usage=USAGE), at)
        async with chat.app.transaction(whose) as connection:
            found = await connection.execute(
                text("SELECT model, sum(completed) FROM usage_days GROUP BY model")
            )
            return {model: int(count) for model, count in found}

    async with chat.app.transaction(caller) as connection:
        await connection.execute(
            text(
                "INSERT INTO usage_days (tenant_id, user_id, day, key_id, provider, model, purpose,"
                " currency, metered) SELECT :tenant_id, :user_id, :day, :key_id, 'openai', 'm-' || n,"
                " 'answer', '', false FROM generate_series(1, :most) AS n"
            ),
            {
                "tenant_id": caller.tenant_id,
                "user_id": caller.user_id,
                "day": datetime.now(UTC).date(),
                "key_id": chat.connection.key_id,
                "most": MOST_MODELS_A_DAY - 1,
            },
        )
    told = await used(caller, "one more", "invented-1", "invented-2", "m-1", "one more")
    assert told["one more"] == 2
    assert told["m-1"] == 1
    assert told[NO_MODEL] == 2
    assert len(told) == MOST_MODELS_A_DAY + 1
    # Another day has room, and so has somebody else.
    assert (await used(caller, "invented-1", by=1))["invented-1"] == 1
    assert await used(stranger, "invented-1") == {"invented-1": 1}


@pytest.mark.parametrize(
    ("status", "text_", "expected"),
    [
        (RunStatus.COMPLETED, "an answer", 5),
        (RunStatus.CANCELLED, "half", 4),
        (RunStatus.INTERRUPTED, "", 3),
        (RunStatus.FAILED, "", 0),
        (RunStatus.FAILED, "half", 4),
    ],
)
async def test_what_nobody_counts_is_estimated_and_says_so(
    chat: Chat, caller: Caller, status: RunStatus, text_: str, expected: int
) -> None:
    run = (await chat.accept(caller, None, "ten bytes.")).run
    assert await chat.finish(run, Ending(status, None, None, text_, "", None, 2))
    sums = await summed(chat, caller)
    assert sums.tokens.total == sums.tokens.estimated == expected
    assert getattr(sums, status.value) == sums.requests == 1


@pytest.mark.parametrize(
    ("reason", "finish_reason"), [("ANSWER_FILTERED", None), ("PROVIDER_EMPTY", "stop")]
)
async def test_what_a_model_has_said_is_counted_though_nobody_has_seen_it(
    chat: Chat, caller: Caller, reason: str, finish_reason: str | None
) -> None:
    run = (await chat.accept(caller, None, "ten bytes.")).run
    ending = Ending(RunStatus.FAILED, reason, finish_reason, "", "", None, 2)
    assert await chat.finish(run, ending)
    sums = await summed(chat, caller)
    assert sums.tokens.total == sums.tokens.estimated == 3


async def test_a_run_counts_once_whoever_ends_it_how_often_and_whatever_came_between(
    chat: Chat, caller: Caller
) -> None:
    """Its owner is killed between the provider's end and the ledger; and wakes, after another has ended it."""
    run = (await chat.accept(caller, None)).run
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE runs SET epoch = 2 WHERE id = :id"), {"id": run.id})
    taken = replace(run, epoch=2, context=None)
    ends = [chat.finish(taken if n % 2 else run) for n in range(6)]
    assert sum(await asyncio.gather(*ends)) == 1
    assert (await summed(chat, caller)).requests == 1
    assert not await chat.finish(run)
    assert (await summed(chat, caller)).tokens.total == 5


@pytest.mark.parametrize("how", ["for good", "all", "cleared", "purged"])
async def test_what_is_deleted_while_it_is_answered_is_counted_and_once(
    chat: Chat, caller: Caller, how: str
) -> None:
    chat = chat.under(PRICES)
    run = (await chat.accept(caller, None, model="m")).run
    ends = EndSessions(
        chat.open_transaction,
        RunEnds(),
        cancel_here=lambda _: None,
        drop=lambda _: None,
        purge=lambda: None,
        unshare=end_shares_of,
    )
    match how:
        case "for good":
            await ends.delete(caller, run.session_id, permanent=True)
        case "all":
            await ends.delete_all(caller, permanent=True)
        case "cleared":
            await ends.clear(caller, run.session_id)
        case _:
            async with chat.worker.transaction() as connection:
                sessions = {"session_ids": [run.session_id], "at": run.created_at}
                assert await END_RUNS_OF_SESSIONS.all(connection, **sessions)
    fell = Fallback(chat.connection.key_id, "PROVIDER_BUSY", new_id(), "anthropic", "m-2", True)
    ending = replace(chat.ending, usage=USAGE, fallbacks=(fell,))
    # One that was taken over knows no better.
    assert not await chat.finish(replace(run, epoch=2), ending)
    assert (await summed(chat, caller)).requests == 0
    assert not any(await asyncio.gather(*(chat.finish(run, ending) for _ in range(4))))
    (row,) = (await told(chat, caller, By.MODEL, By.CONNECTION)).rows
    assert (row.model, row.key_id, row.metered) == ("m-2", fell.key_id, True)
    assert (row.sums.requests, row.sums.tokens.total) == (1, 1200)
    assert row.sums.costs == (Cost("USD", Decimal("0.0034")),)


async def test_of_what_had_ended_before_it_was_deleted_nothing_is_counted_again(
    chat: Chat, caller: Caller
) -> None:
    ended = [(await chat.accept(caller, None)).run for _ in range(2)]
    for run in ended:
        assert await chat.finish(run)
    cleared, deleted = ended
    ends = EndSessions(
        chat.open_transaction,
        RunEnds(),
        cancel_here=lambda _: None,
        drop=lambda _: None,
        purge=lambda: None,
        unshare=end_shares_of,
    )
    await ends.clear(caller, cleared.session_id)
    await ends.delete(caller, deleted.session_id, permanent=True)
    # Its replica had not heard that the first one was committed.
    for run in ended:
        assert not await chat.finish(run)
    assert (await summed(chat, caller)).requests == 2
    async with chat.worker.transaction() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM deleted_runs")) == 0


async def test_of_an_erased_user_nothing_is_counted_any_more(chat: Chat, caller: Caller) -> None:
    run = (await chat.accept(caller, None)).run
    async with chat.worker.transaction() as connection:
        sessions = {"session_ids": [run.session_id], "at": run.created_at}
        await END_RUNS_OF_SESSIONS.all(connection, **sessions)
    await forget_deleted_runs(chat.erasing(caller))
    assert not await chat.finish(run)
    assert (await summed(chat, caller)).requests == 0


async def test_what_an_earlier_release_left_of_an_erased_user_goes(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    for whose in (caller, stranger):
        await chat.finish((await chat.accept(whose, None)).run)
    # That release marks the owner, and knows of no ledger.
    async with chat.erasing(caller).transaction():
        pass
    await LeftOfErased(chat.worker, [forget_usage]).take()
    assert (await summed(chat, caller)).requests == 0
    assert (await summed(chat, stranger)).requests == 1


async def test_an_answer_that_was_kept_costs_nothing_and_is_told_apart(
    chat: Chat, caller: Caller
) -> None:
    chat = chat.under(PRICES)
    for usage in (None, USAGE):
        run = (await chat.accept(caller, None, model="m")).run
        assert await chat.finish(run, replace(chat.ending, usage=usage, cache=CacheState.HIT))
    (row,) = (await told(chat, caller, By.PURPOSE)).rows
    assert (row.purpose, row.sums.requests, row.sums.tokens.total) == ("cached", 2, 0)


async def test_another_answer_and_one_that_goes_on_count_by_themselves(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller)
    for _ in range(3):
        await chat.turn(caller, session.id)
    assert (await summed(chat, caller)).requests == 3


async def test_the_connection_and_model_that_answered_are_counted(
    chat: Chat, caller: Caller
) -> None:
    chat = chat.under(PRICES)
    run = (await chat.accept(caller, None, model="x")).run
    other = new_id()
    fell = Fallback(chat.connection.key_id, "PROVIDER_BUSY", other, "anthropic", "m-2", True)
    assert await chat.finish(run, replace(chat.ending, usage=USAGE, fallbacks=(fell,)))
    (row,) = (await told(chat, caller, By.MODEL, By.CONNECTION)).rows
    assert (row.model, row.key_id, row.metered) == ("m-2", other, True)
    assert row.sums.costs == (Cost("USD", Decimal("0.0034")),)


async def test_days_and_months_end_in_utc(chat: Chat, caller: Caller) -> None:
    chat = chat.under(PRICES)
    last = datetime(2026, 2, 28, 23, 59, 59, 999_000, tzinfo=UTC)
    first = datetime.fromisoformat("2026-03-01T08:00:00+08:00")
    await answered(chat, caller, at=last)
    await answered(chat, caller, at=first)
    for day, expected in ((date(2026, 2, 28), 1), (date(2026, 3, 1), 1), (date(2026, 3, 2), 0)):
        report = await report_usage(
            chat.open_transaction, caller, first=day, last=day, by=(By.DAY,)
        )
        assert report.total.requests == expected
    # Without days it is the month up to now.
    report = await report_usage(
        chat.open_transaction, caller, first=None, last=None, by=(), now=first
    )
    assert report.days == Days(date(2026, 3, 1), date(2026, 3, 1))
    assert report.total.requests == 1


async def test_nobody_sees_or_changes_what_others_have_used(
    chat: Chat, caller: Caller, stranger: Caller, signer: Signer
) -> None:
    elsewhere = signer.caller(user_id=caller.user_id)
    await chat.turn(caller, (await chat.session(caller)).id)
    for other in (stranger, elsewhere):
        assert (await summed(chat, other)).requests == 0
        async with chat.app.transaction(other) as connection:
            touched = await connection.execute(text("UPDATE usage_days SET cost = 9"))
            assert touched.rowcount == 0
    assert (await summed(chat, caller)).requests == 1


async def test_it_stays_when_its_conversation_goes_and_goes_with_its_user(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    theirs = replace(chat, connection=replace(chat.connection, key_id=new_id(), owner="operator"))
    for one in (chat, theirs):
        for who in (caller, stranger):
            await one.turn(who, (await one.session(who)).id)
    async with chat.worker.transaction() as connection:
        for table in ("runs", "messages", "sessions"):
            await connection.execute(text(f"DELETE FROM {table}"))
    assert (await summed(chat, caller)).requests == 2
    for _ in range(2):
        await forget_usage(chat.erasing(caller))
    assert (await summed(chat, caller)).requests == 0
    assert (await summed(chat, stranger)).requests == 2
    # Of what the operator has paid a sum of the day is left, which is nobody's.
    async with chat.worker.transaction() as connection:
        rows = (await connection.execute(text("SELECT * FROM usage_of_erased"))).mappings().all()
    (row,) = rows
    assert (row["completed"], row["prompt_tokens"], row["completion_tokens"]) == (1, 3, 2)
    assert not {"user_id", "key_id", "model"} & row.keys()
    assert str(caller.user_id) not in str(rows)


async def test_it_is_kept_for_400_days_and_so_are_the_sums_of_who_is_erased(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    now = datetime.now(UTC)
    # The operator's, of which alone something is left.
    theirs = replace(chat, connection=replace(chat.connection, key_id=new_id(), owner="operator"))
    for one, who in ((chat, caller), (theirs, stranger)):
        await answered(one, who, at=now - timedelta(days=KEPT_DAYS + 2))
        await answered(one, who, at=now - timedelta(days=KEPT_DAYS))
    await forget_usage(chat.erasing(stranger))
    async with chat.worker.transaction() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM usage_of_erased")) == 2
    await UsageSweep(chat.worker).sweep()
    async with chat.worker.transaction() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM usage_of_erased")) == 1
    async with chat.app.transaction(caller) as connection:
        assert await connection.scalar(text("SELECT count(*) FROM usage_days")) == 1


async def test_what_the_release_before_has_counted_is_kept_as_long(
    chat: Chat, caller: Caller
) -> None:
    add = text(
        "INSERT INTO token_usage (tenant_id, user_id, key_id, day, tokens)"
        " VALUES (:tenant_id, :user_id, :key_id, (now() AT TIME ZONE 'UTC')::date - :days, 5)"
    )
    async with chat.app.transaction(caller) as connection:
        for days in (KEPT_DAYS, KEPT_DAYS + 2):
            await connection.execute(
                add,
                {
                    "tenant_id": caller.tenant_id,
                    "user_id": caller.user_id,
                    "key_id": new_id(),
                    "days": days,
                },
            )
    await UsageSweep(chat.worker).sweep()
    async with chat.worker.transaction() as connection:
        for table in ("token_usage", "usage_days"):
            assert await connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1


async def test_what_the_release_before_counts_beside_this_one_is_in_the_ledger(
    chat: Chat, caller: Caller
) -> None:
    add = text(
        "INSERT INTO token_usage (tenant_id, user_id, key_id, day, tokens)"
        " VALUES (:tenant_id, :user_id, :key_id, (now() AT TIME ZONE 'UTC')::date, 5)"
        " ON CONFLICT (user_id, key_id, day)"
        " DO UPDATE SET tokens = token_usage.tokens + excluded.tokens"
    )
    key_id = new_id()
    values = {"tenant_id": caller.tenant_id, "user_id": caller.user_id, "key_id": key_id}
    for _ in range(3):
        async with chat.app.transaction(caller) as connection:
            await connection.execute(add, values)
    async with chat.open_transaction(caller) as transaction:
        assert await UsageDays(transaction).of_connections(datetime.now(UTC)) == {key_id: 15}


async def test_the_fifty_models_of_which_most_was_used_have_names(
    chat: Chat, caller: Caller
) -> None:
    session: UUID | None = None
    for number in range(52):
        run = (
            await chat.accept(
                caller, session, model=f"m{number}", limits=Limits(runs_per_user=1000)
            )
        ).run
        usage = Usage(prompt_tokens=100 + number, completion_tokens=0)
        assert await finish_run(chat.turns, run, replace(chat.ending, usage=usage))
    report = await told(chat, caller, By.MODEL)
    names = [row.model for row in report.rows]
    assert len(names) == 51
    assert {"m51", "m2", None} <= set(names)
    assert not {"m0", "m1"} & set(names)
    (others,) = [row for row in report.rows if row.model is None]
    assert others.sums.tokens.total == 201
