"""Each route asks the right service the right thing, and shows its answer under the same names."""

import asyncio
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import AppError, FieldError, Kind, ValidationFailed
from chassis.testing import eventually
from parley.apikey.v1 import apikey_pb2
from parley.auth.v1 import auth_pb2
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2
from parley.notes.v1 import notes_pb2

from .door import Door

WHEN = Timestamp(seconds=1_700_000_000)
SHOWN = "2023-11-14T22:13:20Z"
USER = auth_pb2.User(
    id="u1",
    tenant_id="t1",
    username="ada",
    email="ada@example.org",
    role=auth_pb2.ROLE_TENANT_ADMIN,
    created_at=WHEN,
)
SHOWN_USER = {
    "id": "u1",
    "tenant_id": "t1",
    "username": "ada",
    "email": "ada@example.org",
    "role": "tenant_admin",
    "created_at": SHOWN,
    "last_login_at": None,
}
GRANT = auth_pb2.Grant(
    user=USER, access_token="at", token_type="Bearer", expires_in=300, refresh_token="rt"
)
NOTE = notes_pb2.Note(
    id="01900000-0000-7000-8000-000000000003",
    title="T",
    content="C",
    created_at=WHEN,
    updated_at=WHEN,
)


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


async def test_registering_tells_auth_service_who_and_from_where(door: Door) -> None:
    door.auth.answers["Register"] = auth_pb2.RegisterResponse(grant=GRANT)
    body = {"username": "ada", "email": "ada@example.org", "password": "correct horse"}
    response = await door.http.post(
        "/api/v1/auth/register", json=body, headers={"user-agent": "test/1"}
    )
    assert response.status_code == 201
    assert response.json() == {
        "user": SHOWN_USER,
        "access_token": "at",
        "token_type": "Bearer",
        "expires_in": 300,
        "refresh_token": "rt",
    }
    assert response.headers["cache-control"] == "no-store"
    (call,) = door.auth.calls
    assert call.request == auth_pb2.RegisterRequest(
        **body, client=auth_pb2.Client(ip="127.0.0.1", user_agent="test/1")
    )


async def test_logging_in_refreshing_and_out(door: Door) -> None:
    door.auth.answers |= {
        "LogIn": auth_pb2.LogInResponse(grant=GRANT),
        "Refresh": auth_pb2.RefreshResponse(grant=GRANT),
        "LogOut": auth_pb2.LogOutResponse(),
    }
    logged_in = await door.http.post("/api/v1/auth/login", json={"username": "a", "password": "p"})
    refreshed = await door.http.post("/api/v1/auth/refresh", json={"refresh_token": "rt"})
    logged_out = await door.http.post("/api/v1/auth/logout", headers=door.bearer)
    assert [logged_in.status_code, refreshed.status_code] == [200, 200]
    assert logged_in.json() == refreshed.json()
    assert (logged_out.status_code, logged_out.content) == (204, b"")
    assert door.auth.calls[-1].token == door.caller.token


async def test_me_and_its_end(door: Door) -> None:
    erased = auth_pb2.ServiceErasure(name="notes-service", erased_at=WHEN)
    pending = auth_pb2.ServiceErasure(name="chat-service")
    door.auth.answers |= {
        "GetMe": auth_pb2.GetMeResponse(user=USER),
        "DeleteMe": auth_pb2.DeleteMeResponse(erasure_id="01900000-0000-7000-8000-000000000005"),
        "GetErasure": auth_pb2.GetErasureResponse(
            status=auth_pb2.ERASURE_STATUS_PENDING, services=[erased, pending]
        ),
    }
    assert (await door.http.get("/api/v1/me", headers=door.bearer)).json() == SHOWN_USER
    deleted = await door.http.request(
        "DELETE", "/api/v1/me", json={"password": "p"}, headers=door.bearer
    )
    assert (deleted.status_code, deleted.json()) == (
        202,
        {"erasure_id": "01900000-0000-7000-8000-000000000005"},
    )
    receipt = await door.http.get("/api/v1/erasures/01900000-0000-7000-8000-000000000005")
    assert receipt.json() == {
        "status": "pending",
        "services": [
            {"name": "notes-service", "erased_at": SHOWN},
            {"name": "chat-service", "erased_at": None},
        ],
    }


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


