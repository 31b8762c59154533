"""Summaries at the borders: what they cost, who fails, who is killed; on a real database."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.transactions import Owned, Transaction
from chassis.errors import RemoteError
from chassis.testing import OpenChannel, eventually
from chassis.testing.plugin import StartProcess
from chassis.testing.variables import variables_of
from chat_service.answer.domain.ending import RunStatus
from chat_service.asides.ask import Asides
from chat_service.asides.behind import Ended
from chat_service.asides.summing_up import SummingUp
from chat_service.conversations.domain.message import Role, Said
from chat_service.conversations.domain.session import SessionChange
from chat_service.conversations.domain.summary import Summary
from chat_service.conversations.usecases.sessions import update_session
from chat_service.prompt.budget import Budget
from chat_service.prompt.memory import ModelMemory
from chat_service.prompt.room import ContextWindow
from chat_service.prompt.summary import build_summary_prompt, summary_of
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.settings import Settings
from chat_service.usage.domain.spent import Purpose, Tokens
from chat_service.usage.usecases.meter import Meter
from parley.chat.v1 import chat_pb2

# Of the conftests above, for which there is no name here.
Chat = Any
Scripted = Any
MakeReply = Callable[..., Any]
MakeClient = Callable[..., Any]

WINDOW = ContextWindow(pairs=2, characters=10_000)


class Ends:
    """One session of which the turns end here, as the engine ends them."""

    def __init__(
        self, chat: Chat, caller: Caller, session_id: UUID, summing_up: SummingUp, asides: Asides
    ) -> None:
        self.chat = chat
        self.caller = caller
        self.id = session_id
        self.summing_up = summing_up
        self.asides = asides

    async def turn(self, content: str) -> PromptMessage:
        """What the model was told before all else, or the question; behind it all asides have ended."""
        first = await self.end(content)
        await eventually(lambda: self.asides.held == {"asides": 0})
        return first

    async def end(self, content: str) -> PromptMessage:
        """The same, without waiting for asides."""
        accepted = await self.chat.accept(self.caller, self.id, content, window=WINDOW)
        assert await self.chat.finish(accepted.run)
        self.summing_up(
            Ended(accepted.run, self.chat.connection, accepted.prompt, self.chat.ending)
        )
        first: PromptMessage = accepted.prompt[0]
        return first

    async def stored(self) -> dict[int, str]:
        async with self.chat.app.transaction(self.caller) as connection:
            query = text('SELECT "order", summary FROM messages WHERE summary IS NOT NULL')
            return {row.order: row.summary for row in await connection.execute(query)}


async def ends_of(chat: Chat, caller: Caller, asides: Asides, *, rest_seconds: float = 0.0) -> Ends:
    session = await chat.session(caller)
    await update_session(
        chat.open_transaction,
        chat.resolve_key,
        caller,
        session.id,
        SessionChange(summary=True),
    )
    memory = ModelMemory()
    summing_up = SummingUp(asides, chat.open_transaction, memory, WINDOW, rest_seconds=rest_seconds)
    return Ends(chat, caller, session.id, summing_up, asides)


async def used(chat: Chat, caller: Caller, key_id: UUID) -> int:
    async with chat.app.transaction(caller) as connection:
        query = text(
            "SELECT coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint"
            " FROM usage_days WHERE key_id = :id"
        )
        return int(await connection.scalar(query, {"id": key_id}))


async def test_what_failed_is_made_behind_a_later_answer(
    chat: Chat, caller: Caller, asides: Asides, scripted: Scripted, reply: MakeReply
) -> None:
    chat = replace(chat, connection=scripted.connection())
    ends = await ends_of(chat, caller, asides)
    scripted.rule = lambda _: reply(status=503)
    for number in range(4):
        await ends.turn(f"q{number}")
    assert await ends.stored() == {}
    failures = len(scripted.asked)
    assert failures == 2
    scripted.rule = lambda _: reply("so far")
    await ends.turn("q4")
    # Three pairs have no room by now, and half of the two that have goes along.
    assert await ends.stored() == {8: "so far"}
    assert scripted.asked[-1]["messages"][-1]["content"].count("User: ") == 4
    assert "so far" in (await ends.turn("q5")).content


async def test_what_there_was_no_room_for_is_made_behind_a_later_answer(
    chat: Chat, caller: Caller, provider: ModelClient, scripted: Scripted
) -> None:
    chat = replace(chat, connection=scripted.connection())
    asides = Asides(provider, Meter(chat.open_transaction), at_once=1, waiting=0)
    ends = await ends_of(chat, caller, asides)
    for number in range(2):
        await ends.turn(f"q{number}")
    free = asyncio.Event()

    async def in_the_way() -> None:
        await free.wait()

    assert asides.begin(Purpose.TEST, in_the_way)
    await ends.end("q2")
    assert asides.held == {"asides": 1}
    free.set()
    await eventually(lambda: asides.held == {"asides": 0})
    assert await ends.stored() == {}
    await ends.turn("q3")
    assert len(await ends.stored()) == 1


def words(asked: dict[str, Any]) -> int:
    return sum(len(message["content"].split()) for message in asked["messages"])


@pytest.mark.parametrize(
    "refusal", ["prompt is too long: {used} tokens > 400 maximum", "the context length is exceeded"]
)
async def test_what_is_refused_as_too_long_is_less_the_next_time(
    chat: Chat,
    caller: Caller,
    asides: Asides,
    scripted: Scripted,
    reply: MakeReply,
    refusal: str,
) -> None:
    def small(asked: dict[str, Any]) -> Any:
        used = words(asked)
        return reply(refusal.format(used=used), status=400) if used > 400 else reply("so far")

    chat = replace(chat, connection=scripted.connection())
    ends = await ends_of(chat, caller, asides)
    scripted.rule = small
    for _ in range(6):
        await ends.turn("word " * 400)
    first, second = scripted.asked[:2]
    assert words(first) > 400
    # Where it is not said how much it takes, a quarter less is tried each time.
    assert words(second) < words(first)
    assert "so far" in (await ends.stored()).values()


async def test_a_summary_that_was_cut_short_is_none(
    chat: Chat, caller: Caller, asides: Asides, scripted: Scripted, reply: MakeReply
) -> None:
    chat = replace(chat, connection=scripted.connection())
    ends = await ends_of(chat, caller, asides)
    scripted.rule = lambda _: reply("so f", finish_reason="length")
    for number in range(4):
        await ends.turn(f"q{number}")
    assert await ends.stored() == {}
    assert len(scripted.asked) == 2


async def test_behind_a_failure_a_conversation_is_let_alone_and_others_are_not(
    chat: Chat, caller: Caller, asides: Asides, scripted: Scripted, reply: MakeReply
) -> None:
    chat = replace(chat, connection=scripted.connection())
    scripted.rule = lambda _: reply(status=503)
    one = await ends_of(chat, caller, asides, rest_seconds=3600)
    for number in range(6):
        await one.turn(f"q{number}")
    assert len(scripted.asked) == 1
    other = await ends_of(chat, caller, asides, rest_seconds=3600)
    other.summing_up = one.summing_up
    for number in range(3):
        await other.turn(f"q{number}")
    assert len(scripted.asked) == 2


async def test_what_ends_while_it_is_looked_whether_there_is_more_is_looked_at_behind_that(
    chat: Chat, caller: Caller, asides: Asides, scripted: Scripted, reply: MakeReply
) -> None:
    """Else the last of several quick answers would leave a gap before the next question."""
    chat = replace(chat, connection=scripted.connection())
    scripted.rule = lambda _: reply("so far")
    looked, may_go_on = asyncio.Event(), asyncio.Event()
    may_go_on.set()

    @asynccontextmanager
    async def slow_to_end(whose: Owned) -> AsyncIterator[Transaction]:
        async with chat.open_transaction(whose) as transaction:
            yield transaction
        looked.set()
        await may_go_on.wait()

    ends = await ends_of(replace(chat, open_transaction=slow_to_end), caller, asides)
    may_go_on.clear()
    looked.clear()
    for number in range(3):
        accepted = await chat.accept(caller, ends.id, f"q{number}", window=WINDOW)
        assert await chat.finish(accepted.run)
        ends.summing_up(Ended(accepted.run, chat.connection, accepted.prompt, chat.ending))
        # What was looked at is the conversation as it was then.
        async with asyncio.timeout(60):
            await looked.wait()
    assert scripted.asked == []
    may_go_on.set()
    await eventually(lambda: asides.held == {"asides": 0})
    assert await ends.stored() == {4: "so far"}


async def test_a_users_allowance_counts_it_and_where_that_is_used_up_there_is_none(
    chat: Chat, caller: Caller, asides: Asides, scripted: Scripted, reply: MakeReply
) -> None:
    chat = replace(chat, connection=scripted.connection(owner="operator", daily_tokens=1_000))
    key_id = chat.connection.key_id
    scripted.rule = lambda _: reply("so far", usage={"prompt_tokens": 70, "completion_tokens": 7})
    ends = await ends_of(chat, caller, asides)
    for number in range(3):
        await ends.turn(f"q{number}")
    # Each answer is five tokens.
    assert await used(chat, caller, key_id) == 3 * 5 + 77
    assert await ends.stored() == {4: "so far"}
    await ends.turn("q3")
    # The answer is still allowed, and the summary not any more.
    accepted = await chat.accept(caller, ends.id, "q4", window=WINDOW)
    assert await chat.finish(accepted.run)
    await Meter(chat.open_transaction).count(
        caller, chat.connection, "m", Purpose.TITLE, Tokens(1_000)
    )
    asked = len(scripted.asked)
    ends.summing_up(Ended(accepted.run, chat.connection, accepted.prompt, chat.ending))
    await eventually(lambda: asides.held == {"asides": 0})
    assert len(scripted.asked) == asked
    assert await ends.stored() == {4: "so far"}


async def test_a_question_that_a_server_refused_is_in_no_summary(
    chat: Chat, caller: Caller, asides: Asides, scripted: Scripted, reply: MakeReply
) -> None:
    """Else each summary would be refused for it."""
    chat = replace(chat, connection=scripted.connection())
    scripted.rule = lambda _: reply("so far")
    ends = await ends_of(chat, caller, asides)
    accepted = await chat.accept(caller, ends.id, "unspeakable", window=WINDOW)
    refused = replace(
        chat.ending, status=RunStatus.FAILED, reason="PROVIDER_CONTENT_REFUSED", text="", usage=None
    )
    assert await chat.finish(accepted.run, refused)
    for number in range(3):
        await ends.turn(f"q{number}")
    (asked,) = scripted.asked
    assert asked["messages"][-1]["content"].startswith("User: q0\n\nAssistant: ")


async def test_of_two_that_are_made_at_once_the_first_one_stays(
    chat: Chat, caller: Caller, asides: Asides, scripted: Scripted, reply: MakeReply
) -> None:
    """Two replicas, of which none knows of the other."""
    chat = replace(chat, connection=scripted.connection())
    ends = await ends_of(chat, caller, asides)
    for number in range(2):
        await ends.turn(f"q{number}")
    held = [asyncio.Event(), asyncio.Event()]
    replies = iter((reply("first", held=held[0]), reply("second", held=held[1])))
    scripted.rule = lambda _: next(replies)
    accepted = await chat.accept(caller, ends.id, "q2", window=WINDOW)
    assert await chat.finish(accepted.run)
    ended = Ended(accepted.run, chat.connection, accepted.prompt, chat.ending)
    ends.summing_up(ended)
    await scripted.is_asked(1)
    elsewhere = await ends_of(chat, caller, asides)
    elsewhere.summing_up(ended)
    await scripted.is_asked(2)
    held[0].set()
    await eventually(lambda: asides.held == {"asides": 1})
    held[1].set()
    await eventually(lambda: asides.held == {"asides": 0})
    assert await ends.stored() == {4: "first"}


@pytest.fixture
def told(settings: Settings, scripted: Scripted, vault: Any, reply: MakeReply) -> Settings:
    """Settings of a replica whose users' model is the scripted one; a window of two pairs."""
    vault.base_url, vault.model = scripted.base_url, "m"
    return settings.model_copy(update={"window_messages": 4})


