"""Each route asks the right service the right thing, and shows its answer under the same names."""

from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

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
