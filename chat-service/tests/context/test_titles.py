"""A conversation is named by the model that answers in it, once, if its user wants that of models."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from chassis.caller import Caller
from chassis.testing import eventually
from chat_service.answer.domain.ending import Ending, RunStatus
from chat_service.asides.ask import Asides
from chat_service.asides.behind import Ended
from chat_service.notices.domain.notice import Notice
from chat_service.titles.behind import Titles
from chat_service.user_settings.domain.settings import SettingsChange
from chat_service.user_settings.store.copy import take_changes
from parley.chat.v1 import chat_pb2

# Of the conftests, for which there is no name here.
Chat = Any
Client = Any
Preferences = Any
Scripted = Any
Reply = Any
Vault = Any

TITLE = "Tea in the afternoon"


def is_title(body: dict[str, Any]) -> bool:
    return "title of at most 8 words" in body["messages"][-1]["content"]


def titles_in(asked: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [body for body in asked if is_title(body)]


@pytest.fixture
def named(scripted: Scripted, vault: Vault, reply: type[Reply]) -> Scripted:
    """A model that answers and, when it is asked, has a title."""
    vault.base_url = scripted.base_url
    vault.model = "m"
    scripted.rule = lambda body: reply(f'**Title:** "{TITLE}"' if is_title(body) else "It is nice.")
    return scripted


@pytest_asyncio.fixture
async def wanting(client: Client, preferences: Preferences, caller: Caller) -> Client:
    """A user who wants titles by models."""
    preferences.set(caller, titles_by_model=True)
    await client.take_settings()
    return client


async def session_of(client: Client, session_id: str) -> chat_pb2.Session:
    request = chat_pb2.GetSessionRequest(id=session_id)
    session: chat_pb2.Session = (await client.call("GetSession", request)).session
    return session


async def is_named(client: Client, session_id: str) -> chat_pb2.Session:
    """The session, once a model has named it."""

    async def found() -> chat_pb2.Session | None:
        session = await session_of(client, session_id)
        return session if session.title_by == chat_pb2.TITLE_BY_MODEL else None

    session = await eventually(found, timeout=30)
    assert session is not None
    return session


def count(outcome: str) -> float:
    labels = {"purpose": "title", "outcome": outcome}
    return REGISTRY.get_sample_value("chat_asides_total", labels) or 0


async def test_behind_the_first_answer_the_model_names_the_conversation_and_all_screens_hear_of_it(
    named: Scripted, wanting: Client
) -> None:
    async with wanting.watch() as notices:
        cursor = (await anext(notices)).cursor
        accepted, frames = await wanting.ask("Do you like tea?", temperature=0.5)
        assert frames[-1].event == "done"
        session = await is_named(wanting, accepted.session_id)
        assert session.title == TITLE
        told: list[dict[str, Any]] = []
        async with asyncio.timeout(30):
            async for response in notices:
                told += [orjson.loads(notice.data) for notice in response.notices]
                if any(one.get("change") == "changed" for one in told):
                    break
    assert cursor
    assert told[-1] == {
        "topic": "sessions",
        "change": "changed",
        "session_id": accepted.session_id,
    }
    (asked,) = titles_in(named.asked)
    assert asked["model"] == "m"
    assert asked["messages"][0]["content"].endswith(
        "Question:\nDo you like tea?\n\nAnswer:\nIt is nice."
    )
    # Nothing more is asked behind later answers.
    await wanting.ask("And coffee?", session_id=accepted.session_id)
    await wanting.ask("And water?", session_id=accepted.session_id)
    assert len(titles_in(named.asked)) == 1
    assert len(named.asked) == 4


async def test_a_conversation_that_was_made_first_is_named_too(
    named: Scripted, wanting: Client
) -> None:
    made = (await wanting.call("CreateSession", chat_pb2.CreateSessionRequest())).session
    assert made.title_by == chat_pb2.TITLE_BY_FIRST_LINE
    await wanting.ask("Do you like tea?", session_id=made.id)
    assert (await is_named(wanting, made.id)).title == TITLE


async def test_nobody_is_asked_for_who_does_not_want_that_or_has_named_it(
    named: Scripted,
    client: Client,
    strange_client: Client,
    preferences: Preferences,
    caller: Caller,
) -> None:
    await client.ask("Do you like tea?")
    preferences.set(caller, titles_by_model=True)
    await client.take_settings()
    own = chat_pb2.CreateSessionRequest(title="Mine")
    made = (await client.call("CreateSession", own)).session
    assert made.title_by == chat_pb2.TITLE_BY_USER
    await client.ask("Do you like tea?", session_id=made.id)
    await strange_client.ask("Do you like tea?")
    assert len(named.asked) == 3
    # Whoever wants it is asked for, so that the others would have been by now.
    accepted, _ = await client.ask("Do you like tea?")
    await is_named(client, accepted.session_id)
    assert len(titles_in(named.asked)) == 1
    assert (await session_of(client, made.id)).title == "Mine"


async def test_what_its_user_writes_meanwhile_stays_and_the_stream_does_not_wait(
    named: Scripted, wanting: Client, reply: type[Reply]
) -> None:
    held = asyncio.Event()
    named.rule = lambda body: reply(TITLE, held=held) if is_title(body) else reply("It is nice.")
    answered = count("answered")
    accepted, frames = await wanting.ask("Do you like tea?")
    assert frames[-1].event == "done"
    await eventually(lambda: named.waiting == 1)
    session = await session_of(wanting, accepted.session_id)
    assert (session.title, session.title_by) == (
        "Do you like tea?",
        chat_pb2.TITLE_BY_FIRST_LINE,
    )
    await wanting.call(
        "UpdateSession", chat_pb2.UpdateSessionRequest(id=accepted.session_id, title="Mine")
    )
    held.set()
    await eventually(lambda: count("answered") == answered + 1)
    # Whoever came later has named another one, so that this one would have been, too.
    other, _ = await wanting.ask("Do you like coffee?")
    await is_named(wanting, other.session_id)
    session = await session_of(wanting, accepted.session_id)
    assert (session.title, session.title_by) == ("Mine", chat_pb2.TITLE_BY_USER)


async def test_a_failure_is_counted_and_nobody_hears_of_it_or_tries_again(
    named: Scripted, wanting: Client, reply: type[Reply]
) -> None:
    named.rule = lambda body: (
        reply("broken", status=500) if is_title(body) else reply("It is nice.")
    )
    failed = count("failed")
    accepted, frames = await wanting.ask("Do you like tea?")
    assert frames[-1].event == "done"
    await eventually(lambda: count("failed") == failed + 1)
    named.rule = lambda body: reply(TITLE if is_title(body) else "It is nice.")
    await wanting.ask("And coffee?", session_id=accepted.session_id)
    assert len(titles_in(named.asked)) == 1
    session = await session_of(wanting, accepted.session_id)
    assert (session.title, session.title_by) == (
        "Do you like tea?",
        chat_pb2.TITLE_BY_FIRST_LINE,
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "I'm sorry, but I can't help with that."},
        {"text": TITLE, "finish_reason": "content_filter"},
        {"text": TITLE, "finish_reason": "length"},
        {"text": TITLE, "finish_reason": None},
        {"refusal": "I would rather not."},
        {"text": " "},
    ],
)
async def test_what_is_not_a_whole_title_leaves_the_first_line(
    named: Scripted, wanting: Client, reply: type[Reply], answer: dict[str, Any]
) -> None:
    named.rule = lambda body: reply(**answer) if is_title(body) else reply("It is nice.")
    failed = count("failed")
    accepted, _ = await wanting.ask("Do you like tea?")
    await eventually(lambda: count("failed") == failed + 1)
    session = await session_of(wanting, accepted.session_id)
    assert (session.title, session.title_by) == (
        "Do you like tea?",
        chat_pb2.TITLE_BY_FIRST_LINE,
    )


async def test_the_first_whole_answer_counts_and_thinking_is_no_part_of_it(
    named: Scripted, wanting: Client, reply: type[Reply]
) -> None:
    named.rule = lambda _: reply("broken", status=500)
    accepted, frames = await wanting.ask("Do you like tea?")
    assert frames[-1].event == "error"
    named.rule = lambda body: reply(
        f"<think>A title, well.</think>\n{TITLE}" if is_title(body) else "It is nice."
    )
    await wanting.ask("Do you like coffee?", session_id=accepted.session_id)
    session = await is_named(wanting, accepted.session_id)
    assert session.title == TITLE
    (asked,) = titles_in(named.asked)
    assert "Question:\nDo you like coffee?" in asked["messages"][0]["content"]


async def want(chat: Chat, caller: Caller) -> None:
    told = SettingsChange(1, caller.user_id, caller.tenant_id, "", None, True, None)
    async with chat.worker.transaction() as connection:
        await take_changes(connection, [told])


async def ended_of(chat: Chat, caller: Caller, connection: Any, session_id: UUID | None) -> Ended:
    accepted = await chat.accept(caller, session_id, "Do you like tea?")
    assert await chat.finish(accepted.run)
    ending: Ending = chat.ending
    return Ended(accepted.run, connection, accepted.prompt, ending)


async def test_a_title_counts_as_an_answer_does_of_what_its_user_may_use(
    chat: Chat, caller: Caller, scripted: Scripted, asides: Asides, reply: type[Reply]
) -> None:
    usage = {"prompt_tokens": 90, "completion_tokens": 10}
    scripted.rule = lambda _: reply(TITLE, usage=usage)
    await want(chat, caller)
    told: list[Notice] = []
    titles = Titles(asides, chat.open_transaction, told.append)
    connection = scripted.connection(owner="operator", daily_tokens=100)
    for _ in range(2):
        ended = await ended_of(chat, caller, connection, None)
        titles.behind(replace(ended, run=replace(ended.run, model="that answered")))
        await eventually(lambda: asides.held == {"asides": 0})
    # The second one would have been beyond the hundred of the day.
    assert [body["model"] for body in scripted.asked] == ["that answered"]
    assert len(told) == 1
    async with chat.worker.transaction() as worker:
        driver = (await worker.get_raw_connection()).driver_connection
        assert driver is not None
        (row,) = await (
            await driver.execute(
                "SELECT prompt_tokens + completion_tokens FROM usage_days WHERE purpose = 'title'"
            )
        ).fetchall()
    assert row[0] == 100


async def test_what_was_deleted_or_erased_meanwhile_is_not_named(
    chat: Chat, caller: Caller, scripted: Scripted, asides: Asides, reply: type[Reply]
) -> None:
    held = asyncio.Event()
    scripted.rule = lambda _: reply(TITLE, held=held)
    await want(chat, caller)
    told: list[Notice] = []
    titles = Titles(asides, chat.open_transaction, told.append)
    ended = await ended_of(chat, caller, scripted.connection(), None)
    titles.behind(ended)
    await eventually(lambda: scripted.waiting == 1)
    async with chat.erasing(caller).transaction():
        pass
    held.set()
    await eventually(lambda: asides.held == {"asides": 0})
    assert told == []
    session = await chat.read_session(caller, ended.run.session_id)
    assert session.title == "Do you like tea?"


@pytest.mark.parametrize("all_of_it", [True, False])
async def test_what_was_deleted_meanwhile_names_nothing(
    named: Scripted, wanting: Client, reply: type[Reply], *, all_of_it: bool
) -> None:
    held = asyncio.Event()
    named.rule = lambda body: reply(TITLE, held=held) if is_title(body) else reply("It is nice.")
    answered = count("answered")
    accepted, _ = await wanting.ask("Do you like tea?")
    await eventually(lambda: named.waiting == 1, timeout=30)
    if all_of_it:
        cleared = chat_pb2.ClearSessionRequest(id=accepted.session_id)
        await wanting.call("ClearSession", cleared)
    else:
        deleted = chat_pb2.DeleteMessageRequest(
            session_id=accepted.session_id, message_id=accepted.answer_id
        )
        await wanting.call("DeleteMessage", deleted)
    held.set()
    await eventually(lambda: count("answered") == answered + 1, timeout=30)
    # Whoever came later has named another one, so that this one would have been, too.
    other, _ = await wanting.ask("Do you like coffee?")
    await is_named(wanting, other.session_id)
    session = await session_of(wanting, accepted.session_id)
    left = "" if all_of_it else "Do you like tea?"
    assert (session.title, session.title_by) == (left, chat_pb2.TITLE_BY_FIRST_LINE)
    await wanting.ask("Do you like milk?", session_id=accepted.session_id)
    await is_named(wanting, accepted.session_id)


async def test_nothing_is_asked_behind_what_is_not_whole(
    chat: Chat, caller: Caller, scripted: Scripted, asides: Asides
) -> None:
    await want(chat, caller)
    titles = Titles(asides, chat.open_transaction, lambda _: None)
    ended = await ended_of(chat, caller, scripted.connection(), None)
    assert ended.run.wants_title
    for status in RunStatus:
        if status is not RunStatus.COMPLETED:
            titles.behind(Ended(ended.run, ended.connection, ended.prompt, _with(status)))
    assert asides.held == {"asides": 0}


def _with(status: RunStatus) -> Ending:
    return Ending(status, None, None, "It is nice.", "", None, 3)


async def test_a_first_answer_that_was_cut_short_is_named_when_it_was_gone_on_with(
    wanting: Client, vault: Vault, scripted: Scripted, reply: type[Reply]
) -> None:
    """The cut is the scripted model server's; the rest is by the other one."""
    cut = vault.base_url
    vault.model = "cut-after-5"
    accepted, frames = await wanting.ask("Do you like tea?")
    assert frames[-1].event in {"done", "error"}
    assert cut != scripted.base_url
    vault.base_url, vault.model = scripted.base_url, "m"
    scripted.rule = lambda body: reply(TITLE if is_title(body) else " and more")
    await wanting.go_on(accepted.run_id)
    assert (await is_named(wanting, accepted.session_id)).title == TITLE
    (asked,) = titles_in(scripted.asked)
    assert "Question:\nDo you like tea?" in asked["messages"][0]["content"]


async def test_what_is_asked_about_is_the_question_as_it_was_written_and_no_file_of_it(
    chat: Chat, caller: Caller, scripted: Scripted, asides: Asides, reply: type[Reply]
) -> None:
    """Whatever a model was told of its files, and also where it looks like one itself."""
    written = 'What is wrong with <file name="a">\n1\n</file>\n\nhere?'
    scripted.rule = lambda _: reply(TITLE)
    await want(chat, caller)
    accepted = await chat.accept(caller, None, written)
    assert await chat.finish(accepted.run)
    *before, asked = accepted.prompt
    told = replace(
        asked, content=f'[The file "a.png": a picture, which you cannot see.]\n\n{written}'
    )
    titles = Titles(asides, chat.open_transaction, lambda _: None)
    titles.behind(Ended(accepted.run, scripted.connection(), [*before, told], chat.ending))
    await eventually(lambda: asides.held == {"asides": 0})
    (body,) = scripted.asked
    (said,) = body["messages"]
    assert said["content"].endswith(f"Question:\n{written}\n\nAnswer:\n{chat.ending.text}")
