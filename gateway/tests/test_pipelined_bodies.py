"""Bodies that wait behind another answer on their connection: answered in their turn, held for a while."""

import asyncio
from typing import Any

import httpx
import pytest

from chassis.testing import eventually, sample
from parley.notes.v1 import notes_pb2

from .door import Door

HELD = "http_body_bytes_held"
LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"


def head(door: Door, line: str) -> bytes:
    bearer = f"authorization: {door.bearer['authorization']}\r\n"
    return f"{line} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{bearer}".encode()


async def held(door: Door) -> float:
    """What the gauge says, as operators read it: who waits for it looks at the gauge itself."""
    url = f"http://127.0.0.1:{door.gateway.service.metrics_port}/metrics"
    async with httpx.AsyncClient(verify=False) as client:
        told = (await client.get(url)).text
    return float(told.partition(f"\n{HELD} ")[2].partition("\n")[0])


async def test_pipelined_requests_are_answered_in_turn_and_bounded(
    open_door: Any, call_raw: Any
) -> None:
    door = await open_door(body_seconds=0.5)
    get = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    slow = LOGIN + b"content-length: 10\r\n\r\n{"
    client = await call_raw(door, get * 3, slow)
    assert [(await client.answer()).status for _ in range(4)] == [200, 200, 200, 408]
    assert await client.closed()
    client = await call_raw(door, get * 5000)
    answers = (await client.rest()).count(b"HTTP/1.1 200")
    assert 1 <= answers < 100


@pytest.mark.parametrize("rest", [b"content-length: 40000\r\n\r\n", CHUNKED, CHUNKED + b"8000\r\n"])
async def test_a_body_behind_a_stream_has_its_time_and_is_answered_in_its_turn(
    open_door: Any, call_raw: Any, make_frame: Any, access_log: Any, rest: bytes
) -> None:
    door = await open_door(body_seconds=1.5, body_window_seconds=0.2)
    go_on = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], go_on, [make_frame(2, "done", b"{}")]]
    stream = head(door, f"GET /api/v1/chat/runs/{door.chat.run_id}/events") + b"\r\n"
    get = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    half = b"" if rest == CHUNKED else b" " * 20_000
    client = await call_raw(door, stream + get + LOGIN + rest + half)
    assert (await client.head()).status == 200
    await client.reader.readuntil(b"event: start")

    async def holds() -> bool:
        return sample(HELD) == len(half)

    async def is_given_up() -> bool:
        connections = door.gateway.http._server.server_state.connections
        return sample(HELD) == 0 and any(each._closing for each in connections)

    await eventually(holds)
    await eventually(is_given_up)
    # The stream is still under way, and nothing is written between its bytes.
    assert not go_on.is_set()
    go_on.set()
    told = await client.rest()
    before, _, after = told.partition(b"HTTP/1.1 200 OK")
    assert before.endswith(b"0\r\n\r\n")
    assert b"event: done" in before
    assert after.count(b"HTTP/1.1 408") == 1
    assert after.count(b"HTTP/1.1") == 1
    assert b"BODY_TOO_SLOW" in after
    assert access_log.complaints == []


async def test_a_body_is_judged_by_its_rate_from_when_it_is_served(
    open_door: Any, call_raw: Any, make_frame: Any
) -> None:
    door = await open_door(body_seconds=30, body_window_seconds=0.5, body_bytes_per_second=20_000)
    door.notes.answers["CreateNote"] = notes_pb2.CreateNoteResponse()
    go_on = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], go_on, [make_frame(2, "done", b"{}")]]
    stream = head(door, f"GET /api/v1/chat/runs/{door.chat.run_id}/events") + b"\r\n"
    body = b'{"title": "t", "content": "c"}'
    post = head(door, "POST /api/v1/notes") + b"content-length: %d\r\n\r\n" % len(body)
    client = await call_raw(door, stream)
    assert (await client.head()).status == 200
    await client.reader.readuntil(b"event: start")
    await client.say(post + body[:5])

    async def holds() -> bool:
        return sample(HELD) == 5

    await eventually(holds)
    # More than a window, in which nothing could be told of a good client.
    await asyncio.sleep(1)
    await client.say(body[5:])
    go_on.set()
    told = await client.reader.readuntil(b"HTTP/1.1 201")
    assert b"HTTP/1.1 408" not in told


