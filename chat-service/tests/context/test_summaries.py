"""What sums up a conversation: over the whole service, with a model server that says what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.ids import new_id
from chassis.jetstream import JetStream
from chassis.testing import eventually, sample
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2
from parley.events.v1 import events_pb2

# Of the conftests above, for which there is no name here.
Client = Any
Scripted = Any
Vault = Any
MakeReply = Callable[..., Any]

MINUTES = "minutes of a conversation"
TOLD = "What was said before the messages below, summed up:"


def is_summary(asked: dict[str, Any]) -> bool:
    return MINUTES in asked["messages"][0]["content"]


def summaries(scripted: Scripted) -> list[str]:
    """What was to be summed up, each time."""
    return [one["messages"][-1]["content"] for one in scripted.asked if is_summary(one)]


def system(asked: dict[str, Any]) -> str:
    """What a model was told before all messages; empty: nothing."""
    first = asked["messages"][0]
    return first["content"] if first["role"] == "system" else ""


@pytest.fixture
def vault(vault: Vault, scripted: Scripted, reply: MakeReply) -> Vault:
    vault.base_url, vault.model = scripted.base_url, "m"

    def rule(asked: dict[str, Any]) -> Any:
        if is_summary(asked):
            return reply(f"summary {len(summaries(scripted))}")
        return reply(f"answer to {asked['messages'][-1]['content']}")

    scripted.rule = rule
    return vault


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A window of two pairs."""
    return settings.model_copy(update={"window_messages": 4})


class Conversation:
    """One session of one user."""

    def __init__(self, client: Client, scripted: Scripted, session_id: str) -> None:
        self.client = client
        self.scripted = scripted
        self.id = session_id

    async def turn(self, content: str) -> Any:
        """Asks, reads to the end, and returns what was accepted."""
        accepted, frames = await self.client.ask(content, session_id=self.id)
        assert frames[-1].event == "done", orjson.loads(frames[-1].data)
        return accepted

    async def summed_up(self, times: int) -> None:
        """Returns once so many summaries are stored: the model's answer is not all of it."""

        async def stored() -> bool:
            return len(await self.stored()) == times

        await eventually(stored)

    async def stored(self) -> dict[int, str]:
        """By the last message of each."""
        rows = await self.client.rows(
            'SELECT "order", summary FROM messages WHERE session_id = :id AND summary IS NOT NULL',
            id=UUID(self.id),
        )
        return {row.order: row.summary for row in rows}

    async def context(self, answer_id: str) -> chat_pb2.GetContextResponse:
        found: chat_pb2.GetContextResponse = await self.client.call(
            "GetContext", chat_pb2.GetContextRequest(session_id=self.id, message_id=answer_id)
        )
        return found

    async def messages(self, **which: Any) -> list[chat_pb2.Message]:
        listed = await self.client.call(
            "ListMessages", chat_pb2.ListMessagesRequest(session_id=self.id, limit=100, **which)
        )
        return list(listed.items)

    async def change(self, **change: Any) -> chat_pb2.Session:
        response = await self.client.call(
            "UpdateSession", chat_pb2.UpdateSessionRequest(id=self.id, **change)
        )
        session: chat_pb2.Session = response.session
        return session


@pytest_asyncio.fixture
async def conversation(
    client: Client, vault: Vault, scripted: Scripted, settings: Settings
) -> AsyncIterator[Conversation]:
    worker = Database(settings.worker_database_url.get_secret_value(), application_name="test")

    async def rows(statement: str, **values: Any) -> Any:
        async with worker.transaction() as connection:
            return (await connection.execute(text(statement), values)).all()

    client.rows = rows
    made = await client.call("CreateSession", chat_pb2.CreateSessionRequest(summary=True))
    assert made.session.summary
    yield Conversation(client, scripted, made.session.id)
    await worker.stop()


