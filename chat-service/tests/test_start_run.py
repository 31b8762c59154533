"""A question on its way to its generation: which connection, and what a caller's going does."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from chassis.caller import Caller
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import new_id
from chassis.testing import eventually
from chat_service.answer.domain.ending import CacheState
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.session import SessionChange
from chat_service.conversations.usecases.sessions import update_session
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.errors import KeyNotFound, SessionKeyNotFound
from chat_service.runs.domain.admission import Question
from chat_service.runs.domain.errors import ShuttingDown
from chat_service.runs.domain.limits import Limits
from chat_service.runs.usecases.start import StartRun
from servicekit.generation_parameters import GenerationParameters

from .chat import Chat
from .generations import Generations


class Vault:
    """Opens any key but those that are gone: the port, with a note of what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[UUID | None] = []
        self.gone: set[UUID | None] = set()

    async def resolve_key(self, key_id: UUID | None) -> Connection:
        self.asked.append(key_id)
        if key_id in self.gone:
            raise KeyNotFound()
        return Connection(key_id or new_id(), "n", "sk", "m", "https://example.com/v1", "openai")


@pytest.fixture
def vault() -> Vault:
    return Vault()


@pytest.fixture
def start_run(chat: Chat, vault: Vault, generations: Generations) -> StartRun:
    return StartRun(
        chat.means(
            generations, resolve_key=vault.resolve_key, limits=Limits(content_characters=100)
        ),
        chat.turns,
        tell=generations.told.append,
    )


def _question(
    session_id: UUID | None = None,
    content: str = "hello",
    *,
    key_id: UUID | None = None,
    model: str | None = None,
    temperature: float = 0.7,
    max_tokens: int = 100,
) -> Question:
    parameters = GenerationParameters(temperature=temperature, max_tokens=max_tokens)
    return Question(session_id, content, key_id, model, parameters)


async def test_a_run_begins_once_it_is_stored(
    chat: Chat, caller: Caller, start_run: StartRun, generations: Generations
) -> None:
    run = await start_run(caller, _question())
    assert [begun.run for begun in generations.begun] == [run]
    assert len(await chat.messages(caller, run.session_id)) == 1


@pytest.mark.parametrize("temporary", [True, False])
async def test_of_a_temporary_conversation_no_answer_is_kept(
    chat: Chat, caller: Caller, start_run: StartRun, temporary: bool
) -> None:
    session = await chat.session(caller, temporary=temporary)
    run = await start_run(caller, replace(_question(session.id), cache=True))
    assert run.cache is (CacheState.OFF if temporary else CacheState.MISS)


async def test_a_sessions_own_connection_is_asked_for_once_it_is_known(
    chat: Chat, caller: Caller, start_run: StartRun, vault: Vault, generations: Generations
) -> None:
    key_id = new_id()
    session = await chat.session(caller, key_id=key_id)
    run = await start_run(caller, _question(session.id))
    assert vault.asked == [None, key_id]
    await chat.finish(run)
    await start_run(caller, _question(session.id))
    assert vault.asked == [None, key_id, key_id]
    assert [begun.connection.key_id for begun in generations.begun] == [key_id, key_id]
    assert len(await chat.messages(caller, session.id)) == 3


async def test_a_questions_own_connection_comes_before_the_sessions(
    chat: Chat, caller: Caller, start_run: StartRun, vault: Vault
) -> None:
    key_id = new_id()
    session = await chat.session(caller, key_id=new_id())
    await start_run(caller, _question(session.id, key_id=key_id))
    assert vault.asked == [key_id]


async def _set(chat: Chat, caller: Caller, session_id: UUID, **changes: Any) -> None:
    change = SessionChange(**changes)
    await update_session(chat.open_transaction, chat.resolve_key, caller, session_id, change)


async def test_another_connection_and_model_hold_from_the_next_question_on(
    chat: Chat, caller: Caller, start_run: StartRun, generations: Generations
) -> None:
    session = await chat.session(caller, key_id=new_id())
    for key_id, model in ((new_id(), "another"), (None, None), (new_id(), None)):
        before = await start_run(caller, _question(session.id))
        await chat.finish(before)
        await _set(chat, caller, session.id, key_id=key_id, model=model)
        run = await start_run(caller, _question(session.id))
        asked = generations.begun[-1].connection
        assert run.key_id == asked.key_id
        assert (key_id is None) or asked.key_id == key_id
        assert run.model == (model or "m")
        await chat.finish(run)
    assert len(await chat.messages(caller, session.id)) == 12


