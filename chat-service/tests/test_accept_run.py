"""Accepting a question, on a real database."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.owners import OwnerErased
from chassis.errors import FieldError, ValidationFailed
from chassis.idempotency import RequestKey
from chassis.ids import new_id
from chat_service.answer.domain.ending import Ending, RunStatus
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.message import Role
from chat_service.prompt.room import ContextWindow
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.admission import Admission, NewRun, OtherConnection, RepeatedRequest
from chat_service.runs.domain.errors import RunInProgress, TooManyRuns
from chat_service.runs.domain.limits import Limits
from chat_service.runs.domain.run import Run
from chat_service.runs.store.turns import Turns
from chat_service.runs.usecases.read import get_run

# `Chat` of conftest.py, which a test module has no name for.
Chat = Any


async def test_an_accepted_question_is_stored_with_its_run(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    accepted = await chat.accept(caller, session.id, "How are you?")
    run = accepted.run
    assert (run.question_order, run.answer_order) == (1, 2)
    assert (run.status, run.epoch, run.owner) == (RunStatus.RUNNING, 1, "replica-1")
    assert (run.provider, run.model) == ("openai", "model-of-the-connection")
    assert accepted.prompt == (PromptMessage("user", "How are you?"),)
    assert await get_run(chat.open_transaction, caller, run.id) == run
    (question,) = await chat.messages(caller, session.id)
    assert (question.id, question.order, question.role) == (run.question_id, 1, Role.USER)
    assert (question.content, question.created_at) == ("How are you?", run.created_at)
    assert question.run_id is None
    session = await chat.read_session(caller, session.id)
    assert (session.message_count, session.title) == (1, "How are you?")
    assert session.last_message_at == session.active_at == run.created_at


async def test_a_question_without_a_session_gets_one_made(chat: Chat, caller: Caller) -> None:
    key_id = new_id()
    accepted = await chat.accept(caller, None, "Hello there", key_id=key_id, model="m1")
    session = await chat.read_session(caller, accepted.run.session_id)
    assert (session.title, session.key_id, session.model) == ("Hello there", key_id, "m1")
    assert session.message_count == 1
    assert accepted.run.model == "m1"
    assert await chat.finish(accepted.run)
    again = await chat.accept(caller, session.id, guessed_key_id=key_id)
    assert again.run.question_order == 3


async def test_a_title_that_was_given_stays(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller, title="Mine")
    await chat.turn(caller, session.id, "How are you?")
    assert (await chat.read_session(caller, session.id)).title == "Mine"


async def test_the_model_is_the_questions_then_the_sessions_then_the_connections(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller, model="of the session")
    first = await chat.accept(caller, session.id, model="of the question")
    assert first.run.model == "of the question"
    await chat.finish(first.run)
    second = await chat.accept(caller, session.id)
    assert second.run.model == "of the session"


async def test_a_connection_is_asked_for_no_model_that_it_is_not_open_for(
    chat: Chat, caller: Caller
) -> None:
    beyond = await chat.session(caller, model="another")
    within = await chat.session(caller, model="open")
    models = (chat.connection.model, "open")
    chat = replace(chat, connection=replace(chat.connection, models=models))
    # What the conversation has from elsewhere is passed over; what is asked for just now is refused.
    first = await chat.accept(caller, beyond.id)
    assert first.run.model == chat.connection.model
    assert (await chat.accept(caller, within.id)).run.model == "open"
    assert (await chat.accept(caller, None, model="open")).run.model == "open"
    await chat.finish(first.run)
    for session_id in (beyond.id, None):
        with pytest.raises(ValidationFailed) as refused:
            await chat.accept(caller, session_id, model="another")
        assert refused.value.fields == (FieldError("model", "NOT_ONE_OF"),)


async def test_a_second_question_is_refused_while_a_run_is_live(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    live = await chat.accept(caller, session.id)
    with pytest.raises(RunInProgress) as refused:
        await chat.accept(caller, session.id)
    assert refused.value.metadata == {"run_id": str(live.run.id)}
    assert [m.order for m in await chat.messages(caller, session.id)] == [1]
    assert (await chat.read_session(caller, session.id)).message_count == 1
    await chat.finish(live.run)
    assert (await chat.accept(caller, session.id)).run.question_order == 3


async def test_a_user_has_so_many_runs_at_once_and_others_have_theirs(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    limits = Limits(runs_per_user=2)
    session = await chat.session(caller)
    live = await chat.accept(caller, session.id, limits=limits)
    await chat.accept(caller, None, limits=limits)
    another = await chat.session(caller)
    for session_id in (another.id, None):
        with pytest.raises(TooManyRuns) as refused:
            await chat.accept(caller, session_id, limits=limits)
        assert (refused.value.http_status, bool(refused.value.retry_after)) == (429, True)
    # Nothing of the refused ones is there, and what is said of a live run comes first.
    assert await chat.messages(caller, another.id) == []
    assert (await chat.read_session(caller, another.id)).message_count == 0
    with pytest.raises(RunInProgress):
        await chat.accept(caller, session.id, limits=limits)
    await chat.accept(stranger, None, limits=limits)
    await chat.finish(live.run)
    await chat.accept(caller, another.id, limits=limits)


async def test_simultaneous_sends_exceed_the_bound_by_no_more_than_their_number(
    chat: Chat, caller: Caller
) -> None:
    limits = Limits(runs_per_user=3)
    await asyncio.gather(
        *(chat.accept(caller, None, limits=limits) for _ in range(8)), return_exceptions=True
    )
    with pytest.raises(TooManyRuns):
        await chat.accept(caller, None, limits=limits)


async def test_the_prompt_holds_what_was_said_before(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    for number in range(3):
        await chat.turn(caller, session.id, f"question {number}")
    accepted = await chat.accept(
        caller, session.id, "and now?", window=ContextWindow(pairs=2, characters=1000)
    )
    assert [(m.role, m.content) for m in accepted.prompt] == [
        ("user", "question 1"),
        ("assistant", "an answer"),
        ("user", "question 2"),
        ("assistant", "an answer"),
        ("user", "and now?"),
    ]


async def test_the_prompt_keeps_to_its_budget_of_characters(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    await chat.turn(caller, session.id, "x" * 500)
    await chat.turn(caller, session.id, "你好")
    accepted = await chat.accept(caller, session.id, "!", window=ContextWindow(10, characters=12))
    assert [m.content for m in accepted.prompt] == ["你好", "an answer", "!"]


# How an answer without a word ended, and whether its question came before a model: then it is joined to
# the next one.
WORDLESS = (
    (RunStatus.INTERRUPTED, "OWNER_LOST", True),
    (RunStatus.FAILED, "PROVIDER_UNREACHABLE", True),
    (RunStatus.FAILED, "PROVIDER_UNAUTHORIZED", True),
    (RunStatus.COMPLETED, None, False),
    (RunStatus.CANCELLED, "CANCELLED_BY_USER", False),
    (RunStatus.FAILED, "PROVIDER_FAILED", False),
    (RunStatus.FAILED, "PROVIDER_RATE_LIMITED", False),
    (RunStatus.FAILED, "OF_A_LATER_VERSION", False),
)


@pytest.mark.parametrize(("status", "reason", "joined"), WORDLESS)
async def test_a_question_that_got_no_word_does_not_come_between(
    chat: Chat, caller: Caller, status: RunStatus, reason: str | None, joined: bool
) -> None:
    session = await chat.session(caller)
    await chat.turn(caller, session.id, "first")
    for blank in ("", " \n\t"):
        run = (await chat.accept(caller, session.id, "lost")).run
        assert await chat.finish(
            run, replace(chat.ending, status=status, reason=reason, text=blank)
        )
    then = "lost\n\nthen" if joined else "then"
    accepted = await chat.accept(caller, session.id, "then")
    assert [m.content for m in accepted.prompt] == ["first", "an answer", then]
    assert await chat.finish(accepted.run)
    accepted = await chat.accept(caller, session.id, "last")
    contents = [m.content for m in accepted.prompt]
    assert contents == ["first", "an answer", then, "an answer", "last"]


async def test_an_answer_that_failed_behind_its_first_word_is_one(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller)
    run = (await chat.accept(caller, session.id, "first")).run
    broke = replace(chat.ending, status=RunStatus.FAILED, reason="PROVIDER_BROKE", text="Once")
    assert await chat.finish(run, broke)
    accepted = await chat.accept(caller, session.id, "second")
    assert [m.content for m in accepted.prompt] == ["first", "Once", "second"]


async def test_however_often_it_failed_the_pairs_before_are_shown(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller)
    window = ContextWindow(pairs=2, characters=1000)
    for words in ("first", "second", "third"):
        await chat.turn(caller, session.id, words)
    for at in range(30):
        run = (await chat.accept(caller, session.id, f"lost {at}")).run
        lost = replace(chat.ending, status=RunStatus.FAILED, reason="PROVIDER_FAILED", text="")
        assert await chat.finish(run, lost)
    accepted = await chat.accept(caller, session.id, "last", window=window)
    contents = [m.content for m in accepted.prompt]
    assert contents == ["second", "an answer", "third", "an answer", "last"]


async def test_thinking_in_an_answer_of_an_earlier_version_takes_no_room(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller)
    run = (await chat.accept(caller, session.id, "first")).run
    thought = replace(chat.ending, text="<think>" + "x" * 500 + "</think>Yes.")
    assert await chat.finish(run, thought)
    window = ContextWindow(pairs=9, characters=len("firstYes.second"))
    accepted = await chat.accept(caller, session.id, "second", window=window)
    assert [m.content for m in accepted.prompt] == ["first", "Yes.", "second"]


async def test_somebody_elses_session_is_absent(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    session = await chat.session(caller)
    with pytest.raises(SessionNotFound):
        await chat.accept(stranger, session.id)
    with pytest.raises(SessionNotFound):
        await chat.accept(caller, new_id())
    assert await chat.messages(caller, session.id) == []


async def test_a_session_set_to_another_connection_stores_nothing(
    chat: Chat, caller: Caller
) -> None:
    key_id = new_id()
    session = await chat.session(caller, key_id=key_id)
    with pytest.raises(OtherConnection) as other:
        await chat.accept(caller, session.id)
    assert other.value.key_id == key_id
    assert await chat.messages(caller, session.id) == []
    # The question's own key needs no guess, and a right guess passes.
    accepted = await chat.accept(caller, session.id, key_id=new_id())
    await chat.finish(accepted.run)
    assert await chat.accept(caller, session.id, guessed_key_id=key_id)


async def test_a_session_back_on_the_default_connection_refuses_the_old_guess(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller)
    with pytest.raises(OtherConnection) as other:
        await chat.accept(caller, session.id, guessed_key_id=new_id())
    assert other.value.key_id is None


@pytest.mark.slow
async def test_rounds_of_fifty_simultaneous_sends_leave_no_gap(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)

    async def send() -> bool:
        try:
            accepted = await chat.accept(caller, session.id)
        except RunInProgress:
            return False
        assert await chat.finish(accepted.run)
        return True

    for _ in range(3):
        assert any(await asyncio.gather(*(send() for _ in range(50))))
    messages = await chat.messages(caller, session.id)
    assert [message.order for message in messages] == list(range(1, len(messages) + 1))
    assert [message.role for message in messages] == [Role.USER, Role.ASSISTANT] * (
        len(messages) // 2
    )
    assert (await chat.read_session(caller, session.id)).message_count == len(messages)


async def test_of_fifty_simultaneous_sends_one_is_accepted(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    results = await asyncio.gather(
        *(chat.accept(caller, session.id) for _ in range(50)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, RunInProgress)]
    (accepted,) = [result for result in results if not isinstance(result, BaseException)]
    assert len(refused) == 49
    assert {error.metadata["run_id"] for error in refused} == {str(accepted.run.id)}


async def test_a_send_that_waited_for_the_end_of_a_run_sees_its_answer_and_has_its_room(
    chat: Chat, caller: Caller
) -> None:
    session, limits = await chat.session(caller), Limits(runs_per_user=1)
    live = await chat.accept(caller, session.id, "first")
    async with chat.finishing(live.run):
        waiting = asyncio.create_task(chat.accept(caller, session.id, "second", limits=limits))
        await chat.somebody_waits()
    accepted = await waiting
    assert [m.content for m in accepted.prompt] == ["first", "an answer", "second"]
    assert (accepted.run.question_order, accepted.run.answer_order) == (3, 4)


@dataclass
class Watched:
    """Turns that remember how often a question was not admitted at once."""

    turns: Turns
    declined: int = 0

    async def admit(
        self, new: NewRun, window: ContextWindow, runs_per_user: int, guessed_key_id: UUID | None
    ) -> Admission | None:
        admission = await self.turns.admit(new, window, runs_per_user, guessed_key_id)
        self.declined += admission is None
        return admission

    async def end(self, run: Run, ending: Ending, at: datetime) -> bool:
        return await self.turns.end(run, ending, at)


@pytest.fixture
def watched(chat: Chat) -> tuple[Chat, Watched]:
    turns = Watched(chat.turns)
    return replace(chat, turns=turns), turns


async def test_nothing_but_one_statement_is_needed_where_nothing_is_in_the_way(
    watched: tuple[Chat, Watched], caller: Caller
) -> None:
    chat, turns = watched
    key_id = new_id()
    session = await chat.session(caller, key_id=key_id)
    for words in ("first", "second"):
        accepted = await chat.accept(caller, session.id, words, guessed_key_id=key_id)
        assert await chat.finish(accepted.run)
    # A key of the question's own needs no guess.
    accepted = await chat.accept(caller, session.id, "third", key_id=new_id())
    assert [m.content for m in accepted.prompt] == [
        "first",
        "an answer",
        "second",
        "an answer",
        "third",
    ]
    assert (accepted.run.question_order, turns.declined) == (5, 0)


async def test_what_is_not_admitted_at_once_has_changed_nothing(
    watched: tuple[Chat, Watched], caller: Caller
) -> None:
    chat, turns = watched
    session = await chat.session(caller)
    request = RequestKey("once", b"hash")
    await chat.accept(caller, session.id, "first", request=request)
    before = await chat.read_session(caller, session.id)
    # It is live; it was sent before; the guess is wrong; the session is not there.
    with pytest.raises(RunInProgress):
        await chat.accept(caller, session.id)
    with pytest.raises(RepeatedRequest):
        await chat.accept(caller, session.id, "first", request=request)
    with pytest.raises(SessionNotFound):
        await chat.accept(caller, new_id())
    assert turns.declined == 3
    assert await chat.read_session(caller, session.id) == before
    (question,) = await chat.messages(caller, session.id)
    assert question.content == "first"

    other = await chat.session(caller)
    with pytest.raises(OtherConnection):
        await chat.accept(caller, other.id, guessed_key_id=new_id())
    with pytest.raises(TooManyRuns):
        await chat.accept(caller, other.id, limits=Limits(runs_per_user=1))
    assert turns.declined == 5
    assert await chat.read_session(caller, other.id) == other
    assert await chat.messages(caller, other.id) == []


async def test_an_erased_user_is_not_admitted_at_once(
    watched: tuple[Chat, Watched], caller: Caller
) -> None:
    chat, turns = watched
    session = await chat.session(caller)
    async with chat.erasing(caller).transaction():
        waiting = asyncio.create_task(chat.accept(caller, session.id))
        await chat.somebody_waits()
    with pytest.raises(OwnerErased):
        await waiting
    assert turns.declined == 1
    async with chat.worker.transaction() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM runs")) == 0
