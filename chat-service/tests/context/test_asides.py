"""Short answers outside of runs: over the real client, and what they cost on a real database."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.errors import DatabaseUnavailable
from chassis.testing import eventually, sample
from chat_service.asides.ask import Asides
from chat_service.asides.behind import all_of
from chat_service.asides.errors import AsideFailed
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.usage.domain.spent import Purpose, Tokens
from chat_service.usage.usecases.meter import Meter
from chat_service.words.domain.word_filter import Action, Rule, WordFilter
from servicekit.generation_parameters import GenerationParameters

# Of the conftests above, for which there is no name here.
Chat = Any
Scripted = Any
MakeReply = Callable[..., Any]

PROMPT = [PromptMessage("user", "x" * 40)]


async def ask(
    asides: Asides, whose: Caller, connection: Connection, prompt: Any = PROMPT, most: int = 50
) -> str:
    return await asides.ask(
        whose, connection, prompt, model="the-model", max_tokens=most, purpose=Purpose.TEST
    )


async def spent(chat: Chat, caller: Caller) -> dict[UUID, int]:
    async with chat.app.transaction(caller) as connection:
        query = "SELECT key_id, sum(prompt_tokens + completion_tokens)::bigint AS tokens"
        rows = await connection.execute(text(f"{query} FROM usage_days GROUP BY key_id"))
        return {row.key_id: row.tokens for row in rows}


async def spend(chat: Chat, caller: Caller, key_id: UUID, tokens: int) -> None:
    await Meter(chat.open_transaction).count(
        caller,
        Connection(key_id, "x", "k", "m", "u", "openai", owner="operator"),
        "m",
        Purpose.SUMMARY,
        Tokens(tokens),
    )


async def nothing() -> None:
    pass


def counted(outcome: str) -> float:
    return sample("chat_asides_total", purpose="test", outcome=outcome) or 0.0


async def test_a_model_is_asked_what_was_said_and_its_text_comes_back_alone(
    asides: Asides, caller: Caller, scripted: Scripted, reply: MakeReply
) -> None:
    scripted.rule = lambda _: reply("<think>hm</think>\n  A title \n")
    before = counted("answered")
    connection = scripted.connection(parameters=GenerationParameters(reasoning_effort="low"))
    assert await ask(asides, caller, connection) == "A title"
    (asked,) = scripted.asked
    assert (asked["model"], asked["max_tokens"], asked["reasoning_effort"]) == (
        *("the-model", 50, "low"),
    )
    assert asked["messages"] == [{"role": "user", "content": "x" * 40}]
    assert counted("answered") == before + 1


async def test_what_a_model_says_is_masked_also_where_answers_would_be_refused(
    provider: ModelClient, chat: Chat, caller: Caller, scripted: Scripted, reply: MakeReply
) -> None:
    words = WordFilter([Rule("hush", Action.MASK), Rule("never", Action.REFUSE)])
    asides = Asides(provider, Meter(chat.open_transaction), in_force=lambda: words)
    scripted.rule = lambda _: reply("Hush, never")
    assert await ask(asides, caller, scripted.connection()) == "＊＊＊＊, ＊＊＊＊＊"


async def test_what_cannot_be_counted_is_said_all_the_same(
    provider: ModelClient, chat: Chat, caller: Caller, scripted: Scripted, reply: MakeReply
) -> None:
    class Away(Meter):
        async def count(self, *_: Any, **__: Any) -> None:
            raise DatabaseUnavailable()

    scripted.rule = lambda _: reply("A title")
    asides = Asides(provider, Away(chat.open_transaction))
    before = sample("chat_asides_not_counted_total", purpose="test") or 0.0
    assert await ask(asides, caller, scripted.connection()) == "A title"
    assert sample("chat_asides_not_counted_total", purpose="test") == before + 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"text": " \n"}, "PROVIDER_EMPTY"),
        ({"text": "<think>no end"}, "PROVIDER_EMPTY"),
        ({"text": "half of", "finish_reason": "content_filter"}, "PROVIDER_CONTENT_REFUSED"),
        ({"text": "half of", "finish_reason": "length"}, "ANSWER_CUT"),
        ({"text": "half of", "finish_reason": "tool_calls"}, "PROVIDER_CALLED_TOOL"),
        ({"text": "half of", "finish_reason": "paused"}, "PROVIDER_ENDED_EARLY"),
        ({"text": "half of", "finish_reason": "whatever"}, "ANSWER_NOT_WHOLE"),
        ({"text": "half of", "finish_reason": None}, "ANSWER_NOT_WHOLE"),
        ({"refusal": "I would rather not."}, "PROVIDER_CONTENT_REFUSED"),
        ({"refusal": "I would rather not.", "finish_reason": None}, "ANSWER_NOT_WHOLE"),
        ({"text": "I'm sorry, but I can't help with that."}, "ANSWER_REFUSED"),
        ({"text": "<think>No.</think>抱歉，我无法满足这个要求。"}, "ANSWER_REFUSED"),
        ({"text": "x" * 70_000}, "ANSWER_TOO_LARGE"),
        ({"status": 500, "text": "broken"}, "PROVIDER_FAILED"),
        ({"status": 401, "text": "no such key"}, "PROVIDER_UNAUTHORIZED"),
    ],
)
async def test_what_is_no_answer_is_a_failure_that_is_counted(
    asides: Asides,
    caller: Caller,
    scripted: Scripted,
    reply: MakeReply,
    answer: dict[str, Any],
    reason: str,
) -> None:
    scripted.rule = lambda _: reply(**answer)
    before = counted("failed")
    with pytest.raises(AsideFailed) as failed:
        await ask(asides, caller, scripted.connection())
    assert failed.value.reason == reason
    assert counted("failed") == before + 1


async def test_an_answer_that_just_stops_is_none(
    asides: Asides, caller: Caller, model_server: Any
) -> None:
    connection = Connection(
        *(UUID(int=1), "x", "sk-secret-key", "m", model_server.base_url, "openai")
    )
    with pytest.raises(AsideFailed, match="PROVIDER_ENDED_EARLY"):
        await asides.ask(
            caller,
            connection,
            PROMPT,
            model="no-finish-reason",
            max_tokens=9,
            purpose=Purpose.TEST,
        )


async def test_a_model_that_does_not_answer_is_given_up_and_its_connection_closed(
    provider: ModelClient, chat: Chat, caller: Caller, scripted: Scripted, reply: MakeReply
) -> None:
    asides = Asides(provider, Meter(chat.open_transaction), seconds=0.3)
    scripted.rule = lambda _: reply(held=asyncio.Event())
    connection = scripted.connection(owner="operator", daily_tokens=1000)
    with pytest.raises(AsideFailed, match="TIMEOUT"):
        await ask(asides, caller, connection)
    # It was asked, and nobody knows what it made of that: forty bytes are ten tokens.
    assert await spent(chat, caller) == {connection.key_id: 10}


async def test_what_it_costs_of_a_metered_connection_counts_as_an_answers_tokens_do(
    asides: Asides, chat: Chat, caller: Caller, scripted: Scripted, reply: MakeReply
) -> None:
    connection = scripted.connection(owner="operator", daily_tokens=1000)
    scripted.rule = lambda _: reply(usage={"prompt_tokens": 30, "completion_tokens": 12})
    await ask(asides, caller, connection)
    assert await spent(chat, caller) == {connection.key_id: 42}
    scripted.rule = lambda _: reply("é" * 10)
    await ask(asides, caller, connection)
    # Forty bytes of the question and twenty of the answer.
    assert await spent(chat, caller) == {connection.key_id: 42 + 15}
    scripted.rule = lambda _: reply(status=500)
    with pytest.raises(AsideFailed):
        await ask(asides, caller, connection)
    assert await spent(chat, caller) == {connection.key_id: 42 + 15}


async def test_it_counts_apart_from_answers_whoever_pays_for_it(
    asides: Asides, chat: Chat, caller: Caller, scripted: Scripted, reply: MakeReply
) -> None:
    scripted.rule = lambda _: reply(usage={"prompt_tokens": 30, "completion_tokens": 12})
    for owner in ("user", "operator"):
        await ask(asides, caller, scripted.connection(owner=owner))
    scripted.rule = lambda _: reply(status=500)
    with pytest.raises(AsideFailed):
        await ask(asides, caller, scripted.connection())
    async with chat.app.transaction(caller) as connection:
        columns = "purpose, model, metered, completed, failed, prompt_tokens"
        rows = await connection.execute(text(f"SELECT {columns} FROM usage_days"))
        assert sorted(map(tuple, rows)) == [
            ("test", "the-model", False, 0, 1, 0),
            ("test", "the-model", False, 1, 0, 30),
            ("test", "the-model", True, 1, 0, 30),
        ]


async def test_where_the_days_tokens_are_used_up_no_model_is_asked(
    asides: Asides, chat: Chat, caller: Caller, stranger: Caller, scripted: Scripted
) -> None:
    connection = scripted.connection(owner="operator", daily_tokens=100)
    await spend(chat, caller, connection.key_id, 100)
    with pytest.raises(AsideFailed, match="ALLOWANCE_USED_UP"):
        await ask(asides, caller, connection)
    assert scripted.asked == []
    await ask(asides, stranger, connection)
    assert len(scripted.asked) == 1


async def test_so_many_are_asked_at_once_and_the_others_wait_for_their_turn(
    provider: ModelClient, chat: Chat, caller: Caller, scripted: Scripted, reply: MakeReply
) -> None:
    asides = Asides(provider, Meter(chat.open_transaction), at_once=2)
    held = asyncio.Event()
    scripted.rule = lambda _: reply(held=held)
    connection = scripted.connection()
    all_of_them = [asyncio.create_task(ask(asides, caller, connection)) for _ in range(5)]
    await scripted.is_asked(2)
    assert scripted.waiting == 2
    held.set()
    assert await asyncio.gather(*all_of_them) == ["an answer"] * 5
    assert len(scripted.asked) == 5


async def test_what_is_begun_too_much_of_is_dropped_and_counted(
    provider: ModelClient, chat: Chat
) -> None:
    asides = Asides(provider, Meter(chat.open_transaction), at_once=1, waiting=1)
    held, before = asyncio.Event(), counted("dropped")

    async def work() -> None:
        await held.wait()

    assert [asides.begin("test", work) for _ in range(3)] == [True, True, False]
    assert counted("dropped") == before + 1
    held.set()
    await eventually(lambda: asides.held == {"asides": 0})
    assert asides.begin("test", work)
    await asides.drain()


async def test_work_that_breaks_is_counted_and_nobody_elses_matter(
    asides: Asides,
) -> None:
    before = counted("failed")

    async def breaks() -> None:
        raise ZeroDivisionError

    assert asides.begin("test", breaks)
    await eventually(lambda: counted("failed") == before + 1)


async def test_a_drain_waits_for_what_ends_soon_and_begins_nothing(
    asides: Asides, caller: Caller, scripted: Scripted, reply: MakeReply
) -> None:
    held, answers = asyncio.Event(), list[str]()
    scripted.rule = lambda _: reply(held=held)

    async def work() -> None:
        answers.append(await ask(asides, caller, scripted.connection()))

    assert asides.begin("test", work)
    await scripted.is_asked(1)
    draining = asyncio.create_task(asides.drain())
    await eventually(lambda: not asides.begin("test", nothing))
    held.set()
    await draining
    assert answers == ["an answer"]
    assert asides.held == {"asides": 0}


async def test_a_drain_cuts_off_what_does_not_end(
    provider: ModelClient, chat: Chat, caller: Caller, scripted: Scripted, reply: MakeReply
) -> None:
    asides = Asides(provider, Meter(chat.open_transaction), drain_seconds=0.1)
    scripted.rule = lambda _: reply(held=asyncio.Event())
    before = counted("stopped")

    async def work() -> None:
        await ask(asides, caller, scripted.connection())

    assert asides.begin("test", work)
    await scripted.is_asked(1)
    await asides.drain()
    assert asides.held == {"asides": 0}
    assert counted("stopped") == before + 1


async def test_no_log_shows_the_key_that_a_server_quotes(
    asides: Asides,
    caller: Caller,
    scripted: Scripted,
    reply: MakeReply,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scripted.rule = lambda asked: reply(status=401, text="wrong key sk-very-secret-key")

    async def work() -> None:
        await ask(asides, caller, scripted.connection())

    assert asides.begin("test", work)
    await eventually(lambda: asides.held == {"asides": 0})
    said = capsys.readouterr()
    assert "aside.provider_failed" in said.out + said.err
    assert "very-secret" not in said.out + said.err


def test_of_those_who_hear_of_a_runs_end_one_that_breaks_keeps_no_other_from_it() -> None:
    heard: list[Any] = []

    def breaks(_: Any) -> None:
        raise ZeroDivisionError

    ended: Any = type("Ended", (), {"run": type("Run", (), {"id": "r"})()})()
    all_of(breaks, heard.append)(ended)
    assert heard == [ended]
