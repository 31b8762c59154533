"""What is said where a service refuses, breaks, is away or takes too long."""

import asyncio
from typing import Any

import pytest

from chassis.errors import AppError, FieldError, Kind, ValidationFailed
from chassis.testing import eventually
from parley.auth.v1 import auth_pb2

from .door import Door


class NoteNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "NOTE_NOT_FOUND"
    detail = "There is no such note."


class UsernameTaken(AppError):
    kind = Kind.CONFLICT
    reason = "USERNAME_TAKEN"
    detail = "That name is taken."


class TooBusy(AppError):
    kind = Kind.UNAVAILABLE
    reason = "TOO_BUSY"
    detail = "Too many log-ins at once."


async def test_a_services_error_is_a_problem_with_its_status(door: Door) -> None:
    cases: list[tuple[AppError, int]] = [
        (NoteNotFound(), 404),
        (UsernameTaken(metadata={"hint": "ada2", "status": "200"}), 409),
        (ValidationFailed(fields=[FieldError("title", "TOO_LONG", maximum=200)]), 422),
        (TooBusy(retry_after=7), 503),
    ]
    for error, status in cases:
        door.notes.answers["GetNote"] = error
        response = await door.http.get(
            "/api/v1/notes/01900000-0000-7000-8000-000000000003", headers=door.bearer
        )
        problem = response.json()
        assert response.status_code == problem["status"] == status
        assert response.headers["content-type"] == "application/problem+json"
        assert problem["reason"] == error.reason
        assert problem["detail"] == error.detail
        assert problem["request_id"] == response.headers["x-request-id"]
        assert problem["type"] == "about:blank"
        assert problem["title"]
        if status == 409:
            assert problem["hint"] == "ada2"
        if status == 422:
            assert problem["errors"] == [{"field": "title", "reason": "TOO_LONG", "maximum": 200}]
        if status == 503:
            assert response.headers["retry-after"] == "7"


async def test_the_text_of_a_services_bug_does_not_reach_the_client(door: Door) -> None:
    door.notes.answers["GetNote"] = RuntimeError("the password is hunter2")
    response = await door.http.get(
        "/api/v1/notes/01900000-0000-7000-8000-000000000003", headers=door.bearer
    )
    assert response.status_code == 500
    assert response.json()["reason"] == "INTERNAL"
    assert "hunter2" not in response.text
    assert "RuntimeError" not in response.text


async def test_a_bug_of_our_own_is_a_bare_500(door: Door) -> None:
    # An enum value of a newer contract, which this gateway has no name for.
    door.auth.answers["GetMe"] = auth_pb2.GetMeResponse(user=auth_pb2.User(id="secret-text"))
    response = await door.http.get("/api/v1/me", headers=door.bearer)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert set(response.json()) == {"type", "title", "status", "detail", "reason", "request_id"}
    assert "secret-text" not in response.text
    assert "KeyError" not in response.text


async def test_a_service_that_is_away_is_503_and_the_gateway_degraded(own_door: Door) -> None:
    door = own_door
    await door.servers["notes"].stop()
    response = await door.http.get(
        "/api/v1/notes/01900000-0000-7000-8000-000000000003", headers=door.bearer
    )
    assert response.status_code == 503
    assert response.json()["reason"] == "UNAVAILABLE"
    assert response.headers["retry-after"] == "1"
    ready = await door.http.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "degraded"
    assert ready.json()["checks"]["notes-service"] == "away"


@pytest.mark.parametrize(("key", "times"), [(None, 1), ("k", 3)])
async def test_what_has_an_effect_is_asked_for_again_under_its_key_alone(
    door: Door, key: str | None, times: int
) -> None:
    door.notes.answers["CreateNote"] = TooBusy()
    keyed = {} if key is None else {"idempotency-key": key}
    response = await door.http.post(
        "/api/v1/notes", json={"title": "T", "content": "C"}, headers={**door.bearer, **keyed}
    )
    assert (response.status_code, response.json()["reason"]) == (503, "TOO_BUSY")
    assert [call.idempotency_key for call in door.notes.calls] == [key] * times


async def test_what_only_reads_is_asked_for_again_without_a_key(door: Door) -> None:
    door.notes.answers["GetNote"] = TooBusy()
    path = "/api/v1/notes/01900000-0000-7000-8000-000000000003"
    response = await door.http.get(path, headers=door.bearer)
    assert (response.status_code, response.json()["reason"]) == (503, "TOO_BUSY")
    assert [call.method for call in door.notes.calls] == ["GetNote"] * 3


async def test_what_hashes_a_password_may_take_longer_and_the_rest_is_504_soon(
    open_door: Any,
) -> None:
    door = await open_door(auth_deadline_seconds=0.2, auth_hashing_deadline_seconds=30.0)
    password = {"password": "correct horse"}
    named = {"username": "ada", "email": "ada@example.org", **password}
    reset = {"email": "ada@example.org", "code": "012345", "new_password": "battery staple"}
    slow: dict[str, tuple[str, str, dict[str, str]]] = {
        "Register": ("POST", "/auth/register", named),
        "LogIn": ("POST", "/auth/login", {"username": "ada", **password}),
        "ResetPassword": ("POST", "/auth/reset-password", reset),
        "ChangePassword": ("PUT", "/password", {"old_password": "o", "new_password": "n"}),
        "UpdateMe": ("PATCH", "/profile", {"email": "ada@example.org", **password}),
        "DeleteMe": ("DELETE", "/me", password),
    }
    held = asyncio.Event()
    quick = ("GetMe", "Refresh", "ExchangeToken", "GetErasure", "LogOut")
    door.auth.answers |= dict.fromkeys((*slow, *quick), held)

    async def ask(method: str, path: str, **how: Any) -> Any:
        return await door.http.request(method, f"/api/v1{path}", **{"headers": door.bearer, **how})

    hashing = [
        asyncio.create_task(ask(method, path, json=body)) for method, path, body in slow.values()
    ]
    await eventually(lambda: {call.method for call in door.auth.calls} >= slow.keys())
    personal = {"authorization": "Bearer parley_pat_" + "0" * 43}
    for response in await asyncio.gather(
        ask("GET", "/me"),
        ask("GET", "/notes", headers=personal),
        ask("GET", "/erasures/01900000-0000-7000-8000-000000000005"),
        ask("POST", "/auth/refresh", json={"refresh_token": "rt"}),
        ask("POST", "/auth/logout"),
    ):
        assert (response.status_code, response.headers["retry-after"]) == (504, "1")
    assert not any(task.done() for task in hashing)
    held.set()
    # The fakes have no answer, but they were waited for.
    assert {response.status_code for response in await asyncio.gather(*hashing)} == {500}


async def test_a_deadline_that_passes_is_504(open_door: Any) -> None:
    door = await open_door(notes_deadline_seconds=0.2)
    door.notes.answers["CreateNote"] = asyncio.Event()
    response = await door.http.post(
        "/api/v1/notes", json={"title": "T", "content": "C"}, headers=door.bearer
    )
    assert response.status_code == 504
    assert response.json()["reason"] == "DEADLINE_EXCEEDED"
    assert response.headers["retry-after"] == "1"
