"""Conversations go by what their user has set: instructions in each turn, a persona at the beginning."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from chassis.caller import Caller
from chassis.errors import RemoteError
from chat_service.settings import Settings
from chat_service.user_settings.domain.settings import SettingsChange
from chat_service.user_settings.store.copy import take_changes
from parley.chat.v1 import chat_pb2, personas_pb2
from parley.generation.v1.generation_pb2 import GenerationParameters

# `Chat`, `Client` and `Preferences` of conftest.py, which a test module has no name for.
Chat = Any
Client = Any
Preferences = Any

FILE = """
personas:
  - {name: critic, title: Critic, prompt: You find fault., model: tokens-5, parameters: {top_p: 0.5}}
  - {name: house, title: House, prompt: You are of this house., default: true}
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "personas.yaml").write_text(FILE)
    return settings.model_copy(update={"personas_file": tmp_path / "personas.yaml"})


async def create(client: Client, **fields: Any) -> chat_pb2.Session:
    request = chat_pb2.CreateSessionRequest(**fields)
    session: chat_pb2.Session = (await client.call("CreateSession", request)).session
    return session


async def asked(client: Client, **question: Any) -> chat_pb2.Session:
    """The session that is made for a question, once that is answered."""
    accepted, _ = await client.ask(**question)
    session: chat_pb2.Session = (
        await client.call("GetSession", chat_pb2.GetSessionRequest(id=accepted.session_id))
    ).session
    return session


async def instruct(chat: Chat, caller: Caller, instructions: str, number: int = 1) -> None:
    told = SettingsChange(number, caller.user_id, caller.tenant_id, instructions, None, False, None)
    async with chat.worker.transaction() as connection:
        await take_changes(connection, [told])


def system_of(accepted: Any) -> list[str]:
    return [message.content for message in accepted.prompt if message.role == "system"]


