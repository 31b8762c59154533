"""Ending a run, on a real database: once, and by nobody but its owner."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from chassis.caller import Caller
from chat_service.answer.domain.ending import Ending, RunStatus, Usage
from chat_service.conversations.domain.message import Role
from chat_service.runs.usecases.read import get_run_with_messages

from .chat import Chat


async def test_the_answer_is_stored_with_its_reserved_order(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    accepted = await chat.accept(caller, session.id)
    assert await chat.finish(accepted.run)
    found = await get_run_with_messages(chat.open_transaction, caller, accepted.run.id)
    assert found.run.status is RunStatus.COMPLETED
    assert (found.run.finish_reason, found.run.last_seq) == ("stop", 5)
    assert found.run.usage == Usage(3, 2)
    assert found.run.ended_at is not None
    answer = found.answer
    assert answer is not None
    assert (answer.id, answer.order, answer.role) == (accepted.run.answer_id, 2, Role.ASSISTANT)
    assert (answer.content, answer.run_id) == ("an answer", accepted.run.id)
    assert (answer.provider, answer.model) == ("openai", "model-of-the-connection")
    assert (answer.status, answer.usage) == (RunStatus.COMPLETED, Usage(3, 2))
    assert answer.reasoning is None
    session = await chat.read_session(caller, session.id)
    assert session.message_count == 2
    assert session.last_message_at == answer.created_at


async def test_a_replica_whose_clock_is_slow_moves_no_conversation_back(
    chat: Chat, caller: Caller
) -> None:
    run = (await chat.accept(caller, None)).run
    assert run.session_id is not None
    before = await chat.read_session(caller, run.session_id)
    assert await chat.turns.end(run, chat.ending, run.created_at - timedelta(minutes=10))
    session = await chat.read_session(caller, run.session_id)
    assert session.message_count == before.message_count + 1
    for name in ("last_message_at", "active_at", "updated_at"):
        assert getattr(session, name) >= getattr(before, name), name


async def test_until_it_is_saved_the_answer_is_absent(chat: Chat, caller: Caller) -> None:
    accepted = await chat.accept(caller, None)
    found = await get_run_with_messages(chat.open_transaction, caller, accepted.run.id)
    assert found.question is not None
    assert found.answer is None


async def test_a_failed_run_ends_in_an_empty_answer(chat: Chat, caller: Caller) -> None:
    accepted = await chat.accept(caller, None)
    ending = Ending(RunStatus.FAILED, "PROVIDER_REFUSED", None, "", "thought", None, 2)
    assert await chat.finish(accepted.run, ending)
    found = await get_run_with_messages(chat.open_transaction, caller, accepted.run.id)
    assert (found.run.status, found.run.reason) == (RunStatus.FAILED, "PROVIDER_REFUSED")
    assert found.answer is not None
    assert (found.answer.content, found.answer.reasoning) == ("", "thought")
    assert (found.answer.status, found.answer.usage) == (RunStatus.FAILED, None)


async def test_a_second_finish_changes_nothing(chat: Chat, caller: Caller) -> None:
    accepted = await chat.accept(caller, None)
    assert await chat.finish(accepted.run)
    assert not await chat.finish(accepted.run, replace(chat.ending, text="something else"))
    messages = await chat.messages(caller, accepted.run.session_id)
    assert [message.content for message in messages] == ["a question", "an answer"]
    assert (await chat.read_session(caller, accepted.run.session_id)).message_count == 2


async def test_of_many_simultaneous_finishes_one_counts(chat: Chat, caller: Caller) -> None:
    accepted = await chat.accept(caller, None)
    outcomes = await asyncio.gather(*(chat.finish(accepted.run) for _ in range(8)))
    assert sorted(outcomes) == [False] * 7 + [True]
    assert len(await chat.messages(caller, accepted.run.session_id)) == 2
    assert (await chat.read_session(caller, accepted.run.session_id)).message_count == 2


async def test_a_run_of_another_epoch_is_not_ours_to_end(chat: Chat, caller: Caller) -> None:
    accepted = await chat.accept(caller, None)
    async with chat.app.transaction(caller) as connection:
        await connection.execute(text("UPDATE runs SET epoch = 2"))
    assert not await chat.finish(accepted.run)
    assert len(await chat.messages(caller, accepted.run.session_id)) == 1
    assert await chat.finish(replace(accepted.run, epoch=2))


async def test_an_epoch_raised_while_the_finish_waits_wins(chat: Chat, caller: Caller) -> None:
    accepted = await chat.accept(caller, None)
    async with chat.app.transaction(caller) as connection:
        await connection.execute(text("UPDATE runs SET epoch = 2"))
        waiting = asyncio.create_task(chat.finish(accepted.run))
        await chat.somebody_waits()
    assert not await waiting
    assert len(await chat.messages(caller, accepted.run.session_id)) == 1


async def test_a_finish_that_waited_for_the_session_counts_on_its_newest_state(
    chat: Chat, caller: Caller
) -> None:
    accepted = await chat.accept(caller, None)
    async with chat.app.transaction(caller) as connection:
        await connection.execute(text("UPDATE sessions SET title = 'x', message_count = 41"))
        waiting = asyncio.create_task(chat.finish(accepted.run))
        await chat.somebody_waits()
    assert await waiting
    session = await chat.read_session(caller, accepted.run.session_id)
    assert (session.title, session.message_count) == ("x", 42)


async def test_a_deleted_sessions_run_saves_nothing(chat: Chat, caller: Caller) -> None:
    accepted = await chat.accept(caller, None)
    async with chat.app.transaction(caller) as connection:
        await connection.execute(text("DELETE FROM sessions"))
    assert not await chat.finish(accepted.run)
