"""Clients that do not read their answers: dropped after a while, and those who read slowly are not."""

import asyncio
import re
from typing import Any

import pytest

from chassis.testing import eventually

from .door import Door


async def bundle(door: Door) -> bytes:
    """A request for the largest answer there is, 1.6 MB."""
    page = (await door.http.get("/docs")).text
    (path,) = re.findall(r'src="(/docs/[^"]+bundle[^"]+)"', page)
    return f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()


def others(door: Door) -> int:
    """Connections that are not the test's own client's."""
    connections = door.gateway.http._server.server_state.connections
    return sum(1 for each in connections if each.transport.get_write_buffer_size())


@pytest.mark.parametrize("last", [b"", b"GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n"])
async def test_who_reads_nothing_of_an_answer_is_dropped(
    open_door: Any, call_raw: Any, last: bytes
) -> None:
    door = await open_door(unread_seconds=0.3, keep_alive_seconds=1)
    client = await call_raw(door, limit=1024)
    # More than the kernel takes: at rest, something is unsent.
    await client.say(await bundle(door) * 20 + last)
    await eventually(lambda: others(door) == 1)
    await eventually(lambda: others(door) == 0)
    # What the kernels had is all that comes.
    assert len(await client.rest()) < 19 * 1_600_000


async def test_who_reads_nothing_of_a_stream_is_dropped_and_the_run_is_followed_no_longer(
    open_door: Any, call_raw: Any, make_frame: Any
) -> None:
    door = await open_door(unread_seconds=0.3)
    door.chat.script = [[make_frame(number, "delta", b"x" * 65536)] for number in range(1, 2000)]
    head = (
        f"GET /api/v1/chat/runs/{door.chat.run_id}/events HTTP/1.1\r\nhost: x\r\n"
        f"authorization: {door.bearer['authorization']}\r\n\r\n"
    )
    client = await call_raw(door, head.encode(), limit=1024)
    await client.head()
    async with asyncio.timeout(30):
        await door.chat.ended.wait()
    assert door.chat.sent < 1999
    await eventually(lambda: others(door) == 0)


async def test_who_reads_slowly_gets_the_whole_of_it(open_door: Any, call_raw: Any) -> None:
    door = await open_door(unread_seconds=1.5)
    client = await call_raw(door, limit=1024)
    asked = 20
    await client.say(await bundle(door) * (asked - 1))
    await client.say((await bundle(door)).replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    await eventually(lambda: others(door) == 1)
    told = bytearray()
    # Twice as long as nothing may be read, at least.
    while piece := await client.reader.read(256 * 1024):
        told += piece
        await asyncio.sleep(3 * len(piece) / 20_000_000)
    assert told.count(b"HTTP/1.1 200 OK\r\n") == asked
