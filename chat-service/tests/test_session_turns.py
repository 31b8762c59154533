"""What a session is set to reaches the model: in each turn, at once, and behind what a question says."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.ids import new_id
from chat_service.conversations.domain.session import SessionChange
from chat_service.conversations.usecases.sessions import update_session
from chat_service.prompt.room import ContextWindow
from chat_service.providers.domain.connection import Connection
from chat_service.runs.domain.admission import Again
from chat_service.runs.domain.run import Run
from chat_service.runs.store.runs import Runs
from chat_service.runs.usecases.read import get_run
from chat_service.runs.usecases.regenerate import RegenerateRun
from servicekit.generation_parameters import GenerationParameters

# A fixture of conftest.py; a test module cannot import its class by name.
Chat = Any

CONNECTIONS = GenerationParameters(temperature=0.1, top_p=0.1, stop=("connection",))
SESSIONS = GenerationParameters(temperature=0.2, top_p=0.2, max_tokens=7)
QUESTIONS = GenerationParameters(temperature=0.3)
ASKED = GenerationParameters(temperature=0.3, top_p=0.2, max_tokens=7, stop=("connection",))


async def change(chat: Chat, caller: Caller, session_id: UUID, **changes: Any) -> None:
    await update_session(
        chat.open_transaction, chat.resolve_key, caller, session_id, SessionChange(**changes)
    )


def asking(chat: Chat) -> Chat:
    return replace(chat, connection=replace(chat.connection, parameters=CONNECTIONS))


async def row_of(chat: Chat, run: Run) -> Any:
    columns = text("SELECT parameters, temperature, max_tokens FROM runs WHERE id = :id")
    async with chat.worker.transaction() as connection:
        return (await connection.execute(columns, {"id": run.id})).one()


# The first time at once, the second, the session having a connection that nobody guessed, not so.
@pytest.mark.parametrize("key_id", [None, new_id()])
async def test_its_parameters_come_between_the_questions_and_the_connections(
    chat: Chat, caller: Caller, key_id: UUID | None
) -> None:
    chat = asking(chat)
    session = await chat.session(caller, parameters=SESSIONS, key_id=key_id)
    accepted = await chat.accept(
        caller, session.id, parameters=QUESTIONS, key_id=None if key_id is None else new_id()
    )
    assert accepted.run.parameters == ASKED
    # Another connection in its place is asked for the same, but for what that one was set to.
    assert accepted.wishes == QUESTIONS.over(SESSIONS)
    assert await get_run(chat.open_transaction, caller, accepted.run.id) == accepted.run
    row = await row_of(chat, accepted.run)
    assert GenerationParameters.of(row.parameters) == ASKED
    # An older replica reads these.
    assert (row.temperature, row.max_tokens) == (0.3, 7)
    await chat.finish(accepted.run)
    # From the next question on it is as it was changed.
    await change(
        chat, caller, session.id,
        parameters=GenerationParameters(top_p=0.9), cleared=frozenset({"max_tokens"}),
    )  # fmt: skip
    nothing = GenerationParameters()
    again = await chat.accept(caller, session.id, parameters=nothing, key_id=key_id)
    assert again.run.parameters == GenerationParameters(
        temperature=0.2, top_p=0.9, stop=("connection",)
    )
    assert (await row_of(chat, again.run)).max_tokens == 2048


async def test_without_parameters_of_its_own_it_says_nothing(chat: Chat, caller: Caller) -> None:
    chat = asking(chat)
    session = await chat.session(caller)
    for session_id in (session.id, None):
        accepted = await chat.accept(caller, session_id, parameters=QUESTIONS)
        assert accepted.run.parameters == QUESTIONS.over(CONNECTIONS)
        assert accepted.wishes == QUESTIONS
        row = await row_of(chat, accepted.run)
        assert GenerationParameters.of(row.parameters) == QUESTIONS.over(CONNECTIONS)


async def test_its_instructions_come_before_all_messages(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller, instructions="Be brief.")
    first = await chat.accept(caller, session.id, "one")
    assert [(m.role, m.content) for m in first.prompt] == [("system", "Be brief."), ("user", "one")]
    await chat.finish(first.run)
    await change(chat, caller, session.id, instructions="Be long.")
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE sessions SET persona_prompt = 'You are a cat.'"))
    second = await chat.accept(caller, session.id, "two")
    assert [(m.role, m.content) for m in second.prompt] == [
        ("system", "You are a cat.\n\nBe long."),
        ("user", "one"),
        ("assistant", "an answer"),
        ("user", "two"),
    ]
    # They are no message: what was given is told without one.
    context = second.run.context
    assert context is not None
    assert [part.orders for part in context.parts] == [(), (1,), (2,), (3,)]
    # Who goes on with an answer is told the same.
    async with chat.open_transaction(caller) as transaction:
        earlier, _ = await Runs(transaction).read_window(session.id, 3, ContextWindow(10, 1000))
    assert [m.role for m in earlier] == ["system", "user", "assistant"]
    assert earlier[0].content == "You are a cat.\n\nBe long."
    await chat.finish(second.run)
    await change(chat, caller, session.id, instructions=None)
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE sessions SET persona_prompt = NULL"))
    third = await chat.accept(caller, session.id, "three", window=ContextWindow(0, 100))
    assert [m.role for m in third.prompt] == ["user"]


class Generations:
    """Takes runs and generates nothing: the port, with a note of what it took."""

    draining = False

    def __init__(self) -> None:
        self.begun: list[tuple[Run, list[str], GenerationParameters | None]] = []

    def begin(
        self,
        run: Run,
        connection: Connection,
        prompt: Any,
        prefix: str = "",
        wishes: GenerationParameters | None = None,
    ) -> None:
        self.begun.append((run, [message.role for message in prompt], wishes))


async def test_an_answer_that_is_asked_for_again_is_asked_for_as_the_session_says(
    chat: Chat, caller: Caller
) -> None:
    chat, generations = asking(chat), Generations()
    session = await chat.session(caller, instructions="Be brief.", parameters=SESSIONS)
    run = await chat.turn(caller, session.id)
    regenerate = RegenerateRun(chat.means(generations))
    again = Again(
        session_id=session.id,
        message_id=run.question_id,
        key_id=None,
        model=None,
        parameters=QUESTIONS,
        request=None,
    )
    made = await regenerate(caller, again)
    ((begun, roles, wishes),) = generations.begun
    assert begun == made
    assert (made.parameters, wishes) == (ASKED, QUESTIONS.over(SESSIONS))
    assert roles == ["system", "user"]
    # Of one that is deleted there is nothing to be asked for.
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE sessions SET deleted_at = now()"))
    with pytest.raises(Exception, match="SESSION_NOT_FOUND"):
        await regenerate(caller, again)
