"""A conversation takes a persona as it is: what becomes of that later changes no conversation."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client import REGISTRY

from chassis.errors import RemoteError
from chassis.ids import new_id
from chassis.testing import eventually
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2, personas_pb2
from parley.generation.v1.generation_pb2 import GenerationParameters

# Of conftest.py, which a test module has no names for.
Client = Any
Vault = Any

FILE = """
personas:
  - {name: critic, title: Critic, prompt: You find fault., model: tokens-20, parameters: {top_p: 0.5}}
"""


@pytest.fixture
def written() -> str:
    """What the operator's file says."""
    return FILE


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, written: str) -> Settings:
    (tmp_path / "personas.yaml").write_text(written)
    return settings.model_copy(update={"personas_file": tmp_path / "personas.yaml"})


async def create(client: Client, **fields: Any) -> chat_pb2.Session:
    request = chat_pb2.CreateSessionRequest(**fields)
    session: chat_pb2.Session = (await client.call("CreateSession", request)).session
    return session


async def change(client: Client, session_id: str, **fields: Any) -> chat_pb2.Session:
    request = chat_pb2.UpdateSessionRequest(id=session_id, **fields)
    session: chat_pb2.Session = (await client.call("UpdateSession", request)).session
    return session


def prompts(settings: Settings) -> list[tuple[str | None, str | None]]:
    """What is kept of personas, of all sessions."""
    assert settings.database_url is not None
    url = settings.worker_database_url.get_secret_value()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute(
            "SELECT persona, persona_prompt FROM sessions ORDER BY id"
        ).fetchall()


async def test_a_persona_is_taken_with_what_it_asks_for_where_the_conversation_says_nothing(
    client: Client, settings: Settings
) -> None:
    taken = await create(client, persona="CRITIC")
    assert (taken.persona, taken.model) == ("critic", "tokens-20")
    assert taken.parameters == GenerationParameters(top_p=0.5)
    own = await create(
        client,
        persona="critic",
        model="tokens-30",
        parameters=GenerationParameters(top_p=0.1, temperature=1),
    )
    assert (own.persona, own.model) == ("critic", "tokens-30")
    assert own.parameters == GenerationParameters(top_p=0.1, temperature=1)
    assert prompts(settings) == [("critic", "You find fault.")] * 2


async def test_what_a_persona_gave_goes_with_it_and_what_its_user_has_said_stays(
    client: Client,
) -> None:
    told = personas_pb2.CreatePersonaRequest(
        name="Muse",
        title="Muse",
        prompt="You inspire.",
        model="tokens-7",
        parameters=GenerationParameters(temperature=1.5),
    )
    await client.call("CreatePersona", told)
    plain = await create(client, persona="critic")
    muse = await change(client, plain.id, persona="muse")
    assert (muse.persona, muse.model) == ("Muse", "tokens-7")
    assert muse.parameters == GenerationParameters(temperature=1.5)
    nobody = await change(client, plain.id, persona="")
    assert (nobody.HasField("model"), nobody.parameters) == (False, GenerationParameters())

    # Said before, said since, and said together with the change.
    own = await create(client, persona="critic", parameters=GenerationParameters(temperature=0.1))
    await change(client, own.id, model="tokens-30")
    muse = await change(
        client, own.id, persona="muse", parameters=GenerationParameters(max_tokens=9)
    )
    assert (muse.persona, muse.model) == ("Muse", "tokens-30")
    assert muse.parameters == GenerationParameters(temperature=0.1, max_tokens=9)
    # What was said as the persona has it, in the change that takes it away, is its user's.
    again = await create(client, persona="critic")
    kept = await change(client, again.id, persona="", model="tokens-20")
    assert (kept.model, kept.parameters) == ("tokens-20", GenerationParameters())


@pytest.mark.parametrize("written", [FILE.replace("prompt:", "default: true, prompt:")])
async def test_what_the_default_persona_gave_to_a_conversation_that_a_question_made_goes_with_it(
    client: Client,
) -> None:
    accepted, _ = await client.ask()
    taken = (
        await client.call("GetSession", chat_pb2.GetSessionRequest(id=accepted.session_id))
    ).session
    assert (taken.persona, taken.model) == ("critic", "tokens-20")
    left = await change(client, accepted.session_id, persona="")
    assert (left.HasField("model"), left.parameters) == (False, GenerationParameters())


async def test_what_a_persona_becomes_changes_no_conversation_until_it_is_taken_again(
    client: Client, settings: Settings
) -> None:
    told = personas_pb2.CreatePersonaRequest(name="Muse", title="Muse", prompt="You inspire.")
    await client.call("CreatePersona", told)
    session = await create(client, persona="Muse")
    for prompt in ("You sing.", "You dance."):
        await client.call(
            "UpdatePersona", personas_pb2.UpdatePersonaRequest(name="Muse", prompt=prompt)
        )
        assert prompts(settings) == [("Muse", "You inspire.")]
    # Other changes of the conversation leave it alone.
    assert (await change(client, session.id, pinned=True)).persona == "Muse"
    assert prompts(settings) == [("Muse", "You inspire.")]
    assert (await change(client, session.id, persona="muse")).persona == "Muse"
    assert prompts(settings) == [("Muse", "You dance.")]
    assert not (await change(client, session.id, persona="")).HasField("persona")
    assert prompts(settings) == [(None, None)]