async def test_without_it_nothing_is_summed_up(
    client: Client, vault: Vault, scripted: Scripted
) -> None:
    made = await client.call("CreateSession", chat_pb2.CreateSessionRequest())
    assert not made.session.summary
    conversation = Conversation(client, scripted, made.session.id)
    for number in range(5):
        await conversation.turn(f"q{number}")
    assert summaries(scripted) == []
    assert [system(asked) for asked in scripted.asked] == [""] * 5


async def test_what_falls_out_is_summed_up_behind_the_answer_and_told_from_then_on(
    conversation: Conversation, scripted: Scripted
) -> None:
    await conversation.turn("q1")
    await conversation.turn("q2")
    # All of it still has room.
    assert summaries(scripted) == []
    await conversation.turn("q3")
    await conversation.summed_up(1)
    # The first pair has no room with the next question, the second soon: it goes along.
    assert summaries(scripted) == [
        "User: q1\n\nAssistant: answer to q1\n\nUser: q2\n\nAssistant: answer to q2"
    ]
    asked = next(one for one in scripted.asked if is_summary(one))
    assert (asked["model"], asked["max_tokens"]) == ("m", 1_500)
    accepted = await conversation.turn("q4")
    assert system(scripted.asked[-1]) == f"{TOLD}\nsummary 1"
    shown = [message["content"] for message in scripted.asked[-1]["messages"][1:]]
    assert shown == ["q2", "answer to q2", "q3", "answer to q3", "q4"]
    told = await conversation.context(accepted.answer_id)
    said = await conversation.messages()
    assert told.summary.text == "summary 1"
    assert told.summary.last_message_id == said[3].id
    assert [(one.message_id, one.reason) for one in told.left_out] == [
        (said[0].id, "SUMMED_UP"),
        (said[1].id, "SUMMED_UP"),
    ]


async def test_it_is_rolled_on_from_the_summary_before_and_what_fell_out_since(
    conversation: Conversation, scripted: Scripted
) -> None:
    for number in range(1, 4):
        await conversation.turn(f"q{number}")
    await conversation.summed_up(1)
    await conversation.turn("q4")
    # What is in it has room no more, but is told of already.
    assert len(summaries(scripted)) == 1
    await conversation.turn("q5")
    await conversation.summed_up(2)
    assert summaries(scripted)[1] == (
        "The minutes so far:\nsummary 1\n\n"
        "User: q3\n\nAssistant: answer to q3\n\nUser: q4\n\nAssistant: answer to q4"
    )
    assert await conversation.stored() == {4: "summary 1", 8: "summary 2"}
    await conversation.turn("q6")
    assert system(scripted.asked[-1]) == f"{TOLD}\nsummary 2"


async def test_it_is_told_behind_the_instructions_and_its_length_is_bounded(
    conversation: Conversation, scripted: Scripted, reply: MakeReply
) -> None:
    await conversation.change(instructions="Be brief.")
    scripted.rule = lambda asked: reply("long " * 4_000 if is_summary(asked) else "ok")
    for number in range(1, 4):
        await conversation.turn(f"q{number}")
    await conversation.summed_up(1)
    (kept,) = (await conversation.stored()).values()
    assert len(kept) <= 4_000
    assert kept.startswith("long long")
    await conversation.turn("q4")
    assert system(scripted.asked[-1]) == f"Be brief.\n\n{TOLD}\n{kept}"