async def test_whole_bodies_behind_a_stream_are_kept_for_their_time_alone(
    open_door: Any, call_raw: Any, make_frame: Any, access_log: Any
) -> None:
    door = await open_door(body_seconds=1)
    go_on = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], go_on, [make_frame(2, "done", b"{}")]]
    stream = head(door, f"GET /api/v1/chat/runs/{door.chat.run_id}/events") + b"\r\n"
    whole = LOGIN + b"content-length: 20000\r\n\r\n" + b" " * 20_000
    client = await call_raw(door, stream + whole * 2 + b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    await client.reader.readuntil(b"event: start")
    protocols = door.gateway.http._server.server_state.connections

    def waiting() -> list[int]:
        """What is in memory of the bodies that wait."""
        return [len(cycle.body) for each in protocols for cycle, _ in each.pipeline]

    async def holds(size: int) -> bool:
        return sample(HELD) == size

    await eventually(lambda: waiting() == [0, 20_000, 20_000])
    assert await held(door) == 40_000
    await eventually(lambda: holds(0))
    # Counted and held are the same.
    assert waiting() == [0, 0, 0]
    assert not go_on.is_set()
    go_on.set()
    await client.reader.readuntil(b"0\r\n\r\n")
    for _ in range(2):
        answer = await client.answer()
        assert (answer.status, answer.problem["reason"]) == (503, "BODY_NOT_KEPT")
        assert int(answer.headers["retry-after"]) > 0
    # Each was read to its end: the connection is as good as before.
    assert (await client.answer()).status == 200
    assert access_log.complaints == []


async def test_a_whole_body_that_has_its_turn_in_time_is_read(
    open_door: Any, call_raw: Any, make_frame: Any
) -> None:
    door = await open_door(body_seconds=20)
    door.notes.answers["CreateNote"] = notes_pb2.CreateNoteResponse()
    go_on = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], go_on, [make_frame(2, "done", b"{}")]]
    stream = head(door, f"GET /api/v1/chat/runs/{door.chat.run_id}/events") + b"\r\n"
    body = b'{"title": "t", "content": "c"}'
    post = head(door, "POST /api/v1/notes") + b"content-length: %d\r\n\r\n%b" % (len(body), body)
    client = await call_raw(door, stream + post * 2)
    await client.reader.readuntil(b"event: start")

    async def holds() -> bool:
        return sample(HELD) == 2 * len(body)

    await eventually(holds)
    go_on.set()
    await client.reader.readuntil(b"0\r\n\r\n")
    assert [(await client.answer()).status for _ in range(2)] == [201, 201]
    assert await held(door) == 0


async def test_a_refused_body_that_waits_for_its_turn_is_not_in_memory(
    open_door: Any, call_raw: Any, make_frame: Any
) -> None:
    door = await open_door(body_held_bytes_per_client=64 * 1024, body_limit_bytes=48 * 1024)
    go_on = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], go_on, [make_frame(2, "done", b"{}")]]
    stream = head(door, f"GET /api/v1/chat/runs/{door.chat.run_id}/events") + b"\r\n"
    whole = LOGIN + b"content-length: 30000\r\n\r\n" + b" " * 30_000
    client = await call_raw(door, stream)
    await client.reader.readuntil(b"event: start")
    await client.say(whole * 3 + b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    protocols = door.gateway.http._server.server_state.connections

    def waiting() -> list[int]:
        return [len(cycle.body) for each in protocols for cycle, _ in each.pipeline]

    # Three quarters of the bound are for bodies of this size.
    await eventually(lambda: waiting() == [0, 0, 0, 30_000])
    assert await held(door) == 30_000
    go_on.set()
    await client.reader.readuntil(b"0\r\n\r\n")
    statuses = [(await client.answer()).status for _ in range(4)]
    assert statuses == [422, 429, 429, 200]


@pytest.mark.parametrize("reset", [True, False])
async def test_of_bodies_that_wait_on_a_connection_that_is_lost_nothing_is_held(
    open_door: Any, call_raw: Any, make_frame: Any, reset: bool
) -> None:
    # One of its own: of the process's gateways the gauge tells of the newest.
    door = await open_door(body_seconds=60)
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    stream = head(door, f"GET /api/v1/chat/runs/{door.chat.run_id}/events") + b"\r\n"
    body = LOGIN + b"content-length: 20000\r\n\r\n" + b" " * 20_000
    client = await call_raw(door, stream + body * 2)
    await client.reader.readuntil(b"event: start")
    await eventually(lambda: sample(HELD) == 40_000)
    client.hang_up(reset=reset)
    # Long before the time that a body has is over.
    await eventually(lambda: sample(HELD) == 0, 10)
