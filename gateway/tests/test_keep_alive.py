"""Connections that are kept for the next request: for as long as is set, and however long its answer takes."""

import asyncio
from typing import Any

from chassis.testing import eventually

from .door import Door, OpenDoor
from .raw_client import CallRaw, RawClient

GET = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


def protocol_of(door: Door, client: RawClient) -> Any:
    """The server's side of this client's connection."""
    mine = client.writer.get_extra_info("sockname")
    (protocol,) = [
        each
        for each in door.gateway.http._server.server_state.connections
        if each.transport.get_extra_info("peername") == mine
    ]
    return protocol


async def test_an_idle_connection_is_kept_for_as_long_as_is_set(
    open_door: OpenDoor, call_raw: CallRaw
) -> None:
    door = await open_door(keep_alive_seconds=3600)
    client = await call_raw(door, GET)
    assert (await client.answer()).status == 200
    protocol = protocol_of(door, client)
    await eventually(lambda: protocol.timeout_keep_alive_task is not None)
    left = protocol.timeout_keep_alive_task.when() - asyncio.get_running_loop().time()
    assert 1800 < left < 3601


async def test_an_answer_on_a_kept_connection_may_take_longer_than_an_idle_one_is_kept(
    open_door: OpenDoor, call_raw: CallRaw, make_frame: Any
) -> None:
    door = await open_door(keep_alive_seconds=1, heartbeat_seconds=0.05)
    go_on = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], go_on, [make_frame(2, "done", b"{}")]]
    client = await call_raw(door, GET)
    assert (await client.answer()).status == 200
    loop = asyncio.get_running_loop()
    idle_since = loop.time()
    await client.say(
        f"GET /api/v1/chat/runs/{door.chat.run_id}/events HTTP/1.1\r\nhost: x\r\n"
        f"authorization: {door.bearer['authorization']}\r\n\r\n".encode()
    )
    async with asyncio.timeout(30):
        while loop.time() < idle_since + 1.1:
            await client.reader.readuntil(b": \n\n")
        go_on.set()
        await client.reader.readuntil(b"event: done")
        await client.reader.readuntil(b"0\r\n\r\n")
    await client.say(GET)
    assert (await client.answer()).status == 200
