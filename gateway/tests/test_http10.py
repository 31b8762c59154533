"""Clients of HTTP/1.0: they know no chunks, and their connections close behind the answer."""

import asyncio
from typing import Any

from .door import Door


def request(door: Door, line: str, *fields: str) -> bytes:
    bearer = f"authorization: {door.bearer['authorization']}"
    return "\r\n".join((f"{line} HTTP/1.0", bearer, *fields, "", "")).encode()


async def test_a_stream_is_plain_bytes_that_end_with_the_connection(
    open_door: Any, call_raw: Any, make_frame: Any
) -> None:
    door = await open_door()
    door.chat.script = [[make_frame(1, "start", b"{}")], [make_frame(2, "done", b"{}")]]
    line = f"GET /api/v1/chat/runs/{door.chat.run_id}/events"
    for fields in ((), ("connection: keep-alive",)):
        client = await call_raw(door, request(door, line, *fields))
        head = await client.head()
        assert head.status == 200
        assert "transfer-encoding" not in head.headers
        assert "content-length" not in head.headers
        assert head.headers["connection"] == "close"
        assert await client.rest() == (
            b"id: 1\nevent: start\ndata: {}\n\nid: 2\nevent: done\ndata: {}\n\n"
        )


async def test_a_silent_stream_beats_in_plain_bytes(
    open_door: Any, call_raw: Any, make_frame: Any
) -> None:
    door = await open_door(heartbeat_seconds=0.05)
    go_on = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], go_on, [make_frame(2, "done", b"{}")]]
    client = await call_raw(door, request(door, f"GET /api/v1/chat/runs/{door.chat.run_id}/events"))
    await client.head()
    await client.reader.readuntil(b": \n\n: \n\n")
    go_on.set()
    assert (await client.rest()).endswith(b"id: 2\nevent: done\ndata: {}\n\n")


async def test_other_answers_are_whole_and_close(
    door: Door, call_raw: Any, make_frame: Any
) -> None:
    door.chat.script = [[make_frame(1, "done", b"{}")]]
    for fields in ((), ("connection: keep-alive",)):
        client = await call_raw(door, request(door, "GET /healthz", *fields))
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert answer.body
        assert await client.closed()
        client = await call_raw(door, request(door, "HEAD /healthz", *fields))
        head = await client.head()
        assert int(head.headers["content-length"]) == len(answer.body)
        assert await client.closed()
        client = await call_raw(door, request(door, "OPTIONS /healthz", *fields))
        assert (await client.head()).status == 204
        assert await client.closed()
    client = await call_raw(
        door, request(door, f"HEAD /api/v1/chat/runs/{door.chat.run_id}/events")
    )
    assert (await client.head()).status == 200
    assert await client.closed()
