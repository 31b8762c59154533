"""From registering to being forgotten, over HTTP alone."""

import asyncio
import os
import signal
from typing import Any

import httpx
import nats

from chassis.testing.eventually import eventually
from parley_local.model_server.texts import text_of

from .client import PASSWORD, SignUp, read_events, text_of_events
from .stack import Stack
from .traces import MEMORIALS, SERVICES, redis_keys, rows_about, tables_about

SECRET = "sk-live-0123456789abcdef"


async def deleted_events(stack: Stack) -> int:
    """How many `user.deleted` events JetStream holds."""
    client = await nats.connect(stack.nats_url)
    try:
        jetstream = client.jetstream()
        for stream in await jetstream.streams_info():
            info = await jetstream.stream_info(
                str(stream.config.name), subjects_filter="parley.user.deleted"
            )
            return sum((info.state.subjects or {}).values())
        return 0
    finally:
        await client.close()


async def test_a_user_registers_asks_and_is_forgotten_though_a_consumer_was_down(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    me = user.http.get("/api/v1/me").json()
    assert (me["id"], me["username"]) == (user.id, user.username)

    key = user.create_key(stack.model_url, "tokens-300", api_key=SECRET)
    assert SECRET not in str(key)
    assert user.http.get(f"/api/v1/keys/{key['id']}").json() == key
    assert [k["id"] for k in user.http.get("/api/v1/keys").json()["items"]] == [key["id"]]
    # Encrypted at rest, from the first day.
    assert not rows_about(stack, "apikey", SECRET, SECRET.encode().hex())

    before = redis_keys(stack)
    session_id = user.create_session(title="A journey")
    events = user.ask(session_id, "What do you see?", cache=True)
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert text_of_events(events) == text_of("tokens-300")
    assert events[-1].name == "done"
    assert events[-1].data["status"] == "completed"
    question, answer = user.messages(session_id)
    assert (question["role"], question["content"]) == ("user", "What do you see?")
    assert (answer["role"], answer["content"]) == ("assistant", text_of("tokens-300"))
    assert answer["id"] == events[-1].data["message_id"]
    assert [s["id"] for s in user.http.get("/api/v1/chat/sessions").json()["items"]] == [session_id]
    first, again = (
        user.http.post(
            "/api/v1/notes",
            json={"title": "A note", "content": "of mine"},
            headers={"Idempotency-Key": "one-note"},
        )
        for _ in range(2)
    )
    assert (first.status_code, again.json()) == (201, first.json())
    # The answer is kept, a moment behind its end.
    await eventually(lambda: any(b":answers:of:" in key for key in redis_keys(stack) - before))
    for service in SERVICES:
        assert rows_about(stack, service, user.id), service

    # notes-service is frozen while the event goes out, then killed: it hears of it afterwards.
    notes = stack.service("notes_service")
    notes.suspend()
    published = await deleted_events(stack)
    gone = user.http.request("DELETE", "/api/v1/me", json={"password": PASSWORD})
    assert gone.status_code == 202, gone.text
    receipt_url = f"/api/v1/erasures/{gone.json()['erasure_id']}"

    def receipt() -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(stack.url + receipt_url, verify=False).json()
        return answer

    def confirmed() -> set[str]:
        return {s["name"] for s in receipt()["services"] if s["erased_at"] is not None}

    await eventually(
        lambda: {"auth-service", "apikey-service", "chat-service"} <= confirmed(), timeout=30
    )
    assert await deleted_events(stack) > published
    assert "notes-service" not in confirmed()
    assert receipt()["status"] == "pending"
    assert rows_about(stack, "notes", "of mine")
    os.kill(notes.pid, signal.SIGKILL)

    await eventually(lambda: receipt()["status"] == "completed", timeout=60)
    assert user.http.get("/api/v1/me").status_code == 401
    login = httpx.post(
        f"{stack.url}/api/v1/auth/login",
        json={"username": user.username, "password": PASSWORD},
        verify=False,
    )
    assert login.status_code == 401
    personal = (user.username, user.email, session_id, key["id"], "of mine", "What do you see?")
    for service in SERVICES:
        assert rows_about(stack, service, *personal) == [], service
    # What remains says that the user is gone, and nothing else of them.
    assert tables_about(stack, user.id) <= MEMORIALS
    # For 30 s marks keep late notices of theirs from being told, and answers from being looked for.
    await eventually(lambda: not redis_keys(stack) - before, timeout=60)


async def test_the_answer_is_generated_and_saved_after_its_client_has_gone(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "tokens-150-at-100")
    session_id = user.create_session()
    with user.http.stream(
        "POST",
        f"/api/v1/chat/sessions/{session_id}/messages",
        json={"content": "Go on without me"},
        headers={"Accept": "text/event-stream"},
    ) as answer:
        lines = answer.iter_lines()
        while "event: delta" not in next(lines):
            pass
    assert len(user.messages(session_id)) == 1
    await eventually(lambda: len(user.messages(session_id)) == 2, timeout=20)
    assert user.messages(session_id)[1]["content"] == text_of("tokens-150-at-100")


async def test_a_stream_can_be_followed_from_any_event_and_is_the_same(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "tokens-60-at-100")
    session_id = user.create_session()
    events = await asyncio.to_thread(user.ask, session_id, "Once more")
    run_id = events[0].data["run_id"]
    for after in (0, 1, len(events) - 1):
        with user.http.stream(
            "GET", f"/api/v1/chat/runs/{run_id}/events", headers={"Last-Event-ID": str(after)}
        ) as answer:
            assert list(read_events(answer.iter_lines())) == events[after:]


async def test_a_whole_answer_comes_in_one_response_without_an_event_stream(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "echo")
    answer = user.http.post("/api/v1/chat/messages", json={"content": "say this"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["answer"]["content"] == text_of("echo", "say this")
    assert body["question"]["content"] == "say this"
    assert body["run"]["status"] == "completed"


async def test_silence_is_filled_with_heartbeats(stack: Stack, sign_up: SignUp) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "stall-after-3")
    session_id = user.create_session()
    with user.http.stream(
        "POST",
        f"/api/v1/chat/sessions/{session_id}/messages",
        json={"content": "and then?"},
        headers={"Accept": "text/event-stream"},
    ) as answer:
        assert any(line.startswith(":") for line in answer.iter_lines() if line)


async def test_nobody_elses_things_exist(stack: Stack, sign_up: SignUp) -> None:
    owner, other = sign_up(stack), sign_up(stack)
    key = owner.create_key(stack.model_url, "echo")
    session_id = owner.create_session()
    run_id = owner.ask(session_id, "mine")[0].data["run_id"]
    note = owner.http.post("/api/v1/notes", json={"title": "mine", "content": ""}).json()
    for path in (
        f"/api/v1/keys/{key['id']}",
        f"/api/v1/chat/sessions/{session_id}",
        f"/api/v1/chat/sessions/{session_id}/messages",
        f"/api/v1/chat/runs/{run_id}",
        f"/api/v1/chat/runs/{run_id}/events",
        f"/api/v1/notes/{note['id']}",
    ):
        assert owner.http.get(path).status_code == 200, path
        answer = other.http.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
    assert other.http.delete(f"/api/v1/notes/{note['id']}").status_code == 404
    for method, path in (
        ("PATCH", ""),
        ("DELETE", ""),
        ("DELETE", "?permanent=true"),
        ("POST", "/restore"),
        ("DELETE", "/messages"),
    ):
        answer = other.http.request(
            method,
            f"/api/v1/chat/sessions/{session_id}{path}",
            json={"title": "theirs"} if method == "PATCH" else None,
        )
        assert (answer.status_code, answer.json()["reason"]) == (404, "SESSION_NOT_FOUND"), path
    assert other.http.delete("/api/v1/chat/sessions?permanent=true").status_code == 204
    assert other.http.get("/api/v1/chat/folders").json()["items"] == []
    assert len(owner.messages(session_id)) == 2
    asked = other.http.post(f"/api/v1/chat/sessions/{session_id}/messages", json={"content": "x"})
    assert asked.status_code == 404
    other.create_key(stack.model_url, "echo")
    with_key = other.http.post("/api/v1/chat/messages", json={"content": "x", "key_id": key["id"]})
    assert with_key.status_code == 404
    assert other.http.get("/api/v1/keys").json()["items"][0]["id"] != key["id"]
