"""Refusals of what is no request yet bear what every answer bears, and are told of once."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from chassis.errors import AppError, Kind

from .door import Door, OpenDoor

WS = "GET /api/v1/ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
KEY = "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n"
GET = "GET /healthz HTTP/1.1\r\nhost: x\r\n"
POST = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
CHUNKED = "transfer-encoding: chunked\r\n\r\n"

EARLY: dict[str, tuple[str, int, str]] = {
    "tls": ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "MALFORMED_REQUEST"),
    "no version": ("GET\r\n\r\n", 400, "MALFORMED_REQUEST"),
    "http/2": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "MALFORMED_REQUEST"),
    "authority": ("CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", 400, "MALFORMED_REQUEST"),
    "authority's body": (
        "CONNECT x:1 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello",
        400,
        "MALFORMED_REQUEST",
    ),
    "address's body": (
        "POST http://[ HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello",
        400,
        "MALFORMED_REQUEST",
    ),
    "two lengths": (f"{GET}content-length: 1\r\n{CHUNKED}", 400, "MALFORMED_REQUEST"),
    "no header": (f"{GET}secret hunter2\r\n\r\n", 400, "MALFORMED_REQUEST"),
    "no chunk": (f"{POST}{CHUNKED}hunter2\r\n", 400, "MALFORMED_REQUEST"),
    "half a chunk": (f"{POST}{CHUNKED}1\r\n{{hunter2\r\n", 400, "MALFORMED_REQUEST"),
    "large head": (f"{GET}x: {'x' * 9000}\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
    "endless head": (f"{GET}x: {'x' * 100_000}", 431, "HEADERS_TOO_LARGE"),
    "endless address": (f"GET /{'x' * 100_000}", 414, "ADDRESS_TOO_LONG"),
    "no host": ("GET /healthz HTTP/1.1\r\n\r\n", 400, "INVALID_HOST"),
    "another scheme": ("GET ftp://x/ HTTP/1.1\r\nhost: x\r\n\r\n", 421, "MISDIRECTED"),
    "old": ("GET /\r\n\r\n", 505, "HTTP_VERSION_NOT_SUPPORTED"),
    "slow head": (f"{GET}x: hunter", 408, "HEADERS_TOO_SLOW"),
    "slow line": ("GET /hunter2", 408, "HEADERS_TOO_SLOW"),
    "slow body": (f"{POST}content-length: 9\r\n\r\n", 408, "BODY_TOO_SLOW"),
    "large body": (f"{POST}content-length: 1073741824\r\n\r\n", 413, "BODY_TOO_LARGE"),
    "coded body": (
        f"{POST}content-encoding: gzip\r\ncontent-length: 9\r\n\r\n",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    ),
    "path": ("GET /%2e%2e/hunter2 HTTP/1.1\r\nhost: x\r\n\r\n", 400, "MALFORMED_PATH"),
    "socket's version": (f"{WS}\r\n", 426, "UPGRADE_REQUIRED"),
    "socket's token": (f"{WS}{KEY}authorization: Bearer hunter2\r\n\r\n", 401, "UNAUTHENTICATED"),
    "socket's origin": (f"{WS}{KEY}origin: https://evil\r\n\r\n", 403, "ORIGIN_NOT_ALLOWED"),
    "socket's body": (f"{WS}{KEY}content-length: 5\r\n\r\n", 400, "MALFORMED_REQUEST"),
}


class InvalidToken(AppError):
    kind = Kind.UNAUTHENTICATED
    reason = "INVALID_TOKEN"
    detail = "The personal access token is not valid."


@pytest_asyncio.fixture(loop_scope="session")
async def brief_door(open_door: OpenDoor) -> Door:
    return await open_door(head_limit_bytes=8192, head_seconds=0.5, body_seconds=0.5)


@pytest.mark.parametrize("kind", EARLY)
async def test_every_refusal_bears_what_all_answers_bear_and_is_told_of_once(
    brief_door: Door, call_raw: Any, access_log: Any, kind: str
) -> None:
    sent, status, reason = EARLY[kind]
    client = await call_raw(brief_door, sent.encode("latin-1"))
    answer = await client.answer()
    assert (answer.status, answer.problem["reason"]) == (status, reason)
    assert answer.problem["status"] == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"] == answer.problem["request_id"]
    assert answer.headers["date"]
    assert "server" not in answer.headers
    line = await access_log.line(answer.problem["request_id"])
    assert (line["status"], line["client"]) == (status, "127.0.0.1")
    assert line["route"] in ("unmatched", "/api/v1/auth/login", "/api/v1/ws")
    assert [line["status"] for line in access_log.lines if line["route"] != "/readyz"] == [status]
    assert "hunter2" not in str(access_log.lines)
    assert access_log.complaints == []
    if answer.headers.get("connection") == "close":
        assert await client.closed()


async def test_the_id_that_was_offered_is_the_refusals(brief_door: Door, call_raw: Any) -> None:
    offered = "x-request-id: mine-1\r\n"
    for sent in (f"{WS}{offered}\r\n", f"{GET}{offered}x: {'x' * 9000}\r\n\r\n"):
        answer = await (await call_raw(brief_door, sent.encode())).answer()
        assert answer.problem["request_id"] == answer.headers["x-request-id"] == "mine-1"
    # Not that of the request before.
    client = await call_raw(brief_door, f"{GET}{offered}\r\n".encode())
    assert (await client.answer()).headers["x-request-id"] == "mine-1"
    await client.say(b"hunter2\r\n\r\n")
    answer = await client.answer()
    assert (answer.status, answer.problem["request_id"] != "mine-1") == (400, True)


async def test_no_refusal_is_written_into_an_answer(
    brief_door: Door, call_raw: Any, make_frame: Any
) -> None:
    door = brief_door
    go_on = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], go_on, [make_frame(2, "done", b"{}")]]
    run = door.chat.run_id
    start = (
        f"GET /api/v1/chat/runs/{run}/events HTTP/1.1\r\nhost: x\r\n"
        f"authorization: {door.bearer['authorization']}\r\n\r\n"
    ).encode()
    for garbage in (b"hunter2\r\n\r\n", f"{GET}x: {'x' * 9000}\r\n\r\n".encode()):
        go_on.clear()
        client = await call_raw(door, start)
        assert (await client.head()).status == 200
        await client.reader.readuntil(b"event: start")
        await client.say(garbage)
        go_on.set()
        told = await client.rest()
        assert b"event: done" in told
        assert told.endswith(b"0\r\n\r\n")
        assert b"HTTP/1.1" not in told


async def test_a_head_after_the_first_has_its_time_as_well(
    open_door: OpenDoor, call_raw: Any
) -> None:
    door = await open_door(head_seconds=0.3, keep_alive_seconds=1)
    client = await call_raw(door, f"{GET}\r\n".encode())
    assert (await client.answer()).status == 200
    await client.say(b"GET /heal")
    assert (await client.answer()).status == 408
    assert await client.closed()
    # Line ends between requests are none.
    client = await call_raw(door, f"{GET}\r\n".encode())
    assert (await client.answer()).status == 200
    await client.say(b"\r\n\r\n")
    assert await client.closed()


async def test_other_upgrades_are_requests_like_all_others(
    door: Door, call_raw: Any, access_log: Any
) -> None:
    upgrade = f"{GET}upgrade: h2c\r\nconnection: upgrade\r\n\r\n".encode()
    client = await call_raw(door, upgrade)
    assert (await client.answer()).status == 200
    assert access_log.complaints == []


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
@pytest.mark.parametrize("framing", ["content-length", "chunked"])
@pytest.mark.parametrize("together", [True, False])
async def test_the_body_of_a_request_that_offers_an_upgrade_is_its_own(
    door: Door, call_raw: Any, access_log: Any, *, protocol: str, framing: str, together: bool
) -> None:
    """The parser ends such a request with its head: its body was answered as the next one."""
    body = b"GET /healthz?smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
    head = (
        "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"connection: upgrade\r\nupgrade: {protocol}\r\n"
    )
    if framing == "chunked":
        head += "transfer-encoding: chunked\r\n\r\n"
        sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        head += f"content-length: {len(body)}\r\n\r\n"
        sent = body
    behind = b"GET /robots.txt HTTP/1.1\r\nhost: x\r\n\r\n"
    client = await call_raw(door, head.encode() + (sent + behind if together else b""))
    if not together:
        await client.say(sent)
        await client.say(behind)
    first, second = await client.answer(), await client.answer()
    assert (first.status, first.problem["reason"]) == (422, "MALFORMED_JSON")
    assert (second.status, second.headers["content-type"][:10]) == (200, "text/plain")
    assert [line["status"] for line in access_log.lines] == [422, 200]


@pytest.mark.parametrize("offered", ["", "x-request-id: mine-2\r\n"])
async def test_a_refused_handshake_has_one_id_and_one_trace_everywhere(
    own_door: Door, call_raw: Any, access_log: Any, offered: str
) -> None:
    door = own_door
    door.auth.answers["ExchangeToken"] = InvalidToken()
    token = "authorization: Bearer parley_pat_" + "0" * 43
    client = await call_raw(door, f"{WS}{KEY}{offered}{token}\r\n\r\n".encode())
    answer = await client.answer()
    assert answer.status == 401
    (call,) = [call for call in door.auth.calls if call.method == "ExchangeToken"]
    line = await access_log.line(answer.headers["x-request-id"])
    assert answer.problem["request_id"] == answer.headers["x-request-id"] == call.request_id
    assert line["trace_id"] == call.traceparent[3:35]
    if offered:
        assert call.request_id == "mine-2"
