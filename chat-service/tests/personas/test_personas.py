"""Personas of one's own, and the operator's beside them, on the wire."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chassis.errors import AppError, FieldError
from chassis.paging import encode_cursor
from chat_service.settings import Settings
from parley.chat.v1 import personas_pb2 as pb
from parley.generation.v1.generation_pb2 import GenerationParameters

# `Client` of conftest.py, which a test module has no name for.
Client = Any

MOST = 4
FILE = """
personas:
  - name: Translator
    title: Translates
    prompt: |
      You translate.
      Nothing else.
    model: small
    parameters: {temperature: 0.2, stop: [END]}
    starters: [Translate this]
    default: true
  - {name: critic, title: Critic, description: Finds fault., prompt: You find fault.}
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "personas.yaml").write_text(FILE)
    return settings.model_copy(
        update={"personas_file": tmp_path / "personas.yaml", "personas_per_user": MOST}
    )


def new(name: str = "Muse", **fields: Any) -> pb.CreatePersonaRequest:
    return pb.CreatePersonaRequest(
        **({"name": name, "title": "A title", "prompt": "You are a muse."} | fields)
    )


async def create(client: Client, name: str = "Muse", **fields: Any) -> pb.Persona:
    persona: pb.Persona = (await client.call("CreatePersona", new(name, **fields))).persona
    return persona


async def get(client: Client, name: str) -> pb.Persona:
    persona: pb.Persona = (await client.call("GetPersona", pb.GetPersonaRequest(name=name))).persona
    return persona


async def update(client: Client, name: str, **fields: Any) -> pb.Persona:
    request = pb.UpdatePersonaRequest(name=name, **fields)
    persona: pb.Persona = (await client.call("UpdatePersona", request)).persona
    return persona


def as_owner(settings: Settings, change: str) -> None:
    """Execute it for whoever's personas there are."""
    assert settings.owner_database_url is not None
    owner_url = settings.owner_database_url.get_secret_value()
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE personas NO FORCE ROW LEVEL SECURITY")
        owner.execute(change)
        owner.execute("ALTER TABLE personas FORCE ROW LEVEL SECURITY")


async def names(client: Client) -> list[str]:
    page = await client.call("ListPersonas", pb.ListPersonasRequest(limit=100, count=True))
    assert page.total == len(page.items)
    return [persona.name for persona in page.items]


async def refused(call: Any) -> tuple[str, list[FieldError]]:
    with pytest.raises(AppError) as error:
        await call
    return error.value.reason, list(error.value.fields)


async def test_one_that_was_made_is_found_by_its_name_whatever_the_case(client: Client) -> None:
    made = await create(
        client,
        "  Dr. Müse-2 ",
        description="d\nd",
        prompt=" two\nlines ",
        model=" small ",
        parameters=GenerationParameters(temperature=0.0, stop=["END"]),
        starters=["Shall we?", "Who are you?"],
    )
    assert (made.name, made.prompt, made.model) == ("Dr. Müse-2", " two\nlines ", "small")
    assert made.owner == pb.PERSONA_OWNER_USER
    assert made.created_at == made.updated_at
    assert list(made.starters) == ["Shall we?", "Who are you?"]
    assert made.parameters == GenerationParameters(temperature=0.0, stop=["END"])
    for name in ("Dr. Müse-2", "DR. MÜSE-2", "dr. mu\u0308se-2"):
        assert await get(client, name) == made


