"""Ending, continuing and recovering runs; requests that come twice."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import AppError, Kind
from parley.apikey.v1 import apikey_pb2
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2
from parley.notes.v1 import notes_pb2

from .door import Door

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]

RUNS = "/api/v1/chat/runs"
WHEN = Timestamp(seconds=1_700_000_000)
SHOWN = "2023-11-14T22:13:20Z"
RUN = chat_pb2.Run(
    id="01900000-0000-7000-8000-000000000001",
    session_id="01900000-0000-7000-8000-000000000002",
    question_id="q",
    answer_id="a",
    status=chat_pb2.RUN_STATUS_RUNNING,
    provider="openai",
    model="m",
    created_at=WHEN,
    finish_reason="length",
    can_continue=True,
    parameters=generation_pb2.GenerationParameters(
        model="m", temperature=0.5, stop=["END"], reasoning_effort="of a later version"
    ),
)


class RunNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "RUN_NOT_FOUND"
    detail = "There is no such run."


class RunNotContinuable(AppError):
    kind = Kind.CONFLICT
    reason = "RUN_NOT_CONTINUABLE"
    detail = "It was not cut short."


class IdempotencyKeyReused(AppError):
    kind = Kind.INVALID
    reason = "IDEMPOTENCY_KEY_REUSED"
    detail = "This key was used for another request."


@pytest.fixture
def frames(make_frame: MakeFrame) -> list[chat_pb2.Frame]:
    return [
        make_frame(1, "start", b'{"run_id":"r"}'),
        make_frame(2, "snapshot", b'{"text":"Once upon","reasoning":""}'),
        make_frame(3, "delta", b'{"text":" a time"}'),
        make_frame(4, "done", b'{"status":"completed"}'),
    ]


async def test_a_cancel_is_accepted_and_says_nothing(door: Door) -> None:
    door.chat.answers["CancelRun"] = chat_pb2.CancelRunResponse()
    response = await door.http.post(
        f"{RUNS}/01900000-0000-7000-8000-000000000001/cancel", headers=door.bearer
    )
    assert (response.status_code, response.content) == (202, b"")
    (call,) = door.chat.calls
    assert call.request == chat_pb2.CancelRunRequest(run_id="01900000-0000-7000-8000-000000000001")
    assert call.token == door.caller.token


async def test_a_run_of_somebody_else_can_be_neither_ended_nor_continued_nor_recovered(
    door: Door,
) -> None:
    door.chat.answers |= {"CancelRun": RunNotFound(), "RecoverRun": RunNotFound()}
    door.chat.refusal = RunNotFound()
    for method, path in (
        ("POST", f"{RUNS}/01900000-0000-7000-8000-000000000001/cancel"),
        ("POST", f"{RUNS}/01900000-0000-7000-8000-000000000001/continue"),
        ("GET", "/api/v1/chat/sessions/01900000-0000-7000-8000-000000000002/recover"),
    ):
        response = await door.http.request(method, path, headers=door.bearer)
        assert (response.status_code, response.json()["reason"]) == (404, "RUN_NOT_FOUND")
        assert (await door.http.request(method, path)).status_code == 401


async def test_a_field_that_nobody_asked_for_is_refused(door: Door) -> None:
    one = "01900000-0000-7000-8000-000000000001"
    for act in (
        f"{RUNS}/{one}/cancel",
        f"{RUNS}/{one}/continue",
        f"/api/v1/chat/sessions/{one}/restore",
        f"/api/v1/chat/sessions/{one}/messages/{one}/choose",
        f"/api/v1/chat/shares/{one}/refresh",
        f"/api/v1/shares/{'x' * 43}/fork",
        f"/api/v1/keys/{one}/test",
    ):
        response = await door.http.post(act, json={"force": True}, headers=door.bearer)
        assert response.status_code == 422
        # As RFC 9110 has it, whatever Python has.
        assert response.json()["title"] == "Unprocessable Content"
        assert response.json()["errors"] == [{"field": "force", "reason": "UNKNOWN_FIELD"}]
    assert door.chat.calls == []


async def test_a_continuation_comes_as_events(door: Door, frames: list[chat_pb2.Frame]) -> None:
    door.chat.script = [frames[:2], frames[2:]]
    response = await door.http.post(
        f"{RUNS}/01900000-0000-7000-8000-000000000001/continue",
        headers={**door.bearer, "accept": "text/event-stream", "idempotency-key": "k"},
    )
    assert response.status_code == 200
    assert response.headers["x-run-id"] == door.chat.run_id
    assert response.content.startswith(b'id: 1\nevent: start\ndata: {"run_id":"r"}\n\nid: 2\n')
    (call,) = door.chat.asked
    assert call.request == chat_pb2.ContinueRunRequest(
        run_id="01900000-0000-7000-8000-000000000001"
    )
    assert call.idempotency_key == "k"


async def test_a_continuation_is_answered_whole_once_it_has_ended(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    door.chat.script = [frames]
    question = chat_pb2.Message(
        id="q", role=chat_pb2.MESSAGE_ROLE_USER, content="Tell", order=1, created_at=WHEN
    )
    answer = chat_pb2.Message(
        id="a", role=chat_pb2.MESSAGE_ROLE_ASSISTANT, content="Once", order=2, created_at=WHEN
    )
    run = chat_pb2.Run()
    run.CopyFrom(RUN)
    run.status = chat_pb2.RUN_STATUS_COMPLETED
    door.chat.answers["GetRun"] = chat_pb2.GetRunResponse(run=run, question=question, answer=answer)
    response = await door.http.post(
        f"{RUNS}/01900000-0000-7000-8000-000000000001/continue", json={}, headers=door.bearer
    )
    assert response.status_code == 200
    assert response.json()["run"]["id"] == "01900000-0000-7000-8000-000000000001"


async def test_what_cannot_be_continued_is_409(door: Door) -> None:
    door.chat.refusal = RunNotContinuable()
    response = await door.http.post(
        f"{RUNS}/01900000-0000-7000-8000-000000000001/continue", headers=door.bearer
    )
    assert (response.status_code, response.json()["reason"]) == (409, "RUN_NOT_CONTINUABLE")


async def test_a_run_is_recovered_with_the_place_to_follow_it_from(door: Door) -> None:
    door.chat.answers["RecoverRun"] = chat_pb2.RecoverRunResponse(
        run=RUN, text="Once upon", reasoning="hm", seq=7
    )
    response = await door.http.get(
        "/api/v1/chat/sessions/01900000-0000-7000-8000-000000000002/recover", headers=door.bearer
    )
    assert response.status_code == 200
    assert response.json() == {
        "run": {
            "id": "01900000-0000-7000-8000-000000000001",
            "session_id": "01900000-0000-7000-8000-000000000002",
            "question_id": "q",
            "answer_id": "a",
            "status": "running",
            "reason": None,
            "finish_reason": "length",
            "can_continue": True,
            "provider": "openai",
            "model": "m",
            "parameters": {
                "temperature": 0.5,
                "max_tokens": None,
                "top_p": None,
                "stop": ["END"],
                "reasoning_effort": "of a later version",
            },
            "adapted": [],
            "cache": "off",
            "last_seq": 0,
            "usage": None,
            "created_at": SHOWN,
            "ended_at": None,
            "fallback": None,
        },
        "text": "Once upon",
        "reasoning": "hm",
        "seq": 7,
    }
    (call,) = door.chat.calls
    assert call.request == chat_pb2.RecoverRunRequest(
        session_id="01900000-0000-7000-8000-000000000002"
    )


CREATIONS: list[tuple[str, dict[str, str]]] = [
    ("/api/v1/chat/sessions", {}),
    ("/api/v1/chat/messages", {"content": "hello"}),
    ("/api/v1/chat/sessions/01900000-0000-7000-8000-000000000002/messages", {"content": "hello"}),
    ("/api/v1/chat/runs/01900000-0000-7000-8000-000000000001/continue", {}),
    ("/api/v1/notes", {"title": "T", "content": "C"}),
    ("/api/v1/keys", {"name": "n", "api_key": "sk", "model": "m", "base_url": "https://x.org"}),
]


def _answer_all(door: Door, frames: list[chat_pb2.Frame]) -> None:
    key = apikey_pb2.Key(provider=apikey_pb2.PROVIDER_OPENAI, created_at=WHEN, updated_at=WHEN)
    note = notes_pb2.Note(created_at=WHEN, updated_at=WHEN)
    session = chat_pb2.Session(created_at=WHEN, updated_at=WHEN)
    door.apikey.answers["CreateKey"] = apikey_pb2.CreateKeyResponse(key=key)
    door.notes.answers["CreateNote"] = notes_pb2.CreateNoteResponse(note=note)
    door.chat.answers["CreateSession"] = chat_pb2.CreateSessionResponse(session=session)
    door.chat.script = [frames]


@pytest.mark.parametrize(("path", "body"), CREATIONS)
async def test_a_key_goes_along_with_every_request_that_creates(
    door: Door, frames: list[chat_pb2.Frame], path: str, body: dict[str, str]
) -> None:
    _answer_all(door, frames)
    events = {**door.bearer, "accept": "text/event-stream"}
    for key in ("x", "~" * 255, '"8e03978e-40d5-43dd"'):
        response = await door.http.post(path, json=body, headers={**events, "idempotency-key": key})
        assert response.is_success
    assert (await door.http.post(path, json=body, headers=events)).is_success
    calls = [*door.apikey.calls, *door.notes.calls, *door.chat.asked]
    assert [call.idempotency_key for call in calls] == [
        "x",
        "~" * 255,
        '"8e03978e-40d5-43dd"',
        None,
    ]


@pytest.mark.parametrize(("path", "body"), CREATIONS)
async def test_what_is_no_key_is_refused_before_anything_is_asked_for(
    door: Door, path: str, body: dict[str, str]
) -> None:
    for odd in (b"", b"a b", b"x" * 256, "é".encode(), b"\xff", b"a\tb"):
        headers: Any = [*door.bearer.items(), ("idempotency-key", odd)]
        response = await door.http.post(path, json=body, headers=headers)
        assert response.status_code == 422
        assert response.json()["errors"] == [{"field": "Idempotency-Key", "reason": "INVALID"}]
    assert [*door.apikey.calls, *door.notes.calls, *door.chat.asked] == []


async def test_nul_in_a_key_does_not_get_past_the_door(door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(
        b"POST /api/v1/chat/sessions HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n"
        b"authorization: " + door.bearer["authorization"].encode() + b"\r\n"
        b"idempotency-key: a\x00b\r\nconnection: close\r\n\r\n"
    )
    status = await reader.readline()
    writer.close()
    assert status.split()[1] in {b"400", b"422"}
    assert door.chat.calls == []


async def test_a_key_that_was_used_for_something_else_is_422(door: Door) -> None:
    door.chat.refusal = IdempotencyKeyReused()
    response = await door.http.post(
        "/api/v1/chat/messages",
        json={"content": "hello"},
        headers={**door.bearer, "idempotency-key": "k"},
    )
    assert (response.status_code, response.json()["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")