async def test_another_branch_does_not_see_it_and_the_first_one_does_again(
    conversation: Conversation, scripted: Scripted, client: Client
) -> None:
    for number in range(1, 4):
        await conversation.turn(f"q{number}")
    await conversation.summed_up(1)
    said = await conversation.messages()
    # The second question is put otherwise: the summary tells of what came behind the first one.
    edited = chat_pb2.StartRunRequest(
        session_id=conversation.id, content="other q2", edits_message_id=said[2].id
    )
    accepted, _ = await client.read(edited, None)
    assert system(scripted.asked[-1]) == ""
    assert not (await conversation.context(accepted.answer_id)).HasField("summary")
    await conversation.turn("other q3")
    await conversation.summed_up(2)
    assert summaries(scripted)[1] == (
        "User: q1\n\nAssistant: answer to q1\n\nUser: other q2\n\nAssistant: answer to other q2"
    )
    await conversation.turn("other q4")
    assert system(scripted.asked[-1]) == f"{TOLD}\nsummary 2"
    await client.call(
        "ChooseMessage",
        chat_pb2.ChooseMessageRequest(session_id=conversation.id, message_id=said[5].id),
    )
    await conversation.turn("q4")
    assert system(scripted.asked[-1]) == f"{TOLD}\nsummary 1"


async def test_another_answer_to_what_is_within_it_is_given_without_it(
    conversation: Conversation, scripted: Scripted, client: Client
) -> None:
    for number in range(1, 4):
        await conversation.turn(f"q{number}")
    await conversation.summed_up(1)
    said = await conversation.messages()
    again = chat_pb2.RegenerateRunRequest(session_id=conversation.id, message_id=said[2].id)
    accepted = (await client.call("RegenerateRun", again)).accepted
    await client.follow(accepted.run_id)
    assert system(scripted.asked[-1]) == ""
    # To one behind it with it.
    again = chat_pb2.RegenerateRunRequest(session_id=conversation.id, message_id=said[4].id)
    accepted = (await client.call("RegenerateRun", again)).accepted
    await client.follow(accepted.run_id)
    assert system(scripted.asked[-1]) == f"{TOLD}\nsummary 1"


async def test_a_fork_takes_along_what_tells_of_its_path_and_no_more(
    conversation: Conversation, scripted: Scripted, client: Client
) -> None:
    for number in range(1, 4):
        await conversation.turn(f"q{number}")
    await conversation.summed_up(1)
    said = await conversation.messages()
    for last, expected in ((said[5].id, f"{TOLD}\nsummary 1"), (said[1].id, "")):
        forked = await client.call(
            "ForkSession", chat_pb2.ForkSessionRequest(session_id=conversation.id, message_id=last)
        )
        assert forked.session.summary
        await Conversation(client, scripted, forked.session.id).turn("and?")
        assert system(scripted.asked[-1]) == expected


async def test_its_failure_harms_no_answer_and_is_counted_and_let_alone_for_a_while(
    conversation: Conversation, scripted: Scripted, reply: MakeReply
) -> None:
    scripted.rule = lambda asked: reply(status=500) if is_summary(asked) else reply("ok")
    before = sample("chat_asides_total", purpose="summary", outcome="failed") or 0.0

    def failed() -> float:
        return (sample("chat_asides_total", purpose="summary", outcome="failed") or 0.0) - before

    for number in range(1, 6):
        await conversation.turn(f"q{number}")
    # It is asked for beside the answers, so it may come behind the last of them.
    await eventually(lambda: failed() == 1)
    await conversation.turn("q6")
    assert failed() == len(summaries(scripted)) == 1
    assert await conversation.stored() == {}
    told = await conversation.context((await conversation.messages())[-1].id)
    assert {one.reason for one in told.left_out} == {"BEYOND_WINDOW"}
    assert not told.HasField("summary")


async def test_a_question_that_comes_meanwhile_is_answered_at_once_with_what_there_is(
    conversation: Conversation, scripted: Scripted, reply: MakeReply
) -> None:
    held = asyncio.Event()
    scripted.rule = lambda asked: reply("late", held=held) if is_summary(asked) else reply("ok")
    for number in range(1, 4):
        await conversation.turn(f"q{number}")
    await eventually(lambda: scripted.waiting == 1)
    for number in range(4, 7):
        await conversation.turn(f"q{number}")
        assert system(scripted.asked[-1]) == ""
    # One at a time of a conversation.
    assert len(summaries(scripted)) == 1
    held.set()
    # What was asked for, and then what has lost its room since.
    await conversation.summed_up(2)
    await conversation.turn("q7")
    assert system(scripted.asked[-1]) == f"{TOLD}\nlate"


