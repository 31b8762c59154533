"""Clients that go, at any place and either way: no errors, no 5xx, nothing left behind."""

import asyncio
import socket
import struct
from typing import Any

import httpx
import pytest

from chassis.testing import eventually
from parley.notes.v1 import notes_pb2

from .door import Door

HANG_UPS = 200


async def metrics_of(door: Door) -> str:
    url = f"http://127.0.0.1:{door.gateway.service.metrics_port}/metrics"
    async with httpx.AsyncClient(verify=False) as client:
        return (await client.get(url)).text


def counted(told: str, status: str) -> float:
    """Requests answered with a status that begins so."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in told.splitlines()
        if line.startswith("http_requests_total{") and f'status="{status}' in line
    )


def start(door: Door, line: str, rest: str = "\r\n") -> bytes:
    return (
        f"{line} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"authorization: {door.bearer['authorization']}\r\n{rest}"
    ).encode()


async def settled(door: Door) -> None:
    """Every connection but those of the tests' own client is gone."""
    server = door.gateway.http._server.server_state
    await eventually(lambda: not server.tasks and len(server.connections) <= 1)


@pytest.mark.parametrize("reset", [True, False])
async def test_hanging_up_in_mid_body_is_499_without_a_stack(
    door: Door, call_raw: Any, access_log: Any, reset: bool
) -> None:
    before = await metrics_of(door)
    rests = (
        "content-length: 500\r\n\r\n",
        'content-length: 500\r\n\r\n{"title": "',
        "transfer-encoding: chunked\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n5\r\n{",
    )
    for number in range(HANG_UPS):
        line = ("POST /api/v1/notes", "POST /api/v1/auth/login")[number % 2]
        client = await call_raw(door, start(door, line, rests[number % 4]))
        if number % 3:
            await asyncio.sleep(0)
        client.hang_up(reset=reset)
    await settled(door)
    told = await metrics_of(door)
    assert counted(told, "5") == counted(before, "5")
    # One that goes before its head was read has asked for nothing.
    gone = [line for line in access_log.lines if line["status"] == 499]
    assert counted(told, "499") - counted(before, "499") == len(gone)
    assert len(gone) > HANG_UPS / 2
    assert {line["route"] for line in gone} <= {"/api/v1/notes", "/api/v1/auth/login"}
    assert access_log.complaints == []
    assert door.notes.calls == []


@pytest.mark.parametrize("reset", [True, False])
async def test_hanging_up_in_mid_head_is_no_request(
    door: Door, call_raw: Any, access_log: Any, reset: bool
) -> None:
    before = len(access_log.lines)
    for said in (b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: "):
        (await call_raw(door, said)).hang_up(reset=reset)
    await settled(door)
    assert len(access_log.lines) == before
    assert access_log.complaints == []


@pytest.mark.parametrize("reset", [True, False])
async def test_hanging_up_in_a_stream_or_a_wait_ends_it(
    door: Door, call_raw: Any, access_log: Any, make_frame: Any, reset: bool
) -> None:
    before = await metrics_of(door)
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    run = f"GET /api/v1/chat/runs/{door.chat.run_id}/events"
    body = '{"content": "x"}'
    length = f"content-length: {len(body)}\r\n\r\n{body}"
    question = "POST /api/v1/chat/messages"
    cases = {
        "stream": start(door, run),
        "asked stream": start(door, question, f"accept: text/event-stream\r\n{length}"),
        "wait": start(door, question, length),
        # uvicorn would tell the last of them alone.
        "pipelined": start(door, run) + start(door, "GET /healthz"),
        "with a body": start(door, run, "content-length: 500\r\n\r\n{"),
    }
    for name, said in cases.items():
        door.chat.ended.clear()
        door.chat.sent = 0
        client = await call_raw(door, said)
        await eventually(lambda: door.chat.sent == 1)
        if name != "wait":
            await client.reader.readuntil(b"event: start")
        client.hang_up(reset=reset)
        async with asyncio.timeout(30):
            await door.chat.ended.wait()
    await settled(door)
    told = await metrics_of(door)
    assert counted(told, "5") == counted(before, "5")
    assert access_log.complaints == []
    statuses = [line["status"] for line in access_log.lines if line["route"] != "/readyz"]
    assert sorted(statuses) == [200, 200, 200, 200, 499]


@pytest.mark.parametrize("reset", [True, False])
async def test_hanging_up_before_and_within_an_answer_is_no_error(
    door: Door, call_raw: Any, access_log: Any, reset: bool
) -> None:
    before = await metrics_of(door)
    note = notes_pb2.Note(title="t", content="x" * 1_000_000)
    door.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse(items=[note] * 3)
    for read in (0, 1000):
        client = await call_raw(door, start(door, "GET /api/v1/notes"), limit=1024)
        await client.reader.readexactly(read)
        client.hang_up(reset=reset)
        await settled(door)
    told = await metrics_of(door)
    assert counted(told, "5") == counted(before, "5")
    assert access_log.complaints == []


@pytest.mark.parametrize("reset", [True, False])
async def test_hanging_up_in_a_handshake_is_no_error(
    door: Door, call_raw: Any, access_log: Any, reset: bool
) -> None:
    before = await metrics_of(door)
    handshake = (
        b"GET /api/v1/ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n\r\n"
    )
    for said in (handshake[:60], handshake, handshake.replace(b": 13", b": 12")):
        for wait in (False, True):
            client = await call_raw(door, said)
            if wait and said[-4:] == b"\r\n\r\n":
                await client.head()
            client.hang_up(reset=reset)
    await settled(door)
    await eventually(lambda: not len(door.gateway.sockets))
    told = await metrics_of(door)
    assert counted(told, "5") == counted(before, "5")
    assert access_log.complaints == []


async def test_who_is_gone_before_they_are_looked_at_is_served_nothing(
    door: Door, access_log: Any
) -> None:
    """Their address cannot be told any more: what they ask would be counted for nobody."""
    body = b'{"email": "ada@example.org", "purpose": "register"}'
    request = (
        b"POST /api/v1/auth/send-code HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", door.port)) as client:
            client.sendall(request)
            # With an RST, before the server's loop has had a turn.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    answer = await door.http.get("/healthz", headers={"x-request-id": "behind-them"})
    assert answer.status_code == 200
    assert "" not in {line["client"] for line in access_log.lines}
    assert [line["route"] for line in access_log.lines if "send-code" in line["route"]] == []