async def test_sessions_and_messages(door: Door) -> None:
    session = chat_pb2.Session(
        id="01900000-0000-7000-8000-000000000002", title="Hello", created_at=WHEN, updated_at=WHEN
    )
    answer = chat_pb2.Message(
        id="m2",
        session_id="01900000-0000-7000-8000-000000000002",
        role=chat_pb2.MESSAGE_ROLE_ASSISTANT,
        content="Hi",
        order=2,
        run_id="01900000-0000-7000-8000-000000000001",
        status=chat_pb2.RUN_STATUS_FAILED,
        reason="PROVIDER_BROKE",
        finish_reason="other",
        can_continue=True,
        model="m",
        parameters=generation_pb2.GenerationParameters(max_tokens=5),
        usage=chat_pb2.Usage(prompt_tokens=3, completion_tokens=1, cached_tokens=0),
        adapted=[
            chat_pb2.Adapted(parameter="temperature"),
            chat_pb2.Adapted(parameter="max_tokens", use="5"),
        ],
        created_at=WHEN,
        parent_id="m1",
        chosen=True,
        variants=chat_pb2.Variants(index=1, ids=["m0", "m2"]),
    )
    door.chat.answers |= {
        "CreateSession": chat_pb2.CreateSessionResponse(session=session),
        "GetSession": chat_pb2.GetSessionResponse(session=session),
        "ListSessions": chat_pb2.ListSessionsResponse(items=[session]),
        "UpdateSession": chat_pb2.UpdateSessionResponse(session=session),
        "ListMessages": chat_pb2.ListMessagesResponse(items=[answer]),
    }
    path = "/api/v1/chat/sessions"
    created = await door.http.post(path, json={"title": "Hello"}, headers=door.bearer)
    assert created.status_code == 201
    shown = created.json()
    assert (shown["title"], shown["key_id"], shown["last_message_at"]) == ("Hello", None, None)
    bare = await door.http.post(path, headers=door.bearer)
    assert bare.status_code == 201
    assert (
        await door.http.get(f"{path}/01900000-0000-7000-8000-000000000002", headers=door.bearer)
    ).json() == shown
    listed = await door.http.get(path, headers=door.bearer)
    assert listed.json() == {"items": [shown], "next_cursor": None, "total": None}
    messages = await door.http.get(
        f"{path}/01900000-0000-7000-8000-000000000002/messages?order=desc", headers=door.bearer
    )
    assert messages.json()["items"] == [
        {
            "id": "m2",
            "session_id": "01900000-0000-7000-8000-000000000002",
            "role": "assistant",
            "content": "Hi",
            "order": 2,
            "run_id": "01900000-0000-7000-8000-000000000001",
            "status": "failed",
            "reason": "PROVIDER_BROKE",
            "finish_reason": "other",
            "can_continue": True,
            "provider": None,
            "model": "m",
            "parameters": {
                "temperature": None,
                "max_tokens": 5,
                "top_p": None,
                "stop": None,
                "reasoning_effort": None,
            },
            "reasoning": None,
            "usage": {
                "prompt_tokens": 3,
                "completion_tokens": 1,
                "cached_tokens": 0,
                "reasoning_tokens": None,
            },
            "attachments": [],
            "cached": False,
            "adapted": [
                {"parameter": "temperature", "use": None},
                {"parameter": "max_tokens", "use": "5"},
            ],
            "created_at": SHOWN,
            "fallback": None,
            "parent_id": "m1",
            "chosen": True,
            "variants": {"index": 1, "ids": ["m0", "m2"]},
        }
    ]
    requests = [call.request for call in door.chat.calls]
    assert requests[0] == chat_pb2.CreateSessionRequest(title="Hello")
    assert requests[1] == chat_pb2.CreateSessionRequest()
    active = chat_pb2.SESSION_STATE_ACTIVE
    assert requests[3] == chat_pb2.ListSessionsRequest(limit=20, state=active)
    assert requests[4].order == chat_pb2.LIST_ORDER_DESC
    one = f"{path}/01900000-0000-7000-8000-000000000002"
    for body, pinned in (({"pinned": True}, True), ({"pinned": False}, False), ({}, None)):
        changed = await door.http.patch(one, json=body, headers=door.bearer)
        assert (changed.status_code, changed.json()) == (200, shown)
        assert door.chat.calls[-1].request == chat_pb2.UpdateSessionRequest(
            id="01900000-0000-7000-8000-000000000002", pinned=pinned
        )
    await door.http.get(f"{path}?pinned=true", headers=door.bearer)
    assert door.chat.calls[-1].request == chat_pb2.ListSessionsRequest(
        limit=20, state=active, pinned=True
    )


async def test_a_call_carries_token_request_id_and_trace(door: Door) -> None:
    door.notes.answers["GetNote"] = notes_pb2.GetNoteResponse(note=NOTE)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    response = await door.http.get(
        "/api/v1/notes/01900000-0000-7000-8000-000000000003",
        headers={**door.bearer, "x-request-id": "order-66.a_b", "traceparent": trace},
    )
    assert response.headers["x-request-id"] == "order-66.a_b"
    (call,) = door.notes.calls
    assert call.token == door.caller.token
    assert call.request_id == "order-66.a_b"
    assert call.traceparent[:36] == trace[:36]


async def test_an_odd_request_id_is_replaced(door: Door) -> None:
    for odd in ("x" * 65, 'a"b', "a b", "é".encode(), b"\xff"):
        headers: Any = [("x-request-id", odd)]
        response = await door.http.get("/healthz", headers=headers)
        assert response.status_code == 200
        assert response.headers["x-request-id"].isalnum()


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


async def test_a_service_that_is_away_is_503_and_the_gateway_degraded(door: Door) -> None:
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