async def test_the_operators_are_everybodys_behind_their_own(
    client: Client, strange_client: Client
) -> None:
    await create(client)
    assert await names(client) == ["Muse", "Translator", "critic"]
    assert await names(strange_client) == ["Translator", "critic"]
    translator = await get(strange_client, "translator")
    assert translator.owner == pb.PERSONA_OWNER_OPERATOR
    assert translator.prompt == "You translate.\nNothing else."
    assert (translator.model, translator.is_default) == ("small", True)
    assert translator.parameters == GenerationParameters(temperature=0.2, stop=["END"])
    assert list(translator.starters) == ["Translate this"]
    critic = await get(client, "critic")
    assert (critic.is_default, critic.HasField("model")) == (False, False)


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"name": " "}, [FieldError("name", "REQUIRED")]),
        ({"name": "n" * 65}, [FieldError("name", "TOO_LONG", maximum=64)]),
        ({"name": "a/b"}, [FieldError("name", "INVALID_CHARACTER")]),
        ({"name": ".."}, [FieldError("name", "INVALID_CHARACTER")]),
        ({"name": "a\u200bb"}, [FieldError("name", "INVALID_CHARACTER")]),
        ({"name": "a \u200db"}, [FieldError("name", "INVALID_CHARACTER")]),
        ({"name": "\u200c"}, [FieldError("name", "INVALID_CHARACTER")]),
        ({"title": "\u200c\u200d"}, [FieldError("title", "INVALID_CHARACTER")]),
        ({"title": "a\u202eb"}, [FieldError("title", "INVALID_CHARACTER")]),
        ({"title": " "}, [FieldError("title", "REQUIRED")]),
        ({"title": "a\nb"}, [FieldError("title", "INVALID_CHARACTER")]),
        ({"title": "t" * 101}, [FieldError("title", "TOO_LONG", maximum=100)]),
        ({"description": "d" * 1001}, [FieldError("description", "TOO_LONG", maximum=1000)]),
        ({"prompt": ""}, [FieldError("prompt", "REQUIRED")]),
        ({"prompt": " \n"}, [FieldError("prompt", "REQUIRED")]),
        ({"prompt": "\u2060\ufeff"}, [FieldError("prompt", "REQUIRED")]),
        ({"prompt": "p" * 20_001}, [FieldError("prompt", "TOO_LONG", maximum=20_000)]),
        ({"prompt": "a\x00"}, [FieldError("prompt", "INVALID_CHARACTER")]),
        ({"model": " "}, [FieldError("model", "REQUIRED")]),
        ({"model": "a\u200cb"}, [FieldError("model", "INVALID_CHARACTER")]),
        ({"model": "m" * 201}, [FieldError("model", "TOO_LONG", maximum=200)]),
        (
            {"parameters": GenerationParameters(top_p=2)},
            [FieldError("parameters.top_p", "TOO_LARGE", maximum=1)],
        ),
        ({"starters": ["s"] * 5}, [FieldError("starters", "TOO_MANY", maximum=4)]),
        ({"starters": ["s", ""]}, [FieldError("starters.1", "REQUIRED")]),
        ({"starters": [" \u200b"]}, [FieldError("starters.0", "REQUIRED")]),
        ({"starters": ["s" * 501]}, [FieldError("starters.0", "TOO_LONG", maximum=500)]),
    ],
)
async def test_what_is_not_acceptable_is_refused_by_its_field(
    client: Client, fields: dict[str, Any], errors: list[FieldError]
) -> None:
    assert await refused(client.call("CreatePersona", new(**fields))) == ("VALIDATION", errors)
    await create(client, "Kept", title="before")
    changed = {name: value for name, value in fields.items() if name not in ("name", "starters")}
    if "name" in fields:
        changed["new_name"] = fields["name"]
    if "starters" in fields:
        changed["starters"] = pb.Starters(items=fields["starters"])
    assert await refused(update(client, "Kept", **changed)) == ("VALIDATION", errors)
    assert (await get(client, "Kept")).title == "before"


async def test_the_longest_of_all_scripts_are_kept_whole(client: Client) -> None:
    longest = {"title": "雪" * 100, "description": "🎉" * 1000, "prompt": "雪" * 20_000}
    made = await create(client, "हिन्दी", starters=["雪" * 500] * 4, **longest)
    assert await get(client, "हिन्दी") == made
    assert (made.title, made.prompt) == (longest["title"], longest["prompt"])


async def test_a_name_that_looks_like_another_is_taken(client: Client) -> None:
    await create(client, "Muse")
    other = await create(client, "Other")
    for name in ("muse", "ＭＵＳＥ", "translator", "CRITIC"):
        assert await refused(client.call("CreatePersona", new(name))) == ("PERSONA_NAME_TAKEN", [])
        assert await refused(update(client, "Other", new_name=name)) == ("PERSONA_NAME_TAKEN", [])
    assert await get(client, "other") == other
    # Its own name, otherwise written, it may have.
    assert (await update(client, "other", new_name="OTHER")).name == "OTHER"


async def test_what_is_given_is_changed_and_nothing_else(client: Client) -> None:
    made = await create(
        client,
        model="m",
        parameters=GenerationParameters(temperature=1, top_p=0.5),
        starters=["a", "b"],
    )
    assert await update(client, "muse") == made
    changed = await update(
        client,
        "muse",
        prompt="Another.",
        parameters=GenerationParameters(max_tokens=5),
        cleared_parameters=["temperature"],
        starters=pb.Starters(),
    )
    assert (changed.name, changed.title, changed.model) == ("Muse", "A title", "m")
    assert changed.prompt == "Another."
    assert changed.parameters == GenerationParameters(top_p=0.5, max_tokens=5)
    assert list(changed.starters) == []
    assert changed.updated_at.ToNanoseconds() > made.updated_at.ToNanoseconds()
    without = await update(client, "muse", without_model=True)
    assert not without.HasField("model")
    renamed = await update(client, "muse", new_name="Fury")
    assert await refused(get(client, "muse")) == ("PERSONA_NOT_FOUND", [])
    assert await get(client, "fury") == renamed
    assert await refused(update(client, "fury", model="m", without_model=True)) == (
        "VALIDATION", [FieldError("model", "GIVEN_AND_CLEARED")],
    )  # fmt: skip
    for parameters, cleared, reason in (
        (GenerationParameters(top_p=1), ["top_p"], ("parameters.top_p", "GIVEN_AND_CLEARED")),
        (None, ["colour"], ("parameters", "UNKNOWN_FIELD")),
    ):
        change = update(client, "fury", parameters=parameters, cleared_parameters=cleared)
        assert await refused(change) == ("VALIDATION", [FieldError(*reason)])