@pytest.mark.slow
async def test_a_replica_that_is_killed_meanwhile_leaves_nothing_and_the_next_answer_makes_it(
    told: Settings,
    scripted: Scripted,
    reply: MakeReply,
    start_process: StartProcess,
    grpc_channel: OpenChannel,
    client_over: MakeClient,
) -> None:
    async def replica() -> tuple[Any, Any]:
        environment = {**os.environ, **variables_of(told)}
        process = await start_process(
            sys.executable, "-m", "chat_service", "serve", env=environment
        )
        client = client_over(await grpc_channel(told.grpc_port, "chat-service"))

        async def ready() -> bool:
            await client.call("ListSessions", chat_pb2.ListSessionsRequest())
            return True

        await eventually(ready, timeout=30, ignoring=(RemoteError,))
        return process, client

    def minutes(asked: dict[str, Any]) -> bool:
        return "minutes" in asked["messages"][0]["content"]

    held = asyncio.Event()
    scripted.rule = lambda asked: reply("late", held=held) if minutes(asked) else reply("ok")
    process, client = await replica()
    made = await client.call("CreateSession", chat_pb2.CreateSessionRequest(summary=True))
    for number in range(3):
        await client.ask(f"q{number}", session_id=made.session.id)
    await eventually(lambda: scripted.waiting == 1)
    process.kill()
    await process.communicate()
    # Its model answers nobody.
    held.set()
    process, client = await replica()
    scripted.rule = lambda asked: reply("so far") if minutes(asked) else reply("ok")
    await client.ask("q3", session_id=made.session.id)

    async def is_told() -> bool:
        await client.ask("and?", session_id=made.session.id)
        return "so far" in scripted.asked[-1]["messages"][0]["content"]

    await eventually(is_told, timeout=20)