async def test_switched_off_it_is_taken_away_also_what_is_just_being_made(
    conversation: Conversation, scripted: Scripted, reply: MakeReply
) -> None:
    for number in range(1, 4):
        accepted = await conversation.turn(f"q{number}")
    await conversation.summed_up(1)
    accepted = await conversation.turn("q4")
    held = asyncio.Event()
    scripted.rule = lambda asked: reply("late", held=held) if is_summary(asked) else reply("ok")
    await conversation.turn("q5")
    await eventually(lambda: scripted.waiting == 1)
    assert not (await conversation.change(summary=False)).summary
    assert await conversation.stored() == {}
    answered = sample("chat_asides_total", purpose="summary", outcome="answered") or 0.0
    held.set()
    await eventually(
        lambda: sample("chat_asides_total", purpose="summary", outcome="answered") == answered + 1
    )
    await conversation.turn("q6")
    assert system(scripted.asked[-1]) == ""
    assert await conversation.stored() == {}
    told = (await conversation.context(accepted.answer_id)).summary
    # What the model was told is known no more, but that it was told something is.
    assert (told.text, bool(told.last_message_id)) == ("", True)


@pytest.mark.parametrize("how", ["clear", "delete", "erase"])
async def test_nothing_is_left_of_it_however_its_conversation_goes_also_while_it_is_made(
    conversation: Conversation,
    scripted: Scripted,
    reply: MakeReply,
    client: Client,
    caller: Caller,
    events: JetStream,
    how: str,
) -> None:
    for number in range(1, 4):
        await conversation.turn(f"q{number}")
    await conversation.summed_up(1)
    held = asyncio.Event()
    scripted.rule = lambda asked: reply("late", held=held) if is_summary(asked) else reply("ok")
    for number in range(4, 6):
        await conversation.turn(f"q{number}")
    await eventually(lambda: scripted.waiting == 1)
    if how == "clear":
        await client.call("ClearSession", chat_pb2.ClearSessionRequest(id=conversation.id))
    elif how == "delete":
        await client.call(
            "DeleteSession", chat_pb2.DeleteSessionRequest(id=conversation.id, permanent=True)
        )
    else:
        deleted = events_pb2.UserDeleted(
            erasure_id=str(new_id()), user_id=str(caller.user_id), tenant_id=str(caller.tenant_id)
        )
        subject = events.subject("user.deleted")
        await events.publish(subject, deleted.SerializeToString(), msg_id="once")

    async def are_gone() -> bool:
        rows = await client.rows(
            "SELECT id FROM messages WHERE session_id = :id", id=UUID(conversation.id)
        )
        return not rows

    await eventually(are_gone, timeout=20)
    held.set()
    await eventually(lambda: scripted.waiting == 0)
    if how == "clear":
        # Orders go on behind the highest: nothing of before is met.
        for number in range(6, 9):
            await conversation.turn(f"q{number}")
            assert "summary 1" not in system(scripted.asked[-1])
    else:
        assert await are_gone()


async def test_one_that_is_switched_on_late_is_caught_up_with_in_steps(
    client: Client, vault: Vault, scripted: Scripted, conversation: Conversation
) -> None:
    await conversation.change(summary=False)
    for number in range(1, 51):
        await conversation.turn(f"q{number}")
    await conversation.change(summary=True)
    await conversation.turn("q51")
    # A hundred messages, forty at a time.
    await conversation.summed_up(3)
    assert [asked.count("User: ") for asked in summaries(scripted)] == [20, 20, 10]
    await conversation.turn("q52")
    assert system(scripted.asked[-1]) == f"{TOLD}\nsummary 3"
