"""Whatever is sent as a body: a problem in good time, which repeats nothing of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from parley.notes.v1 import notes_pb2

from .door import Door

SECRET = "correct-horse-battery"

HOSTILE = {
    "not json": b"{title:",
    "empty text": b" ",
    "half": b'{"title": "correct-horse-battery", "content": ',
    "nan": b'{"title": "correct-horse-battery", "content": NaN}',
    "infinity": b'{"title": "correct-horse-battery", "content": -Infinity}',
    "beyond a double": b'{"title": "correct-horse-battery", "content": 1e999}',
    "lone surrogate": b'{"title": "correct-horse-battery", "content": "\\ud800"}',
    "lone surrogate in a name": b'{"title": "correct-horse-battery", "\\udfff": "x"}',
    "not utf-8": b'{"title": "correct-horse-battery", "content": "\xff"}',
    "utf-16": '{"title": "correct-horse-battery", "content": "x"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"title": "correct-horse-battery", "content": "x"}',
    "raw nul": b'{"title": "correct-horse-battery", "content": "\x00"}',
    "deep arrays": b"[" * 100_000,
    "deep arrays, closed": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"title":' * 100_000,
    "deep value": b'{"title": "correct-horse-battery", "content": '
    + b"[" * 100_000
    + b"]" * 100_000
    + b"}",
    "array": b'["correct-horse-battery"]',
    "string": b'"correct-horse-battery"',
    "number": b"1",
    "null": b"null",
    "wrong types": b'{"title": ["correct-horse-battery"], "content": 7}',
    "unknown field": b'{"title": "a", "content": "b", "user_id": "correct-horse-battery"}',
    "missing field": b'{"title": "correct-horse-battery"}',
    "nul": b'{"title": "correct-horse-battery", "content": "\\u0000"}',
    "nul inside": b'{"title": {"a": ["correct-horse-battery", {"b\\u0000": 1}]}, "content": "x"}',
    "nul in a name": b'{"title": "correct-horse-battery", "content\\u0000": "x"}',
    "many fields": b"{" + b",".join(b'"f%d": 1' % number for number in range(50_000)) + b"}",
}


async def test_a_hostile_body_is_a_problem_within_a_second_of_work(door: Door) -> None:
    for name, body in HOSTILE.items():
        began = time.process_time()
        response = await door.http.post(
            "/api/v1/notes",
            content=body,
            headers={**door.bearer, "content-type": "application/json"},
        )
        assert time.process_time() - began < 1, name
        assert response.status_code == 422, name
        assert response.headers["content-type"] == "application/problem+json", name
        assert len(response.content) < 4096, name
        assert SECRET not in response.text, name
    assert door.notes.calls == []


async def errors_of(door: Door, path: str, body: Any) -> list[tuple[str, str]]:
    response = await door.http.post(path, json=body, headers=door.bearer)
    assert response.status_code == 422
    assert response.json()["reason"] == "VALIDATION"
    return [(error["field"], error["reason"]) for error in response.json()["errors"]]


async def test_each_refused_field_is_named_with_its_reason(door: Door) -> None:
    notes, questions = "/api/v1/notes", "/api/v1/chat/messages"
    assert await errors_of(door, notes, {"title": 1, "contend": "x"}) == [
        ("title", "WRONG_TYPE"),
        ("contend", "UNKNOWN_FIELD"),
    ]
    assert await errors_of(door, notes, {"title": "x"}) == [("content", "REQUIRED")]
    assert await errors_of(door, notes, {"title": "x\0", "content": "x"}) == [
        ("title", "INVALID_CHARACTER")
    ]
    assert await errors_of(door, questions, {"content": "x", "temperature": 2.1}) == [
        ("temperature", "TOO_LARGE")
    ]
    assert await errors_of(door, questions, {"content": "x", "max_tokens": 2**31}) == [
        ("max_tokens", "TOO_LARGE")
    ]
    over = {"content": "x", "max_tokens": 1_000_001}
    refused = await door.http.post(questions, json=over, headers=door.bearer)
    assert refused.json()["errors"] == [
        {"field": "max_tokens", "reason": "TOO_LARGE", "maximum": 1_000_000}
    ]
    many = {"name": "n", "scopes": ["chat:read"] * 33}
    refused = await door.http.post("/api/v1/tokens", json=many, headers=door.bearer)
    assert refused.json()["errors"] == [{"field": "scopes", "reason": "TOO_MANY", "maximum": 32}]
    assert await errors_of(door, questions, {"content": "x", "max_tokens": 2**80}) == [
        ("max_tokens", "TOO_LARGE")
    ]
    for wrong in ("5", True, 1.5):
        assert await errors_of(door, questions, {"content": "x", "max_tokens": wrong}) == [
            ("max_tokens", "WRONG_TYPE")
        ]
    key = {"name": "n", "api_key": "k", "model": "m", "base_url": "https://x", "provider": "?"}
    assert await errors_of(door, "/api/v1/keys", key) == [("provider", "NOT_ONE_OF")]
    assert await errors_of(door, notes, {"title": "x", "content": "x", "<b>": 1}) == [
        ("?", "UNKNOWN_FIELD")
    ]


async def test_fields_that_only_the_system_sets_are_unknown(door: Door) -> None:
    for field in ("role", "tenant_id", "user_id", "email_verified"):
        body = {"username": "a", "email": "a@b.c", "password": "p", field: "operator"}
        response = await door.http.post("/api/v1/auth/register", json=body)
        assert response.status_code == 422
        assert response.json()["errors"] == [{"field": field, "reason": "UNKNOWN_FIELD"}]
    assert door.auth.calls == []


async def test_no_body_where_one_is_needed_is_422(door: Door) -> None:
    response = await door.http.post("/api/v1/notes", headers=door.bearer)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": "body", "reason": "REQUIRED"}]


async def test_another_content_type_is_415(door: Door) -> None:
    good = b'{"title": "a", "content": "b"}'
    for content_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json; charset=utf-16",
        "",
        "é",
    ):
        headers: Any = [*door.bearer.items(), ("content-type", content_type.encode())]
        response = await door.http.post("/api/v1/notes", content=good, headers=headers)
        assert (response.status_code, content_type) == (415, content_type)
        assert response.json()["reason"] == "UNSUPPORTED_MEDIA_TYPE"
    door.notes.answers["CreateNote"] = notes_pb2.CreateNoteResponse()
    response = await door.http.post(
        "/api/v1/notes",
        content=good,
        headers={**door.bearer, "content-type": "Application/JSON;charset=UTF-8"},
    )
    assert response.status_code == 201


async def test_an_encoded_body_is_415(door: Door) -> None:
    for encoding in ("gzip", "br", "deflate, gzip"):
        response = await door.http.post(
            "/api/v1/notes",
            content=b"\x1f\x8b",
            headers={
                **door.bearer,
                "content-type": "application/json",
                "content-encoding": encoding,
            },
        )
        assert response.status_code == 415


async def test_a_body_announced_too_large_is_413_unread(door: Door) -> None:
    began = time.monotonic()
    response = await door.http.post(
        "/api/v1/notes",
        content=b'"' + b"x" * 2_000_000 + b'"',
        headers={**door.bearer, "content-type": "application/json"},
    )
    # Nobody waits for a body: that has 20 s and more.
    assert time.monotonic() - began < 10
    assert response.status_code == 413
    assert response.json()["reason"] == "BODY_TOO_LARGE"


async def test_an_endless_chunked_body_is_413_once_it_is_too_large(door: Door) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'{"title": "'
        while True:
            sent += 65536
            yield b"x" * 65536

    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(
        b"POST /api/v1/notes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
        b"content-type: application/json\r\nauthorization: "
        + door.bearer["authorization"].encode()
        + b"\r\n\r\n"
    )

    async def pour() -> None:
        async for chunk in endless():
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()

    pouring = asyncio.create_task(pour())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        # The limit is a megabyte; the rest is what sockets hold.
        assert sent < 16_000_000
        assert head.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in head
        rest = await reader.read(300)
        assert b"BODY_TOO_LARGE" in rest
        # The connection ends soon after, however much is still being sent.
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(pouring, 30)
    finally:
        pouring.cancel()
        await asyncio.wait((pouring,))
        writer.close()


async def test_a_body_just_within_the_limit_is_read(open_door: Any) -> None:
    door = await open_door(body_limit_bytes=4096)
    door.notes.answers["CreateNote"] = notes_pb2.CreateNoteResponse()
    headers = {**door.bearer, "content-type": "application/json"}
    frame = b'{"title": "t", "content": ""}'

    async def chunks(size: int) -> AsyncIterator[bytes]:
        yield frame[:-2]
        yield b"x" * (size - len(frame))
        yield frame[-2:]

    fits = await door.http.post("/api/v1/notes", content=chunks(4096), headers=headers)
    assert fits.status_code == 201
    over = await door.http.post("/api/v1/notes", content=chunks(4097), headers=headers)
    assert over.status_code == 413
    assert len(door.notes.calls) == 1


async def test_a_token_is_asked_for_before_a_body_is_read(door: Door) -> None:
    response = await door.http.post(
        "/api/v1/notes", content=b"[" * 1000, headers={"content-type": "application/json"}
    )
    assert response.status_code == 401