async def test_a_repeated_request_finds_its_conversation_though_what_it_was_made_with_is_gone(
    client: Client, vault: Vault
) -> None:
    told = personas_pb2.CreatePersonaRequest(name="Muse", title="Muse", prompt="You inspire.")
    await client.call("CreatePersona", told)
    await client.ask()
    key_id = vault.keys[client.user_id]
    request = chat_pb2.CreateSessionRequest(persona="Muse", key_id=key_id, title="Mine")
    made = (await client.call("CreateSession", request, "once")).session
    await client.call("DeletePersona", personas_pb2.DeletePersonaRequest(name="Muse"))
    assert (await client.call("CreateSession", request, "once")).session == made
    vault.keys[client.user_id] = str(new_id())
    assert (await client.call("CreateSession", request, "once")).session == made
    with pytest.raises(RemoteError) as refused:
        await client.call("CreateSession", request, "another")
    assert refused.value.reason == "KEY_NOT_FOUND"
    request.title = "Another"
    with pytest.raises(RemoteError) as reused:
        await client.call("CreateSession", request, "once")
    assert reused.value.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_persona_that_is_not_there_changes_nothing(
    client: Client, strange_client: Client, settings: Settings
) -> None:
    told = personas_pb2.CreatePersonaRequest(name="Muse", title="Muse", prompt="You inspire.")
    await strange_client.call("CreatePersona", told)
    session = await create(client, persona="critic")
    for refused in (
        create(client, persona="Muse"),
        change(client, session.id, persona="Muse", pinned=True),
        change(client, session.id, persona=str(new_id())),
    ):
        with pytest.raises(RemoteError) as error:
            await refused
        assert error.value.reason == "PERSONA_NOT_FOUND"
    assert prompts(settings) == [("critic", "You find fault.")]
    shown = await client.call("GetSession", chat_pb2.GetSessionRequest(id=session.id))
    assert not shown.session.pinned


async def test_the_model_is_told_who_it_is_and_the_account_of_it_shows_that(
    client: Client,
) -> None:
    session = await create(client, persona="critic", instructions="In one sentence.")
    started = await client.call(
        "StartRun", chat_pb2.StartRunRequest(session_id=session.id, content="Well?")
    )

    async def answer() -> chat_pb2.Message | None:
        run = await client.call("GetRun", chat_pb2.GetRunRequest(run_id=started.accepted.run_id))
        return run.answer if run.HasField("answer") else None

    saved = await eventually(answer, timeout=20)
    assert saved is not None
    given = await client.call(
        "GetContext", chat_pb2.GetContextRequest(session_id=session.id, message_id=saved.id)
    )
    system, question = given.parts
    assert system.role == chat_pb2.MESSAGE_ROLE_SYSTEM
    assert list(system.message_ids) == []
    assert system.characters == len("You find fault.\n\nIn one sentence.")
    assert question.role == chat_pb2.MESSAGE_ROLE_USER


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")
async def test_a_thousand_conversations_are_untouched_by_a_file_that_breaks_and_is_mended(
    client: Client, settings: Settings
) -> None:
    session = await create(client, persona="critic")
    assert settings.worker_database_url is not None
    url = settings.worker_database_url.get_secret_value().replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO sessions (id, tenant_id, user_id, title, persona, persona_prompt,"
            " created_at, updated_at)"
            " SELECT gen_random_uuid(), tenant_id, user_id, title, persona, persona_prompt,"
            " created_at, updated_at FROM sessions, generate_series(1, 999) WHERE id = %s",
            [session.id],
        )
    before = prompts(settings)
    assert len(before) == 1000
    path = settings.personas_file
    assert path is not None

    async def listed(title: str) -> bool:
        page = await client.call("ListPersonas", personas_pb2.ListPersonasRequest())
        return [one.title for one in page.items] == [title]

    refused = ("chat_personas_file_reads_total", {"outcome": "refused"})
    refusals = REGISTRY.get_sample_value(*refused) or 0
    path.write_text("personas: [")
    os.kill(os.getpid(), signal.SIGHUP)

    async def broken() -> bool:
        return (REGISTRY.get_sample_value(*refused) or 0) > refusals

    await eventually(broken, timeout=20)
    assert await listed("Critic")
    path.write_text(FILE.replace("title: Critic", "title: Harsh").replace("find", "see"))
    os.kill(os.getpid(), signal.SIGHUP)

    async def mended() -> bool:
        return await listed("Harsh")

    await eventually(mended, timeout=20)
    assert prompts(settings) == before
    assert (await create(client, persona="critic")).persona == "critic"
    assert sorted(set(prompts(settings))) == [
        ("critic", f"You {what} fault.") for what in ("find", "see")
    ]
