"""Bodies that do not come, and bodies that nobody wants: ended in good time, and few bytes read."""

import asyncio
from typing import Any

import httpx
import pytest

from chassis.testing import eventually, sample
from gateway.edge.body import Body, BodyTerms
from gateway.edge.body_memory import BodyMemory
from parley.auth.v1 import auth_pb2
from parley.notes.v1 import notes_pb2

from .door import Door

HELD = "http_body_bytes_held"
MIB = 1024 * 1024
LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
GIB = b"content-length: 1073741824\r\n\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"


def head(door: Door, line: str, *, token: bool = True) -> bytes:
    bearer = f"authorization: {door.bearer['authorization']}\r\n" if token else ""
    return f"{line} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{bearer}".encode()


async def held(door: Door) -> float:
    """What the gauge says, as operators read it: who waits for it looks at the gauge itself."""
    url = f"http://127.0.0.1:{door.gateway.service.metrics_port}/metrics"
    async with httpx.AsyncClient(verify=False) as client:
        told = (await client.get(url)).text
    return float(told.partition(f"\n{HELD} ")[2].partition("\n")[0])


async def test_a_body_that_never_comes_ends_in_408(
    open_door: Any, call_raw: Any, access_log: Any
) -> None:
    door = await open_door(body_seconds=0.3)
    for rest in (b"content-length: 100\r\n\r\n", CHUNKED, CHUNKED + b'5\r\n{"use'):
        client = await call_raw(door, LOGIN, rest)
        answer = await client.answer()
        assert (rest, answer.status) == (rest, 408)
        assert answer.problem["reason"] == "BODY_TOO_SLOW"
        assert answer.headers["connection"] == "close"
        assert await client.closed()
        line = await access_log.line(answer.problem["request_id"])
        assert (line["route"], line["status"]) == ("/api/v1/auth/login", 408)
    assert access_log.complaints == []
    assert await held(door) == 0


async def test_a_body_that_only_trickles_ends_in_408(open_door: Any, call_raw: Any) -> None:
    door = await open_door(body_window_seconds=0.3, body_bytes_per_second=500)
    client = await call_raw(door, LOGIN, b"content-length: 100000\r\n\r\n")
    answering = asyncio.create_task(client.answer())
    while not answering.done():
        await client.say(b" ")
        await asyncio.sleep(0.01)
    assert (await answering).status == 408


async def test_a_body_that_is_only_framing_ends_in_408(open_door: Any, call_raw: Any) -> None:
    door = await open_door(body_window_seconds=0.3)
    client = await call_raw(door, LOGIN, CHUNKED, b"1;")
    answering = asyncio.create_task(client.answer())
    while not answering.done():
        await client.say(b"x" * 5000)
        await asyncio.sleep(0.01)
    assert (await answering).status == 408


async def test_a_slow_body_that_keeps_its_rate_is_read(open_door: Any, call_raw: Any) -> None:
    door = await open_door(body_window_seconds=0.5, body_bytes_per_second=1)
    door.notes.answers["CreateNote"] = notes_pb2.CreateNoteResponse()
    body = b'{"title": "t", "content": "slow"}'
    loop = asyncio.get_running_loop()

    async def kept_its_rate() -> bool:
        """Unless this process stood still meanwhile, and the client with it."""
        client = await call_raw(
            door, head(door, "POST /api/v1/notes"), b"content-length: %d\r\n\r\n" % len(body)
        )
        longest = 0.0
        for byte in body:
            began = loop.time()
            await client.say(bytes([byte]))
            await asyncio.sleep(0.05)
            longest = max(longest, loop.time() - began)
        status = (await client.answer()).status
        assert status == 201 or longest > 0.3
        return bool(status == 201)

    await eventually(kept_its_rate)


async def test_trailers_are_no_headers_and_are_bounded(open_door: Any, call_raw: Any) -> None:
    door = await open_door(head_limit_bytes=8192)
    door.notes.answers["CreateNote"] = notes_pb2.CreateNoteResponse()
    body = b'{"title": "t", "content": "c"}'
    chunk = b"%x\r\n%b\r\n0\r\n" % (len(body), body)
    start = head(door, "POST /api/v1/notes") + CHUNKED + chunk
    client = await call_raw(door, start, b"idempotency-key: late\r\n\r\n")
    assert (await client.answer()).status == 201
    assert door.notes.calls[-1].idempotency_key is None
    client = await call_raw(door, start)
    await client.say(*(b"a: %b\r\n" % (b"x" * 100) for _ in range(200)))
    assert (await client.answer()).status == 400
    assert len(door.notes.calls) == 1