async def test_a_change_is_the_last_one_by_whichever_clock(
    client: Client, settings: Settings
) -> None:
    await create(client)
    # By a replica whose clock is ahead of this one's.
    as_owner(settings, "UPDATE personas SET updated_at = '2040-01-01Z'")
    changed = await update(client, "muse", title="changed")
    assert changed.title == "changed"
    assert changed.updated_at.ToDatetime(UTC) == datetime(2040, 1, 1, tzinfo=UTC)


async def test_somebody_elses_and_what_is_called_impossibly_is_as_if_absent(
    client: Client, strange_client: Client
) -> None:
    made = await create(client)
    for name in ("Muse", "absent", "", "a/b", "\x00", "n" * 5000):
        for call in (
            get(strange_client, name),
            update(strange_client, name, title="mine"),
            strange_client.call("DeletePersona", pb.DeletePersonaRequest(name=name)),
        ):
            assert await refused(call) == ("PERSONA_NOT_FOUND", [])
    assert await get(client, "Muse") == made
    # Of the same name each has one of their own.
    await create(strange_client, prompt="Another muse.")
    assert (await get(client, "Muse")).prompt == "You are a muse."


async def test_nobody_changes_or_deletes_one_of_the_operators(client: Client) -> None:
    before = await get(client, "critic")
    deletion = client.call("DeletePersona", pb.DeletePersonaRequest(name="critic"))
    for call in (update(client, "critic", title="mine"), deletion):
        assert await refused(call) == ("PERSONA_NOT_FOUND", [])
    assert await get(client, "critic") == before


async def test_one_that_is_deleted_is_gone_and_cannot_be_deleted_again(client: Client) -> None:
    await create(client)
    request = pb.DeletePersonaRequest(name="MUSE")
    await client.call("DeletePersona", request)
    assert await names(client) == ["Translator", "critic"]
    for call in (client.call("DeletePersona", request), get(client, "Muse")):
        assert await refused(call) == ("PERSONA_NOT_FOUND", [])


async def test_the_pages_go_on_from_ones_own_to_the_operators_each_once(client: Client) -> None:
    for count in range(MOST):
        expected = [*(f"own {number}" for number in range(count)), "Translator", "critic"]
        for limit in range(1, MOST + 3):
            seen: list[str] = []
            cursor, pages = "", 0
            while cursor or not pages:
                request = pb.ListPersonasRequest(limit=limit, cursor=cursor, count=True)
                page = await client.call("ListPersonas", request)
                assert page.total == count + 2
                assert 0 < len(page.items) <= limit
                seen += [persona.name for persona in page.items]
                cursor, pages = page.next_cursor, pages + 1
            assert seen == expected
        await create(client, f"own {count}")


@pytest.mark.parametrize(
    "cursor",
    ["nonsense", encode_cursor("operator", "x", ""), encode_cursor("other", "1", "muse")],
)
async def test_a_cursor_that_is_none_is_refused(client: Client, cursor: str) -> None:
    call = client.call("ListPersonas", pb.ListPersonasRequest(cursor=cursor))
    assert await refused(call) == ("VALIDATION", [FieldError("cursor", "INVALID")])


@pytest.mark.slow
async def test_of_fifty_at_once_as_many_are_made_as_may_be(
    client: Client, strange_client: Client
) -> None:
    async def attempt(number: int) -> str:
        while True:
            try:
                return (await create(client, f"own {number}")).name
            except AppError as error:
                if error.reason != "DATABASE_BUSY":
                    return f"{error.kind.name} {error.reason}"

    outcomes = await asyncio.gather(*map(attempt, range(50)))
    assert outcomes.count("CONFLICT TOO_MANY_PERSONAS") == 50 - MOST
    assert sorted(await names(client)) == sorted(
        [*(set(outcomes) - {"CONFLICT TOO_MANY_PERSONAS"}), "Translator", "critic"]
    )
    assert (await create(strange_client)).name == "Muse"


async def test_a_repeated_request_makes_one_and_is_answered_alike(client: Client) -> None:
    first = await client.call("CreatePersona", new(parameters={"top_p": 0.5}), "key-1")
    again = await client.call("CreatePersona", new(parameters={"top_p": 0.5}), "key-1")
    assert first == again
    assert await names(client) == ["Muse", "Translator", "critic"]
    assert await refused(client.call("CreatePersona", new("Else"), "key-1")) == (
        "IDEMPOTENCY_KEY_REUSED",
        [],
    )


async def test_ones_own_goes_before_one_that_the_operator_calls_so_later(
    client: Client, strange_client: Client, settings: Settings
) -> None:
    """As it stands after the operator has taken a name that somebody already had."""
    await create(client, "Elder", prompt="own")
    as_owner(settings, "UPDATE personas SET name = 'Critic', name_folded = 'critic'")
    assert (await get(client, "critic")).prompt == "own"
    assert await names(client) == ["Critic", "Translator"]
    assert (await get(strange_client, "critic")).prompt == "You find fault."
    # It can be changed, and by another name makes way for the operator's.
    assert (await update(client, "critic", title="still mine")).title == "still mine"
    await update(client, "critic", new_name="Elder")
    assert (await get(client, "critic")).owner == pb.PERSONA_OWNER_OPERATOR
