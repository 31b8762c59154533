"""Routes of connections: what apikey-service is asked, and how its answers are shown."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from parley.apikey.v1 import apikey_pb2
from parley.generation.v1 import generation_pb2

from .door import Door

WHEN = Timestamp(seconds=1_700_000_000)
SHOWN = "2023-11-14T22:13:20Z"


KEY_ID = "01900000-0000-7000-8000-000000000004"
A_KEY = apikey_pb2.Key(
    id=KEY_ID,
    name="mine",
    masked_key="sk-…1234",
    model="m",
    base_url="https://example.org/v1",
    provider=apikey_pb2.PROVIDER_ANTHROPIC,
    created_at=WHEN,
    updated_at=WHEN,
    header_names=["api-key"],
    parameters=generation_pb2.GenerationParameters(
        temperature=0.5, max_tokens=7, top_p=1, stop=["a"], reasoning_effort="low"
    ),
    fallback_key_id="01900000-0000-7000-8000-000000000005",
    is_default=True,
    owner=apikey_pb2.OWNER_OPERATOR,
    last_used_at=WHEN,
    last_error=apikey_pb2.LastError(reason="PROVIDER_BUSY", at=WHEN),
    learnt=[
        apikey_pb2.Learnt(model="m", parameter="max_tokens", use="max_completion_tokens"),
        apikey_pb2.Learnt(model="m", parameter="temperature"),
    ],
    models=["m", "n"],
    daily_tokens=0,
)
SHOWN_KEY: dict[str, Any] = {
    "id": KEY_ID,
    "name": "mine",
    "masked_key": "sk-…1234",
    "model": "m",
    "base_url": "https://example.org/v1",
    "provider": "anthropic",
    "header_names": ["api-key"],
    "parameters": {
        "temperature": 0.5,
        "max_tokens": 7,
        "top_p": 1,
        "stop": ["a"],
        "reasoning_effort": "low",
    },
    "fallback_key_id": "01900000-0000-7000-8000-000000000005",
    "is_default": True,
    "owner": "operator",
    "last_used_at": SHOWN,
    "last_error": {"reason": "PROVIDER_BUSY", "at": SHOWN},
    "learnt": [
        {"model": "m", "parameter": "max_tokens", "use": "max_completion_tokens"},
        {"model": "m", "parameter": "temperature", "use": None},
    ],
    "models": ["m", "n"],
    "daily_tokens": 0,
    "created_at": SHOWN,
    "updated_at": SHOWN,
}


async def test_keys_are_created_listed_and_got(door: Door) -> None:
    door.apikey.answers |= {
        "CreateKey": apikey_pb2.CreateKeyResponse(key=A_KEY),
        "GetKey": apikey_pb2.GetKeyResponse(key=A_KEY),
        "GetKeyByName": apikey_pb2.GetKeyByNameResponse(key=A_KEY),
        "GetDefaultKey": apikey_pb2.GetDefaultKeyResponse(key=A_KEY),
        "SetDefaultKey": apikey_pb2.SetDefaultKeyResponse(key=A_KEY),
        "DeleteKey": apikey_pb2.DeleteKeyResponse(),
        "ListKeys": apikey_pb2.ListKeysResponse(items=[A_KEY], next_cursor="c2", total=7),
    }
    body: dict[str, Any] = {
        "name": "mine",
        "api_key": "sk-x",
        "model": "m",
        "base_url": "https://example.org/v1",
    }
    http, bearer = door.http, door.bearer
    created = await http.post("/api/v1/keys", json=body, headers=bearer)
    assert (created.status_code, created.json()) == (201, SHOWN_KEY)
    for path in (KEY_ID, "by-name/mine", "default"):
        got = await http.get(f"/api/v1/keys/{path}", headers=bearer)
        assert (got.status_code, got.json()) == (200, SHOWN_KEY)
    listed = await http.get("/api/v1/keys?limit=5&cursor=c1&count=true", headers=bearer)
    assert listed.json() == {"items": [SHOWN_KEY], "next_cursor": "c2", "total": 7}
    marked = await http.put("/api/v1/keys/default", json={"key_id": KEY_ID}, headers=bearer)
    assert (marked.status_code, marked.json()) == (200, SHOWN_KEY)
    deleted = await http.delete(f"/api/v1/keys/{KEY_ID}", headers=bearer)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert [call.request for call in door.apikey.calls] == [
        apikey_pb2.CreateKeyRequest(**body),
        apikey_pb2.GetKeyRequest(id=KEY_ID),
        apikey_pb2.GetKeyByNameRequest(name="mine"),
        apikey_pb2.GetDefaultKeyRequest(),
        apikey_pb2.ListKeysRequest(limit=5, cursor="c1", count=True),
        apikey_pb2.SetDefaultKeyRequest(key_id=KEY_ID),
        apikey_pb2.DeleteKeyRequest(id=KEY_ID),
    ]


async def test_a_connection_of_an_earlier_version_is_shown_with_nothing_said(door: Door) -> None:
    old = apikey_pb2.Key(
        id=KEY_ID, provider=apikey_pb2.PROVIDER_OPENAI, created_at=WHEN, updated_at=WHEN
    )
    door.apikey.answers["GetKey"] = apikey_pb2.GetKeyResponse(key=old)
    got = (await door.http.get(f"/api/v1/keys/{KEY_ID}", headers=door.bearer)).json()
    assert got["owner"] == "user"
    assert set(got["parameters"].values()) == {None}
    for absent in ("fallback_key_id", "last_used_at", "last_error", "daily_tokens"):
        assert got[absent] is None


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, {}),
        ({"name": " n ", "api_key": " k "}, {"name": "n", "api_key": "k"}),
        ({"provider": "anthropic"}, {"provider": apikey_pb2.PROVIDER_ANTHROPIC}),
        ({"headers": None}, {"headers": apikey_pb2.Headers()}),
        ({"headers": {}}, {"headers": apikey_pb2.Headers()}),
        (
            {"headers": {"A": " b "}},
            {"headers": apikey_pb2.Headers(items=[apikey_pb2.Header(name="A", value="b")])},
        ),
        (
            {"parameters": {"temperature": 0, "top_p": None, "stop": []}},
            {
                "parameters": generation_pb2.GenerationParameters(temperature=0),
                "cleared_parameters": ["stop", "top_p"],
            },
        ),
        (
            {"parameters": None},
            {
                "cleared_parameters": [
                    "max_tokens", "reasoning_effort", "stop", "temperature", "top_p",
                ]
            },
        ),
        ({"fallback_key_id": None}, {"fallback_key_id": ""}),
        ({"fallback_key_id": KEY_ID}, {"fallback_key_id": KEY_ID}),
    ],
)  # fmt: skip
async def test_a_change_says_what_is_given_what_is_cleared_and_nothing_else(
    door: Door, given: dict[str, Any], asked: dict[str, Any]
) -> None:
    door.apikey.answers["UpdateKey"] = apikey_pb2.UpdateKeyResponse(key=A_KEY)
    response = await door.http.patch(f"/api/v1/keys/{KEY_ID}", json=given, headers=door.bearer)
    assert (response.status_code, response.json()) == (200, SHOWN_KEY)
    (call,) = door.apikey.calls
    assert call.request == apikey_pb2.UpdateKeyRequest(id=KEY_ID, **asked)


async def test_a_new_connection_says_of_which_parameters_nothing_is_to_be_said(door: Door) -> None:
    door.apikey.answers["CreateKey"] = apikey_pb2.CreateKeyResponse(key=A_KEY)
    body: dict[str, Any] = {"name": "n", "api_key": "k", "model": "m", "base_url": "https://x.org"}
    more = {
        "headers": {"HTTP-Referer": "https://chat.example"},
        "parameters": {"temperature": None, "max_tokens": 9, "reasoning_effort": "none"},
        "fallback_key_id": KEY_ID,
    }
    response = await door.http.post("/api/v1/keys", json=body | more, headers=door.bearer)
    assert response.status_code == 201
    (call,) = door.apikey.calls
    header = apikey_pb2.Header(name="HTTP-Referer", value="https://chat.example")
    assert call.request == apikey_pb2.CreateKeyRequest(
        **body,
        headers=apikey_pb2.Headers(items=[header]),
        parameters=generation_pb2.GenerationParameters(max_tokens=9, reasoning_effort="none"),
        cleared_parameters=["temperature"],
        fallback_key_id=KEY_ID,
    )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": None}, "name"),
        ({"api_key": None}, "api_key"),
        ({"model": None}, "model"),
        ({"base_url": None}, "base_url"),
        ({"provider": None}, "provider"),
        ({"provider": "google"}, "provider"),
        ({"owner": "operator"}, "owner"),
        ({"is_default": True}, "is_default"),
        ({"tenant_id": "x"}, "tenant_id"),
        ({"fallback_key_id": ""}, "fallback_key_id"),
        ({"headers": {"a": 1}}, "headers"),
        ({"headers": {"a": "\x00"}}, "headers"),
        ({"headers": ["a"]}, "headers"),
        ({"headers": {f"a{at}": "x" for at in range(17)}}, "headers"),
        ({"parameters": {"temperature": "0"}}, "parameters.temperature"),
        ({"parameters": {"temperature": 3}}, "parameters.temperature"),
        ({"parameters": {"model": "m"}}, "parameters.model"),
        ({"parameters": {"stop": ["a"] * 5}}, "parameters.stop"),
        ({"parameters": {"reasoning_effort": "extreme"}}, "parameters.reasoning_effort"),
    ],
)
async def test_a_change_that_cannot_be_meant_is_refused_with_its_field(
    door: Door, given: dict[str, Any], field: str
) -> None:
    response = await door.http.patch(f"/api/v1/keys/{KEY_ID}", json=given, headers=door.bearer)
    assert (response.status_code, response.json()["reason"]) == (422, "VALIDATION")
    assert response.json()["errors"][0]["field"].startswith(field)
    assert door.apikey.calls == []