async def test_a_users_instructions_stand_between_the_personas_and_the_conversations(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    await instruct(chat, caller, "I am a doctor.")
    session = await chat.session(caller)
    async with chat.worker.transaction() as connection:
        driver = await connection.get_raw_connection()
        assert driver.driver_connection is not None
        await driver.driver_connection.execute(
            "UPDATE sessions SET persona_prompt = 'You teach.', instructions = 'Briefly.'"
            " WHERE id = %s",
            [session.id],
        )
    accepted = await chat.accept(caller, session.id)
    assert system_of(accepted) == ["You teach.\n\nI am a doctor.\n\nBriefly."]
    assert accepted.prompt[0].orders == ()
    context = accepted.run.context
    assert context.parts[0].characters == len("You teach.\n\nI am a doctor.\n\nBriefly.")
    assert context.parts[0].tokens > 0
    # Nobody else is told so.
    other = await chat.session(stranger)
    assert system_of(await chat.accept(stranger, other.id)) == []


async def test_instructions_hold_in_a_conversation_that_was_there_from_the_next_question_on(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller)
    for number, instructions in enumerate(("One word.", "Two words.", ""), 1):
        await instruct(chat, caller, instructions, number)
        accepted = await chat.accept(caller, session.id)
        assert system_of(accepted) == ([instructions] if instructions else [])
        assert await chat.finish(accepted.run)


async def test_a_question_without_a_conversation_is_told_too_what_models_are_told(
    chat: Chat, caller: Caller
) -> None:
    await instruct(chat, caller, "I am a doctor.")
    accepted = await chat.accept(caller, None, "a question")
    assert [(one.role, one.content) for one in accepted.prompt] == [
        ("system", "I am a doctor."),
        ("user", "a question"),
    ]


async def test_an_answer_that_is_asked_for_again_or_gone_on_with_is_told_the_same(
    client: Client, preferences: Preferences, caller: Caller, vault: Any
) -> None:
    preferences.set(caller, instructions="I am a doctor.")
    await client.take_settings()
    vault.model = "cut-after-5"
    accepted, _ = await client.ask("Well?")
    again = await client.call(
        "RegenerateRun",
        chat_pb2.RegenerateRunRequest(
            session_id=accepted.session_id, message_id=accepted.question_id
        ),
    )
    await client.follow(again.accepted.run_id)

    async def told(message_id: str) -> int:
        given = await client.call(
            "GetContext",
            chat_pb2.GetContextRequest(session_id=accepted.session_id, message_id=message_id),
        )
        system = given.parts[0]
        assert system.role == chat_pb2.MESSAGE_ROLE_SYSTEM
        assert list(system.message_ids) == []
        return int(system.characters)

    words = len("You are of this house.\n\nI am a doctor.")
    assert await told(accepted.answer_id) == words
    assert await told(again.accepted.answer_id) == words
    # What was changed meanwhile holds for what goes on.
    preferences.set(caller, instructions="I am no doctor.")
    await client.take_settings()
    await client.go_on(again.accepted.run_id)
    assert await told(again.accepted.answer_id) == words + len("no ") - len("a ")


async def test_a_new_conversation_takes_the_operators_default_unless_its_user_has_set_one(
    client: Client, strange_client: Client, preferences: Preferences, caller: Caller
) -> None:
    assert (await create(client)).persona == "house"
    assert (await asked(client)).persona == "house"
    preferences.set(caller, default_persona="CRITIC")
    await client.take_settings()
    made = await create(client)
    assert (made.persona, made.model) == ("critic", "tokens-5")
    assert made.parameters == GenerationParameters(top_p=0.5)
    by_question = await asked(client)
    assert (by_question.persona, by_question.model) == ("critic", "tokens-5")
    assert by_question.parameters == GenerationParameters(top_p=0.5)
    # What is said goes before what a persona asks for.
    assert (await create(client, model="tokens-7")).model == "tokens-7"
    assert (await asked(client, model="tokens-7")).model == "tokens-7"
    assert (await create(strange_client)).persona == "house"


async def test_ones_own_persona_goes_before_the_operators_of_its_name(
    client: Client, preferences: Preferences, caller: Caller, settings: Settings
) -> None:
    told = personas_pb2.CreatePersonaRequest(name="Muse", title="Muse", prompt="You inspire.")
    await client.call("CreatePersona", told)
    preferences.set(caller, default_persona="muse")
    await client.take_settings()
    assert (await create(client)).persona == "Muse"
    assert (await asked(client)).persona == "Muse"
    assert prompts(settings) == ["You inspire."] * 2


async def test_a_default_persona_that_is_gone_harms_nothing(
    client: Client, preferences: Preferences, caller: Caller
) -> None:
    preferences.set(caller, default_persona="gone")
    await client.take_settings()
    assert (await create(client)).persona == "house"
    assert (await asked(client)).persona == "house"


async def test_a_conversation_that_is_to_have_no_persona_has_none(
    client: Client, preferences: Preferences, caller: Caller
) -> None:
    preferences.set(caller, default_persona="critic")
    await client.take_settings()
    made = await create(client, persona="")
    assert not made.HasField("persona")
    assert not made.HasField("model")
    # A persona that is named and not there is refused as ever.
    with pytest.raises(RemoteError) as refused:
        await create(client, persona="gone")
    assert refused.value.reason == "PERSONA_NOT_FOUND"


async def test_a_conversation_that_is_made_twice_by_one_key_has_the_persona_it_was_made_with(
    client: Client, preferences: Preferences, caller: Caller
) -> None:
    request = chat_pb2.CreateSessionRequest()
    first = (await client.call("CreateSession", request, "once")).session
    preferences.set(caller, default_persona="critic")
    await client.take_settings()
    again = (await client.call("CreateSession", request, "once")).session
    assert (again.id, again.persona) == (first.id, "house")


def prompts(settings: Settings) -> list[str]:
    assert settings.worker_database_url is not None
    url = settings.worker_database_url.get_secret_value().replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT persona_prompt FROM sessions ORDER BY id").fetchall()
    return [row[0] for row in rows]
