"""Trying connections through the gateway: what is passed on, what is shown, and who may."""

from typing import Any

import pytest

from chassis.errors import FieldError, Kind, RemoteError
from parley.apikey.v1 import apikey_pb2
from parley.chat.v1 import chat_pb2

from .door import Door

KEY_ID = "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e03"
UNSAVED = {
    "api_key": "sk-anything-canary",
    "model": "demo",
    "base_url": "http://127.0.0.1:8001/v1",
    "provider": "anthropic",
    "headers": {"X-Title": "hidden-canary"},
    "parameters": {"temperature": 0.5, "max_tokens": None},
}


async def test_what_is_not_stored_is_passed_on_as_to_be_stored_and_its_secrets_are_in_no_log(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    door.chat.answers["TestConnection"] = chat_pb2.TestConnectionResponse(latency_ms=12)
    answer = await door.http.post("/api/v1/keys/test", json=UNSAVED, headers=door.bearer)
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "latency_ms": 12})
    (call,) = door.chat.calls
    key = call.request.unsaved
    assert (key.api_key, key.model, key.base_url) == (
        UNSAVED["api_key"],
        "demo",
        UNSAVED["base_url"],
    )
    assert key.provider == apikey_pb2.PROVIDER_ANTHROPIC
    assert [(one.name, one.value) for one in key.headers.items] == [("X-Title", "hidden-canary")]
    assert key.parameters.temperature == 0.5
    assert list(key.cleared_parameters) == ["max_tokens"]
    assert "canary" not in "".join(record.getMessage() for record in caplog.records)


async def test_a_failure_says_why_and_what_would_have_worked(door: Door) -> None:
    door.chat.answers["TestConnection"] = chat_pb2.TestConnectionResponse(
        latency_ms=3,
        failure=chat_pb2.ProviderFailure(
            reason="PROVIDER_PATH_NOT_FOUND",
            detail="Check the base URL.",
            provider_message="no",
            retry_after=41,
        ),
        suggestion=chat_pb2.Suggestion(
            base_url="http://h/v1", provider=apikey_pb2.PROVIDER_ANTHROPIC
        ),
    )
    answer = await door.http.post(f"/api/v1/keys/{KEY_ID}/test", headers=door.bearer)
    assert answer.status_code == 200
    assert answer.json() == {
        "ok": False,
        "latency_ms": 3,
        "reason": "PROVIDER_PATH_NOT_FOUND",
        "detail": "Check the base URL.",
        "provider_message": "no",
        "retry_after": 41,
        "suggestion": {"base_url": "http://h/v1", "provider": "anthropic"},
    }
    assert door.chat.calls[0].request.key_id == KEY_ID


async def test_models_are_shown_with_what_is_said_of_them_alone(door: Door) -> None:
    door.chat.answers["ListModels"] = chat_pb2.ListModelsResponse(
        items=[
            chat_pb2.Model(id="a"),
            chat_pb2.Model(
                id="b", context_tokens=2**40, output_tokens=0, vision=False, reasoning=True
            ),
        ]
    )
    answer = await door.http.get(f"/api/v1/keys/{KEY_ID}/models", headers=door.bearer)
    b = {
        "id": "b",
        "context_tokens": 2**40,
        "output_tokens": 0,
        "vision": False,
        "reasoning": True,
    }
    assert answer.json() == {"items": [{"id": "a"}, b]}


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("PROVIDER_UNAUTHORIZED", 502),
        ("PROVIDER_RATE_LIMITED", 429),
        ("PROVIDER_TIMED_OUT", 504),
        ("A_REASON_OF_THE_FUTURE", 502),
    ],
)
async def test_a_list_that_was_not_had_is_a_problem_with_the_status_of_a_run_that_fails_so(
    door: Door, reason: str, status: int
) -> None:
    failure = chat_pb2.ProviderFailure(
        reason=reason, detail="Do that.", provider_message="no", retry_after=41
    )
    door.chat.answers["ListModels"] = chat_pb2.ListModelsResponse(failure=failure)
    answer = await door.http.get(f"/api/v1/keys/{KEY_ID}/models", headers=door.bearer)
    assert answer.status_code == status
    problem = answer.json()
    assert (problem["reason"], problem["detail"]) == (reason, "Do that.")
    assert problem["provider_message"] == "no"
    assert answer.headers["retry-after"] == "41"


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"name": "x"}, "name", "UNKNOWN_FIELD"),
        ({"fallback_key_id": KEY_ID}, "fallback_key_id", "UNKNOWN_FIELD"),
        ({"provider": "other"}, "provider", "NOT_ONE_OF"),
        ({"api_key": None}, "api_key", "WRONG_TYPE"),
        ({"model": "a\u0000"}, "model", "INVALID_CHARACTER"),
        ({"parameters": {"temperature": 3}}, "parameters.temperature", "TOO_LARGE"),
    ],
)
async def test_a_field_that_is_wrong_is_named_and_nothing_sent_comes_back(
    door: Door, change: dict[str, Any], field: str, reason: str
) -> None:
    answer = await door.http.post(
        "/api/v1/keys/test", json={**UNSAVED, **change}, headers=door.bearer
    )
    assert answer.status_code == 422
    assert {"field": field, "reason": reason} == {
        name: answer.json()["errors"][0][name] for name in ("field", "reason")
    }
    assert "canary" not in answer.text
    assert door.chat.calls == []


async def test_what_the_vault_refuses_is_named_by_field(door: Door) -> None:
    door.chat.answers["TestConnection"] = RemoteError(
        Kind.INVALID, "VALIDATION", "No.", fields=[FieldError("base_url", "INVALID_HOST")]
    )
    answer = await door.http.post("/api/v1/keys/test", json=UNSAVED, headers=door.bearer)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "base_url", "reason": "INVALID_HOST"}]


async def test_who_tries_too_often_is_told_when_to_come_back(door: Door) -> None:
    door.chat.answers["TestConnection"] = RemoteError(
        Kind.EXHAUSTED, "TOO_MANY_TESTS", "Wait.", retry_after=31
    )
    answer = await door.http.post(f"/api/v1/keys/{KEY_ID}/test", headers=door.bearer)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "31")


async def test_without_a_token_nothing_is_tried(door: Door) -> None:
    for method, path in (
        ("POST", "/api/v1/keys/test"),
        ("POST", f"/api/v1/keys/{KEY_ID}/test"),
        ("GET", f"/api/v1/keys/{KEY_ID}/models"),
    ):
        answer = await door.http.request(method, path)
        assert answer.status_code == 401
    assert door.chat.calls == []


async def test_the_scopes_that_open_these_are_those_of_keys(door: Door) -> None:
    paths = (await door.http.get("/openapi.json")).json()["paths"]
    for path, method, scope in (
        ("/api/v1/keys/test", "post", "keys:write"),
        ("/api/v1/keys/{key_id}/test", "post", "keys:write"),
        ("/api/v1/keys/{key_id}/models", "get", "keys:read"),
    ):
        assert {"PersonalAccessToken": [scope]} in paths[path][method]["security"]