async def test_a_connection_that_a_session_had_may_be_gone(
    chat: Chat, caller: Caller, start_run: StartRun, vault: Vault, generations: Generations
) -> None:
    old, new = new_id(), new_id()
    session = await chat.session(caller, key_id=old)
    await chat.finish(await start_run(caller, _question(session.id)))
    # It is still set to that: there is nothing else to be asked, and what is to be done is said.
    vault.gone = {old}
    with pytest.raises(SessionKeyNotFound) as refused:
        await start_run(caller, _question(session.id))
    assert (refused.value.reason, refused.value.http_status) == ("KEY_NOT_FOUND", 404)
    with pytest.raises(KeyNotFound) as named:
        await start_run(caller, _question(session.id, key_id=old))
    assert type(named.value) is KeyNotFound
    await _set(chat, caller, session.id, key_id=new)
    run = await start_run(caller, _question(session.id))
    assert generations.begun[-1].connection.key_id == run.key_id == new
    await chat.finish(run)
    # Nor does it matter to a session with a connection of its own that there is no default.
    vault.gone = {None}
    other = await chat.session(caller, key_id=new)
    await start_run(caller, _question(other.id))
    assert generations.begun[-1].connection.key_id == new
    with pytest.raises(KeyNotFound) as no_default:
        await start_run(caller, _question())
    assert type(no_default.value) is KeyNotFound


async def test_what_was_learnt_of_a_session_is_not_used_for_somebody_else(
    chat: Chat, caller: Caller, stranger: Caller, start_run: StartRun, vault: Vault
) -> None:
    session = await chat.session(caller, key_id=new_id())
    await start_run(caller, _question(session.id))
    vault.asked.clear()
    with pytest.raises(SessionNotFound):
        await start_run(stranger, _question(session.id))
    assert vault.asked == [None]


async def test_a_caller_who_goes_while_the_question_is_stored_leaves_a_run_that_is_generated(
    chat: Chat, caller: Caller, start_run: StartRun, generations: Generations
) -> None:
    session = await chat.session(caller)
    async with chat.holding(session.id):
        asking = asyncio.create_task(start_run(caller, _question(session.id)))
        await chat.somebody_waits()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert generations.begun == []
    (begun,) = await eventually(lambda: generations.begun)
    run = begun.run
    (question,) = await chat.messages(caller, session.id)
    assert question.id == run.question_id


async def test_no_run_begins_while_the_service_drains(
    caller: Caller, start_run: StartRun, generations: Generations, vault: Vault
) -> None:
    generations.draining = True
    with pytest.raises(ShuttingDown) as refused:
        await start_run(caller, _question())
    assert refused.value.retry_after == 1
    assert vault.asked == []


@pytest.mark.parametrize(
    ("question", "error"),
    [
        (_question(content=""), FieldError("content", "REQUIRED")),
        (_question(content=" \n"), FieldError("content", "REQUIRED")),
        (_question(content="\u200b\u3000\ufe0f"), FieldError("content", "REQUIRED")),
        (_question(content="x" * 101), FieldError("content", "TOO_LONG", maximum=100)),
        (_question(content="a\0"), FieldError("content", "INVALID_CHARACTER")),
        (_question(model=""), FieldError("model", "REQUIRED")),
        (_question(temperature=-0.1), FieldError("temperature", "TOO_SMALL", minimum=0)),
        (_question(temperature=2.1), FieldError("temperature", "TOO_LARGE", maximum=2)),
        (_question(temperature=float("nan")), FieldError("temperature", "INVALID")),
        (_question(temperature=float("inf")), FieldError("temperature", "TOO_LARGE", maximum=2)),
        (_question(max_tokens=0), FieldError("max_tokens", "TOO_SMALL", minimum=1)),
        (
            _question(max_tokens=1_000_001),
            FieldError("max_tokens", "TOO_LARGE", maximum=1_000_000),
        ),
    ],
)
async def test_a_question_out_of_bounds_is_refused_before_anything_is_done(
    caller: Caller, start_run: StartRun, vault: Vault, question: Question, error: FieldError
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await start_run(caller, question)
    assert refused.value.fields == (error,)
    assert vault.asked == []


async def test_all_that_is_wrong_is_said_at_once(caller: Caller, start_run: StartRun) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await start_run(caller, _question(content="", temperature=9, max_tokens=0))
    assert [error.field for error in refused.value.fields] == [
        "content",
        "temperature",
        "max_tokens",
    ]
