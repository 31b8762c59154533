"""Personas over HTTP: what goes to chat-service, and what comes back."""

from typing import Any

import pytest

from chassis.errors import Kind, RemoteError
from parley.chat.v1 import personas_pb2 as pb
from parley.generation.v1.generation_pb2 import GenerationParameters

from .door import Door

PERSONAS = "/api/v1/chat/personas"
PERSONA = pb.Persona(
    name="Dr. Müse",
    title="Muse",
    description="d",
    prompt="You are a muse.",
    parameters=GenerationParameters(top_p=0.5, stop=["END"]),
    starters=["Shall we?"],
    owner=pb.PERSONA_OWNER_OPERATOR,
    is_default=True,
)
SHOWN = {
    "name": "Dr. Müse",
    "title": "Muse",
    "description": "d",
    "prompt": "You are a muse.",
    "model": None,
    "parameters": {
        "temperature": None,
        "max_tokens": None,
        "top_p": 0.5,
        "stop": ["END"],
        "reasoning_effort": None,
    },
    "starters": ["Shall we?"],
    "is_default": True,
    "owner": "operator",
    "created_at": "1970-01-01T00:00:00Z",
    "updated_at": "1970-01-01T00:00:00Z",
}


def asked(door: Door) -> Any:
    """The one call that came."""
    (call,) = door.chat.calls
    door.chat.calls.clear()
    return call


async def test_one_is_made_with_all_that_is_said_of_it(door: Door) -> None:
    door.chat.answers["CreatePersona"] = pb.CreatePersonaResponse(persona=PERSONA)
    body = {
        "name": " Dr. Müse\u200b",
        "title": "Muse ",
        "description": " d ",
        "prompt": " You.\n",
        "model": "small",
        "parameters": {"top_p": 0.5, "stop": ["END"], "temperature": None},
        "starters": ["Shall we?"],
    }
    headers = {**door.bearer, "idempotency-key": "key-1"}
    response = await door.http.post(PERSONAS, json=body, headers=headers)
    assert (response.status_code, response.json()) == (201, SHOWN)
    call = asked(door)
    assert call.idempotency_key == "key-1"
    assert call.request == pb.CreatePersonaRequest(
        name="Dr. Müse",
        title="Muse",
        description=" d ",
        prompt=" You.\n",
        model="small",
        parameters=GenerationParameters(top_p=0.5, stop=["END"]),
        starters=["Shall we?"],
    )
    least: dict[str, Any] = {"name": "a", "title": "A", "prompt": "You."}
    await door.http.post(PERSONAS, json=least, headers=door.bearer)
    assert asked(door).request == pb.CreatePersonaRequest(**least)


async def test_they_are_listed_by_pages(door: Door) -> None:
    door.chat.answers["ListPersonas"] = pb.ListPersonasResponse(
        items=[PERSONA], next_cursor="next", total=7
    )
    query: dict[str, Any] = {"limit": 3, "cursor": "here", "count": True}
    response = await door.http.get(PERSONAS, params=query, headers=door.bearer)
    assert response.json() == {"items": [SHOWN], "next_cursor": "next", "total": 7}
    assert asked(door).request == pb.ListPersonasRequest(limit=3, cursor="here", count=True)


@pytest.mark.parametrize("spelt", ["Dr.%20M%C3%BCse", "Dr%2E%20M%C3%BCse", "Dr. Müse"])
async def test_a_name_is_found_however_it_is_spelt_in_the_address(door: Door, spelt: str) -> None:
    door.chat.answers["GetPersona"] = pb.GetPersonaResponse(persona=PERSONA)
    response = await door.http.get(f"{PERSONAS}/{spelt}", headers=door.bearer)
    assert (response.status_code, response.json()) == (200, SHOWN)
    assert asked(door).request == pb.GetPersonaRequest(name="Dr. Müse")


async def test_a_change_says_what_is_given_and_null_takes_away(door: Door) -> None:
    door.chat.answers["UpdatePersona"] = pb.UpdatePersonaResponse(persona=PERSONA)
    everything = sorted(("max_tokens", "reasoning_effort", "stop", "temperature", "top_p"))
    changes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {}),
        ({"name": " b ", "title": "B", "description": "", "prompt": "P"},
         {"new_name": "b", "title": "B", "description": "", "prompt": "P"}),
        ({"model": None}, {"without_model": True}),
        ({"model": ""}, {"model": ""}),
        ({"model": "m"}, {"model": "m"}),
        ({"parameters": {"top_p": 1, "stop": None}},
         {"parameters": GenerationParameters(top_p=1), "cleared_parameters": ["stop"]}),
        ({"parameters": None}, {"cleared_parameters": everything}),
        ({"starters": ["s"]}, {"starters": pb.Starters(items=["s"])}),
        ({"starters": None}, {"starters": pb.Starters()}),
    ]  # fmt: skip
    for body, expected in changes:
        response = await door.http.patch(f"{PERSONAS}/a", json=body, headers=door.bearer)
        assert (response.status_code, response.json()) == (200, SHOWN)
        assert asked(door).request == pb.UpdatePersonaRequest(name="a", **expected)


async def test_one_is_deleted_by_its_name(door: Door) -> None:
    door.chat.answers["DeletePersona"] = pb.DeletePersonaResponse()
    response = await door.http.delete(f"{PERSONAS}/a%20b", headers=door.bearer)
    assert response.status_code == 204
    assert asked(door).request == pb.DeletePersonaRequest(name="a b")


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": None},
        {"name": None},
        {"title": 1},
        {"owner": "operator"},
        {"default": True},
        {"starters": ["s"] * 5},
        {"parameters": {"model": "m"}},
        {"parameters": {"top_p": 2}},
    ],
)
async def test_what_is_of_the_wrong_shape_is_refused_at_the_door(
    door: Door, wrong: dict[str, Any]
) -> None:
    whole = {"name": "a", "title": "A", "prompt": "P"}
    made = await door.http.post(PERSONAS, json=whole | wrong, headers=door.bearer)
    changed = await door.http.patch(f"{PERSONAS}/a", json=wrong, headers=door.bearer)
    for response in (made, changed):
        assert (response.status_code, response.json()["reason"]) == (422, "VALIDATION")
    assert door.chat.calls == []


async def test_a_name_that_is_taken_is_409_and_none_is_404(door: Door) -> None:
    for kind, reason, status in (
        (Kind.CONFLICT, "PERSONA_NAME_TAKEN", 409),
        (Kind.CONFLICT, "TOO_MANY_PERSONAS", 409),
        (Kind.NOT_FOUND, "PERSONA_NOT_FOUND", 404),
    ):
        door.chat.answers["UpdatePersona"] = RemoteError(kind, reason, "so it is")
        response = await door.http.patch(f"{PERSONAS}/a", json={"title": "T"}, headers=door.bearer)
        assert (response.status_code, response.json()["reason"]) == (status, reason)
