"""Other answers, edited messages, and which path of a conversation is chosen."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from chassis.caller import Caller
from chassis.errors import ValidationFailed
from chassis.ids import new_id
from chat_service.answer.domain.ending import RunStatus
from chat_service.conversations.domain.errors import (
    ContextUnknown,
    MessageNotEditable,
    MessageNotFinished,
    MessageNotFound,
    SessionNotFound,
    TooManyVariants,
)
from chat_service.conversations.domain.message import MOST_VARIANTS
from chat_service.prompt.context import Why
from chat_service.runs.domain.errors import RunNotContinuable
from chat_service.runs.usecases.context import get_context
from chat_service.runs.usecases.recover import recover_run

# Of conftest.py, which a test module has no name for.
Conversation = Any
Chat = Any


async def test_another_answer_stands_beside_the_first_and_is_the_chosen_one(
    conversation: Conversation,
) -> None:
    await conversation.turn("Why?", "Because.")
    first = await conversation.named("Because.")
    run = await conversation.regenerate(first.id)
    assert await conversation.path() == ["Why?"]
    await conversation.end(run, "No reason.")
    assert await conversation.path() == ["Why?", "No reason."]
    second = await conversation.named("No reason.")
    assert second.order == 3
    assert second.variants == (*first.variants, second.id) == (first.id, second.id)
    assert second.parent_id == first.parent_id == (await conversation.named("Why?")).id
    shown = await conversation.messages(all_paths=True)
    assert [(one.content, one.chosen) for one in shown] == [
        ("Why?", True),
        ("Because.", False),
        ("No reason.", True),
    ]


async def test_another_answer_is_asked_for_with_what_came_before_its_question_alone(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    await conversation.turn("Two?", "2")
    await conversation.turn("Three?", "3")
    run = await conversation.regenerate((await conversation.named("2")).id, model="another")
    begun = conversation.generations.begun[-1]
    assert begun.prompt == [("user", "One?"), ("assistant", "1"), ("user", "Two?")]
    assert (begun.run.model, begun.run.question_order, run.answer_order) == ("another", 3, 7)
    await conversation.end(run, "two")
    assert await conversation.path() == ["One?", "1", "Two?", "two"]
    # Behind it a conversation goes on that never heard of the third question.
    accepted = await conversation.chat.accept(conversation.caller, conversation.id, "Four?")
    said = [message.content for message in accepted.prompt]
    assert said == ["One?", "1", "Two?", "two", "Four?"]


async def test_a_question_that_got_no_answer_is_answered_by_its_own_id(
    conversation: Conversation,
) -> None:
    run = await conversation.ask("Hello?")
    await conversation.end(run, "", RunStatus.FAILED)
    again = await conversation.regenerate((await conversation.named("Hello?")).id)
    await conversation.end(again, "Hello!")
    assert await conversation.path() == ["Hello?", "Hello!"]


async def test_an_edited_question_stands_beside_the_first_and_forgets_what_came_behind_that(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    await conversation.turn("Two?", "2")
    await conversation.turn("Three?", "3")
    run = await conversation.edit((await conversation.named("Two?")).id, "Zwei?")
    assert await conversation.path() == ["One?", "1", "Zwei?"]
    await conversation.end(run, "zwei")
    assert await conversation.path() == ["One?", "1", "Zwei?", "zwei"]
    edited = await conversation.named("Zwei?")
    assert edited.variants == ((await conversation.named("Two?")).id, edited.id)
    assert len(await conversation.messages(all_paths=True)) == 8


async def test_the_first_question_can_be_edited_and_there_are_two_beginnings(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    first = await conversation.named("One?")
    run = await conversation.edit(first.id, "Eins?")
    await conversation.end(run, "eins")
    assert await conversation.path() == ["Eins?", "eins"]
    edited = await conversation.named("Eins?")
    assert (edited.parent_id, edited.variants) == (None, (first.id, edited.id))


async def test_an_edited_answer_is_kept_beside_the_first_without_a_run(
    conversation: Conversation,
) -> None:
    await conversation.turn("Why?", "Because.")
    first = await conversation.named("Because.")
    edited = await conversation.edit_answer(first.id, "Because of me.")
    assert (edited.edited, edited.status, edited.run_id) == (True, None, None)
    assert (edited.order, edited.can_continue) == (3, False)
    assert await conversation.path() == ["Why?", "Because of me."]
    accepted = await conversation.chat.accept(conversation.caller, conversation.id, "And?")
    assert [one.content for one in accepted.prompt] == ["Why?", "Because of me.", "And?"]
    with pytest.raises(ContextUnknown):
        await get_context(
            conversation.chat.open_transaction, conversation.caller, conversation.id, edited.id
        )


async def test_choosing_a_message_chooses_what_was_written_behind_it_last(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    await conversation.turn("Two?", "2")
    await conversation.end(await conversation.regenerate((await conversation.named("1")).id), "one")
    await conversation.turn("Three?", "3")
    assert await conversation.path() == ["One?", "one", "Three?", "3"]
    leaf = await conversation.choose((await conversation.named("1")).id)
    assert (leaf.content, leaf.chosen) == ("2", True)
    assert await conversation.path() == ["One?", "1", "Two?", "2"]
    assert (await conversation.choose((await conversation.named("One?")).id)).content == "3"
    assert (await conversation.choose((await conversation.named("3")).id)).content == "3"
    assert await conversation.path() == ["One?", "one", "Three?", "3"]


async def test_an_answer_arrives_unchosen_where_another_was_chosen_meanwhile(
    conversation: Conversation,
) -> None:
    await conversation.turn("Why?", "Because.")
    first = await conversation.named("Because.")
    run = await conversation.regenerate(first.id)
    await conversation.choose(first.id)
    await conversation.end(run, "Late.")
    assert await conversation.path() == ["Why?", "Because."]
    late = await conversation.named("Late.")
    assert (late.chosen, late.variants) == (False, (first.id, late.id))


async def test_choosing_the_question_of_a_live_run_chooses_the_answer_to_come(
    conversation: Conversation,
) -> None:
    await conversation.turn("Why?", "Because.")
    run = await conversation.regenerate((await conversation.named("Because.")).id)
    await conversation.choose((await conversation.named("Because.")).id)
    leaf = await conversation.choose((await conversation.named("Why?")).id)
    assert leaf.content == "Why?"
    await conversation.end(run, "At last.")
    assert await conversation.path() == ["Why?", "At last."]


async def test_an_answer_on_any_path_is_gone_on_with_and_its_path_is_chosen(
    conversation: Conversation,
) -> None:
    run = await conversation.ask("Tell me.")
    await conversation.end(run, "Once upon", RunStatus.INTERRUPTED)
    cut = await conversation.named("Once upon")
    await conversation.end(await conversation.regenerate(cut.id), "Whole.")
    assert cut.can_continue
    going_on = await conversation.go_on(run.id)
    assert await conversation.path() == ["Tell me.", "Once upon"]
    await conversation.end(going_on, " a time.", prefix="Once upon")
    assert await conversation.path() == ["Tell me.", "Once upon a time."]
    assert (await conversation.named("Once upon a time.")).order == 2


async def test_an_answer_that_something_follows_is_not_gone_on_with(
    conversation: Conversation,
) -> None:
    run = await conversation.ask("Tell me.")
    await conversation.end(run, "Once upon", RunStatus.INTERRUPTED)
    await conversation.turn("And?", "Nothing.")
    assert not (await conversation.named("Once upon")).can_continue
    with pytest.raises(RunNotContinuable):
        await conversation.go_on(run.id)


async def test_a_fork_has_the_path_to_a_message_and_goes_its_own_way(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    await conversation.turn("Two?", "2")
    await conversation.end(await conversation.regenerate((await conversation.named("1")).id), "one")
    fork = replace(conversation, id=await conversation.fork((await conversation.named("Two?")).id))
    assert await fork.path() == ["One?", "1", "Two?"]
    assert [one.order for one in await fork.messages()] == [1, 2, 3]
    assert not any(one.can_continue or one.edited for one in await fork.messages())
    await fork.turn("Three?", "3")
    assert await fork.path() == ["One?", "1", "Two?", "Three?", "3"]
    assert await conversation.path() == ["One?", "one"]
    whole = replace(conversation, id=await conversation.fork())
    assert await whole.path() == ["One?", "one"]
    await whole.end(await whole.regenerate((await whole.named("one")).id), "eins")
    assert await whole.path() == ["One?", "eins"]


async def test_what_the_model_was_given_is_told_with_what_was_left_out(
    conversation: Conversation,
) -> None:
    await conversation.end(await conversation.ask("Lost?"), "", RunStatus.FAILED)
    await conversation.turn("One?", "1")
    await conversation.end(await conversation.ask("Broken?"), "", RunStatus.FAILED)
    await conversation.turn("Two?", "2")
    given = await get_context(
        conversation.chat.open_transaction,
        conversation.caller,
        conversation.id,
        (await conversation.named("2")).id,
    )
    told = [
        (part.role, [given.ids[order] for order in part.orders]) for part in given.context.parts
    ]
    ids = {one.content: one.id for one in await conversation.messages()}
    assert told == [("user", [ids["One?"]]), ("assistant", [ids["1"]]), ("user", [ids["Two?"]])]
    assert [part.characters for part in given.context.parts] == [4, 1, 4]
    assert given.context.tokens > 0
    left = [(one.message_id, one.why) for one in given.left_out]
    assert (ids["Lost?"], Why.FAILED) in left
    assert (ids["Broken?"], Why.FAILED) in left
    assert len(left) == 4


async def test_there_are_a_hundred_variants_at_most(conversation: Conversation) -> None:
    await conversation.turn("Why?", "Because.")
    first = await conversation.named("Because.")
    for number in range(MOST_VARIANTS - 1):
        await conversation.edit_answer(first.id, f"Because of {number}.")
    with pytest.raises(TooManyVariants):
        await conversation.edit_answer(first.id, "Once more.")
    with pytest.raises(TooManyVariants):
        await conversation.regenerate(first.id)
    assert len(await conversation.messages(all_paths=True)) == MOST_VARIANTS + 1


@pytest.mark.parametrize("content", ["", " ", "\u200b\u2028", "x" * 200_001, "\x00"])
async def test_an_answer_is_not_edited_into_what_is_none(
    conversation: Conversation, content: str
) -> None:
    await conversation.turn("Why?", "Because.")
    with pytest.raises(ValidationFailed) as refused:
        await conversation.edit_answer((await conversation.named("Because.")).id, content)
    assert [error.field for error in refused.value.fields] == ["content"]


async def test_each_kind_of_message_is_edited_in_its_own_way(conversation: Conversation) -> None:
    await conversation.turn("Why?", "Because.")
    with pytest.raises(MessageNotEditable):
        await conversation.edit_answer((await conversation.named("Why?")).id, "Mine.")
    with pytest.raises(MessageNotEditable):
        await conversation.edit((await conversation.named("Because.")).id, "Mine?")


async def test_what_is_not_ones_own_is_as_if_it_were_not_there(
    conversation: Conversation, stranger: Caller, chat: Chat
) -> None:
    await conversation.turn("Why?", "Because.")
    answer = await conversation.named("Because.")
    theirs = replace(conversation, caller=stranger)
    own = replace(theirs, id=(await chat.session(stranger)).id)
    for act in (
        lambda who, one: who.regenerate(one),
        lambda who, one: who.edit(one, "Mine?"),
        lambda who, one: who.edit_answer(one, "Mine."),
        lambda who, one: who.choose(one),
        lambda who, one: who.fork(one),
        lambda who, one: get_context(chat.open_transaction, who.caller, who.id, one),
    ):
        with pytest.raises(SessionNotFound):
            await act(theirs, answer.id)
        for nobodys in (answer.id, new_id()):
            with pytest.raises(MessageNotFound):
                await act(own, nobodys)
    assert await own.messages(all_paths=True) == []
    assert await conversation.path() == ["Why?", "Because."]


async def test_an_answer_that_is_yet_to_come_is_not_finished_rather_than_not_there(
    conversation: Conversation, chat: Chat
) -> None:
    await conversation.turn("Why?", "Because.")
    run = await conversation.regenerate((await conversation.named("Because.")).id)
    acts: list[Callable[[], Awaitable[object]]] = [
        lambda: conversation.regenerate(run.answer_id),
        lambda: conversation.edit(run.answer_id, "Mine?"),
        lambda: conversation.edit_answer(run.answer_id, "Mine."),
        lambda: conversation.choose(run.answer_id),
        lambda: conversation.fork(run.answer_id),
        lambda: get_context(
            chat.open_transaction, conversation.caller, conversation.id, run.answer_id
        ),
    ]
    for act in acts:
        with pytest.raises(MessageNotFinished):
            await act()
    await conversation.end(run, "At last.")
    assert (await conversation.choose(run.answer_id)).content == "At last."


async def test_the_live_run_is_the_one_to_recover_on_whatever_path(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    await conversation.turn("Two?", "2")
    run = await conversation.regenerate((await conversation.named("1")).id)
    await conversation.choose((await conversation.named("2")).id)

    async def recall(_: object) -> None:
        return None

    class Nothing:
        def find(self, run_id: UUID) -> None: ...
        def find_unsaved(self, session_id: UUID) -> None: ...

    async def recovered() -> UUID:
        found = await recover_run(
            conversation.chat.open_transaction,
            Nothing(),
            recall,
            conversation.caller,
            conversation.id,
        )
        return found.run.id

    assert await recovered() == run.id
    await conversation.end(run, "one")
    assert await recovered() == run.id