@pytest.mark.parametrize(
    ("line", "token", "status"),
    [
        ("POST /api/v1/notes", False, 401),
        ("POST /nothing", True, 404),
        ("PUT /api/v1/notes", True, 405),
        ("GET /healthz", False, 200),
        ("GET /api/v1/notes", True, 200),
        ("POST /api/v1/notes", True, 413),
        ("DELETE /api/v1/me", True, 413),
    ],
)
async def test_what_nobody_wants_is_answered_at_once_and_not_read(
    door: Door, call_raw: Any, line: str, token: bool, status: int
) -> None:
    door.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse()
    client = await call_raw(door, head(door, line, token=token), GIB)
    answer = await client.answer()
    assert (line, answer.status) == (line, status)
    assert answer.headers["connection"] == "close"
    # What the kernels' buffers hold is not what the gateway reads.
    with pytest.raises(ConnectionError):
        await client.say(*(b"x" * MIB for _ in range(32)))


@pytest.mark.parametrize("field", [b"content-type: text/plain", b"content-encoding: gzip"])
async def test_415_does_not_wait_for_the_body(door: Door, call_raw: Any, field: bytes) -> None:
    start = head(door, "POST /api/v1/notes").replace(b"content-type: application/json", field)
    for rest in (b"content-length: 500000\r\n\r\n", CHUNKED):
        answer = await (await call_raw(door, start, rest)).answer()
        assert (answer.status, answer.headers["connection"]) == (415, "close")


async def test_an_answer_is_seen_by_a_client_that_sends_first(door: Door, call_raw: Any) -> None:
    client = await call_raw(door, head(door, "POST /api/v1/notes", token=False), GIB)
    # All of it before a look at the answer.
    for _ in range(12):
        await client.say(b"x" * 16384)
    assert (await client.answer()).status == 401
    assert await client.closed()


async def test_a_refused_body_that_is_small_costs_no_connection(
    open_door: Any, call_raw: Any
) -> None:
    door = await open_door(body_seconds=0.5, keep_alive_seconds=1)
    client = await call_raw(
        door, head(door, "POST /api/v1/notes", token=False), b"content-length: 300\r\n\r\n"
    )
    assert (await client.answer()).status == 401
    await client.say(b"x" * 300, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await client.answer()).status == 200
    # Neither its rest nor another request is waited for without end.
    await client.say(head(door, "POST /nothing"), b"content-length: 300\r\n\r\n", b"x")
    assert (await client.answer()).status == 404
    assert await client.closed()
    client = await call_raw(door, head(door, "POST /nothing"), b"content-length: 300\r\n\r\n", b"x")
    assert (await client.answer()).status == 404
    await client.say(b"x" * 299)
    assert await client.closed()


async def test_100_continue_is_said_to_who_is_read_alone(door: Door, call_raw: Any) -> None:
    door.notes.answers["CreateNote"] = notes_pb2.CreateNoteResponse()
    body = b'{"title": "t", "content": "c"}'
    fields = b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(body)
    client = await call_raw(door, head(door, "POST /api/v1/notes"), fields)
    assert (await client.head()).status == 100
    await client.say(body)
    assert (await client.answer()).status == 201
    # Whoever is refused may send the body or not: nobody could tell it from a request.
    client = await call_raw(door, head(door, "POST /api/v1/notes", token=False), fields)
    answer = await client.answer()
    assert (answer.status, answer.headers["connection"]) == (401, "close")
    old = head(door, "POST /api/v1/notes").replace(b"HTTP/1.1", b"HTTP/1.0")
    client = await call_raw(door, old, fields, body)
    assert (await client.answer()).status == 201