# What a summary is made of


SAID = [
    Said((Role.USER, Role.ASSISTANT)[at % 2], f"{at} " + "word " * 50, at + 1) for at in range(20)
]


def budget(tokens: int, factor: float = 1.0) -> Budget:
    return Budget(tokens, tokens, factor=factor)


@pytest.mark.parametrize("tokens", [150, 300, 700, 1_500, 100_000])
@pytest.mark.parametrize("before", [None, Summary("so far " * 10, 0)])
def test_it_takes_in_what_has_room_and_ends_with_an_answer(
    tokens: int, before: Summary | None
) -> None:
    prompt, last = build_summary_prompt(before, SAID, budget(tokens, 1.3))
    assert last >= 1
    asked = prompt[-1].content
    assert asked.count("User: ") + asked.count("Assistant: ") == last
    assert last % 2 == 0 or last in (1, 20)
    if tokens >= 300:
        assert sum(budget(tokens, 1.3).cost(one.content) for one in prompt) <= tokens
    if tokens == 100_000:
        assert last == 20


def test_thinking_is_no_part_of_it() -> None:
    said = [Said(Role.USER, "q", 1), Said(Role.ASSISTANT, "<think>hm</think>\nyes", 2)]
    prompt, _ = build_summary_prompt(None, said, budget(10_000))
    assert prompt[-1].content == "User: q\n\nAssistant: yes"


@pytest.mark.parametrize("answer", ["short", "x" * 4_000, "x" * 4_001, "y " * 50_000])
def test_it_has_4000_characters_at_most(answer: str) -> None:
    made = summary_of(answer, 7)
    assert len(made.text) <= 4_000
    assert made.last_order == 7
    assert made.text == answer or (len(answer) > 4_000 and made.text.endswith("…"))
