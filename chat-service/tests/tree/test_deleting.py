"""One message deleted, with all that follows it: what goes, what stays, and where the path goes on."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.ids import new_id
from chat_service.answer.domain.ending import RunStatus
from chat_service.conversations.domain.errors import MessageNotFound, SessionNotFound
from chat_service.conversations.domain.session import SessionChange, TitleBy
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.usecases.sessions import update_session

# Of conftest.py, which a test module has no name for.
Conversation = Any
Chat = Any


async def grow(conversation: Conversation) -> None:
    """One? ─ 1 ─┬ Two? ─ 2 ─ Three? ─ 3
    │            └ Zwei? ─ zwei
    ├ one
    └ eins, and that is chosen
    """
    await conversation.turn("One?", "1")
    await conversation.turn("Two?", "2")
    await conversation.turn("Three?", "3")
    edited = await conversation.edit((await conversation.named("Two?")).id, "Zwei?")
    await conversation.end(edited, "zwei")
    for other in ("one", "eins"):
        again = await conversation.regenerate((await conversation.named("One?")).id)
        await conversation.end(again, other)


@pytest.mark.parametrize(
    ("chosen", "deleted", "goes", "path"),
    [
        # Of the chosen path: the newest beside it, and of that the newest leaf.
        ("eins", "eins", {"eins"}, ["One?", "one"]),
        ("zwei", "zwei", {"zwei"}, ["One?", "1", "Zwei?"]),
        ("zwei", "Zwei?", {"Zwei?", "zwei"}, ["One?", "1", "Two?", "2", "Three?", "3"]),
        ("3", "2", {"2", "Three?", "3"}, ["One?", "1", "Two?"]),
        ("3", "1", {"1", "Two?", "2", "Three?", "3", "Zwei?", "zwei"}, ["One?", "eins"]),
        # Of another one: it stays.
        ("eins", "Two?", {"Two?", "2", "Three?", "3"}, ["One?", "eins"]),
        ("eins", "one", {"one"}, ["One?", "eins"]),
        (
            "eins",
            "One?",
            {"One?", "1", "one", "eins", "Two?", "2", "Three?", "3", "Zwei?", "zwei"},
            [],
        ),
    ],
)
async def test_a_message_goes_with_all_that_follows_it_and_the_path_goes_on_beside_it(
    conversation: Conversation, chosen: str, deleted: str, goes: set[str], path: list[str]
) -> None:
    await grow(conversation)
    await conversation.choose((await conversation.named(chosen)).id)
    before = {one.content: one for one in await conversation.messages(all_paths=True)}
    told = await conversation.session()
    assert await conversation.measure(before[deleted].id) == len(goes)
    assert await conversation.delete_message(before[deleted].id) is None
    after = {one.content: one for one in await conversation.messages(all_paths=True)}
    assert before.keys() - after.keys() == goes
    assert await conversation.path() == path
    runs = {before[name].run_id for name in goes} - {None}
    assert set(conversation.dropped) == runs
    session = await conversation.session()
    assert session.message_count == len(after) == told.message_count - len(goes)
    assert session.last_message_at == told.last_message_at
    assert session.updated_at > told.updated_at
    # It is gone for good, and no order is given twice.
    with pytest.raises(MessageNotFound):
        await conversation.delete_message(before[deleted].id)
    with pytest.raises(MessageNotFound):
        await conversation.measure(before[deleted].id)
    await conversation.turn("And?", "On.")
    assert await conversation.path() == [*path, "And?", "On."]
    assert (await conversation.named("And?")).order == 1 + max(one.order for one in before.values())


async def test_what_was_not_read_before_what_is_deleted_is_still_unread(
    conversation: Conversation,
) -> None:
    for number in range(6):
        await conversation.turn(f"q{number}", f"a{number}")
    assert (await conversation.session()).unread
    await conversation.delete_message((await conversation.named("q1")).id)
    assert (await conversation.session()).unread
    await conversation.delete_message((await conversation.named("a0")).id)
    assert not (await conversation.session()).unread


async def test_a_question_whose_last_answer_went_is_answered_again(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    await conversation.turn("Two?", "2")
    await conversation.delete_message((await conversation.named("2")).id)
    again = await conversation.regenerate((await conversation.named("Two?")).id)
    prompt = conversation.generations.begun[-1].prompt
    assert prompt == [("user", "One?"), ("assistant", "1"), ("user", "Two?")]
    await conversation.end(again, "two")
    assert await conversation.path() == ["One?", "1", "Two?", "two"]


async def test_a_question_behind_one_without_an_answer_is_asked_with_it(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    await conversation.delete_message((await conversation.named("1")).id)
    accepted = await conversation.chat.accept(conversation.caller, conversation.id, "Two?")
    assert [(one.role, one.content) for one in accepted.prompt] == [("user", "One?\n\nTwo?")]


@pytest.mark.parametrize("deleted", ["the question", "the answer", "what is gone on with"])
async def test_the_live_run_of_what_is_deleted_goes_and_stores_nothing(
    conversation: Conversation, deleted: str
) -> None:
    await conversation.turn("One?", "1")
    first = await conversation.ask("Two?")
    await conversation.end(first, "2", RunStatus.INTERRUPTED)
    question = (await conversation.named("Two?")).id
    if deleted == "what is gone on with":
        run = await conversation.go_on(first.id)
    else:
        run = await conversation.regenerate(question)
    message_id = question if deleted == "the question" else run.answer_id
    goes = {"the question": 3, "the answer": 1, "what is gone on with": 1}[deleted]
    assert await conversation.measure(message_id) == goes
    assert await conversation.delete_message(message_id) == run.id
    assert run.id in conversation.dropped
    assert not await conversation.chat.finish(run)
    left = {"the question": [], "the answer": ["Two?", "2"], "what is gone on with": ["Two?"]}
    assert await conversation.path() == ["One?", "1", *left[deleted]]
    # Nothing is in the way of the next one.
    await conversation.turn("Three?", "3")
    assert (await conversation.session()).message_count == 4 + len(left[deleted])


async def test_a_live_run_beside_what_is_deleted_goes_on_and_is_chosen(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    run = await conversation.regenerate((await conversation.named("One?")).id)
    await conversation.choose((await conversation.named("1")).id)
    assert await conversation.delete_message((await conversation.named("1")).id) is None
    assert await conversation.path() == ["One?"]
    await conversation.end(run, "one")
    assert await conversation.path() == ["One?", "one"]


@pytest.mark.parametrize(
    ("title_by", "deleted", "title"),
    [
        (TitleBy.FIRST_LINE, "eins", "One?"),
        (TitleBy.FIRST_LINE, "Zwei?", "One?"),
        (TitleBy.FIRST_LINE, "One?", "Uno?"),
        (TitleBy.MODEL, "eins", "Made"),
        (TitleBy.MODEL, "1", "One?"),
        (TitleBy.MODEL, "One?", "Uno?"),
        (TitleBy.USER, "One?", "Mine"),
    ],
)
async def test_a_title_goes_with_what_it_was_made_of(
    conversation: Conversation, title_by: TitleBy, deleted: str, title: str
) -> None:
    await grow(conversation)
    if deleted == "One?":
        edited = await conversation.edit((await conversation.named("One?")).id, "\n# Uno?")
        await conversation.end(edited, "uno")
    transactions, caller = conversation.chat.open_transaction, conversation.caller
    if title_by is TitleBy.MODEL:
        async with transactions(caller) as transaction:
            at = (await conversation.session()).updated_at
            assert await Sessions(transaction).name(conversation.id, "Made", at)
    elif title_by is TitleBy.USER:
        named = SessionChange(title="Mine")
        resolve = conversation.chat.resolve_key
        await update_session(transactions, resolve, caller, conversation.id, named)
    await conversation.delete_message((await conversation.named(deleted)).id)
    session = await conversation.session()
    kept = session.title in ("Made", "Mine")
    assert (session.title, session.title_by) == (title, title_by if kept else TitleBy.FIRST_LINE)


async def test_what_is_not_ones_own_is_not_deleted(
    conversation: Conversation, stranger: Caller, chat: Chat
) -> None:
    await conversation.turn("Why?", "Because.")
    answer = (await conversation.named("Because.")).id
    theirs = replace(conversation, caller=stranger)
    own = replace(theirs, id=(await chat.session(stranger)).id)
    for act in ("delete_message", "measure"):
        with pytest.raises(SessionNotFound):
            await getattr(theirs, act)(answer)
        for nobodys in (answer, new_id()):
            with pytest.raises(MessageNotFound):
                await getattr(own, act)(nobodys)
    assert await conversation.path() == ["Why?", "Because."]
    await conversation.delete()
    for act in ("delete_message", "measure"):
        with pytest.raises(SessionNotFound):
            await getattr(conversation, act)(answer)


async def test_a_path_of_a_release_before_trees_is_cut_where_it_is_deleted(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    await conversation.turn("Two?", "2")
    async with conversation.chat.worker.transaction() as connection:
        of_it = {"id": conversation.id}
        await connection.execute(
            text("UPDATE messages SET parent_order = NULL WHERE session_id = :id"), of_it
        )
        await connection.execute(
            text("UPDATE sessions SET leaf_order = NULL WHERE id = :id"), of_it
        )
    ids: dict[str, UUID] = {one.content: one.id for one in await conversation.messages()}
    assert await conversation.measure(ids["1"]) == 3
    await conversation.delete_message(ids["1"])
    assert await conversation.path() == ["One?"]
    await conversation.turn("Three?", "3")
    assert await conversation.path() == ["One?", "Three?", "3"]