async def test_bytes_of_bodies_are_bounded_by_client_and_in_all(
    open_door: Any, call_raw: Any
) -> None:
    door = await open_door(
        body_limit_bytes=48 * 1024,
        body_held_bytes_per_client=128 * 1024,
        body_held_bytes=192 * 1024,
        body_seconds=60,
        body_window_seconds=60,
        trusted_proxies=["127.0.0.0/8"],
    )
    door.auth.answers["LogIn"] = auth_pb2.LogInResponse(
        grant=auth_pb2.Grant(user=auth_pb2.User(role=auth_pb2.ROLE_USER))
    )

    async def begin(address: str) -> Any:
        fields = f"x-forwarded-for: {address}\r\ncontent-length: 49000\r\n\r\n".encode()
        return await call_raw(door, LOGIN, fields, b" " * 40_000)

    async def half(address: str) -> Any:
        """A client that holds up 40,000 bytes."""
        before = await held(door)
        client = await begin(address)

        async def arrived() -> bool:
            return sample(HELD) == before + 40_000

        await eventually(arrived)
        return client

    async def small(address: str) -> int:
        answer = await door.http.post(
            "/api/v1/auth/login",
            json={"username": "a", "password": "p"},
            headers={"x-forwarded-for": address},
        )
        return int(answer.status_code)

    kept = [await half("2001:db8:0:1::1"), await half("2001:db8:0:1::2")]
    assert await held(door) == 80_000
    refused = await (await begin("2001:db8:0:1:ffff::3")).answer()
    assert refused.status == 429
    assert refused.problem["reason"] == "TOO_MUCH_IN_BODIES"
    assert int(refused.headers["retry-after"]) > 0
    # The client's small bodies still have room, and other clients.
    assert await small("2001:db8:0:1::1") == 200
    kept.append(await half("2001:db8:0:2::1"))
    refused = await (await begin("203.0.113.9")).answer()
    assert refused.status == 503
    assert refused.problem["reason"] == "NO_ROOM_FOR_BODY"
    assert int(refused.headers["retry-after"]) > 0
    assert await small("203.0.113.9") == 200
    assert await held(door) == 120_000
    for client in kept:
        client.hang_up(reset=False)

    async def none_held() -> bool:
        return sample(HELD) == 0

    await eventually(none_held)
    client = await half("203.0.113.9")
    assert await held(door) == 40_000
    await client.say(b" " * 9_000)
    assert (await client.answer()).status == 422
    assert await held(door) == 0


async def test_a_body_that_nobody_wants_is_not_in_memory_while_its_answer_goes_on(
    door: Door, call_raw: Any, make_frame: Any
) -> None:
    go_on = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], go_on, [make_frame(2, "done", b"{}")]]
    stream = head(door, f"GET /api/v1/chat/runs/{door.chat.run_id}/events")
    client = await call_raw(door, stream + b"content-length: 50000\r\n\r\n" + b" " * 50_000)
    await client.reader.readuntil(b"event: start")
    protocols: Any = door.gateway.http._server.server_state.connections
    assert {len(each.cycle.body) for each in protocols if each.cycle is not None} == {0}
    assert await held(door) == 0
    go_on.set()
    await client.reader.readuntil(b"0\r\n\r\n")
    await client.say(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await client.answer()).status == 200


async def test_a_body_is_not_slow_while_the_gateway_itself_does_not_read(
    open_door: Any, call_raw: Any
) -> None:
    """A token that takes some windows to be judged: nothing can come meanwhile."""
    door = await open_door(body_window_seconds=0.2, body_bytes_per_second=500)
    door.notes.answers["CreateNote"] = notes_pb2.CreateNoteResponse()
    judged = asyncio.Event()
    token = "parley_pat_" + "0" * 43
    door.auth.answers["ExchangeToken"] = (
        judged,
        auth_pb2.ExchangeTokenResponse(access_token=door.caller.token, expires_in=300),
    )
    body = b'{"title": "t", "content": "c"}' + b" " * 400_000
    start = (
        "POST /api/v1/notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()
    client = await call_raw(door, start + body[:200_000])
    protocols: Any = door.gateway.http._server.server_state.connections
    await eventually(lambda: any(each.flow.read_paused for each in protocols if each.flow))
    # Some windows.
    await asyncio.sleep(1)
    judged.set()
    await client.say(body[200_000:])
    answer = await client.answer()
    assert answer.status == 201, answer.body


async def test_a_body_that_is_watched_before_it_is_served_is_late_by_its_terms_alone() -> None:
    terms = BodyTerms(most=100, seconds=0.5, rate=1, window=0.2)
    held_bytes = BodyMemory(most=100, most_of_client=100)
    body = Body(terms, held_bytes, "127.0.0.1", announced=10, encoded=False)
    loop = asyncio.get_running_loop()
    began = loop.time()
    late: asyncio.Future[float] = loop.create_future()
    body.watch(lambda: late.set_result(loop.time() - began), lambda: False)
    body.expect(wake=lambda: None)
    # Timers that are due come in the next turn.
    for _ in range(3):
        await asyncio.sleep(0)
    assert await late >= 0.19
    body.end()
