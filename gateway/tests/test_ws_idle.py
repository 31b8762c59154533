"""When a socket is idle, and when it is not."""

import asyncio
from collections.abc import Callable
from typing import Any

from chassis.testing import eventually
from parley.chat.v1 import chat_pb2

from .sockets import Dial

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]


async def test_an_idle_socket_is_closed(open_door: Any, dial: Dial) -> None:
    door = await open_door(socket_idle_seconds=0.1)
    idle = await dial(door)
    assert await idle.closed() == 4408


async def test_a_socket_that_follows_a_run_is_not_idle(
    open_door: Any, dial: Dial, make_frame: MakeFrame
) -> None:
    idle = 60.0
    door = await open_door(socket_idle_seconds=idle, socket_heartbeat_seconds=4 * idle)
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    client = await dial(door)
    (session,) = door.gateway.sockets._open
    await client.ask(type="send", ref="1", content="x")
    assert (await client.hear())["event"] == "start"
    session.review(asyncio.get_running_loop().time() + 2 * idle)
    assert (await client.ask(type="ping"))["type"] == "pong"


async def test_a_socket_that_is_subscribed_is_not_idle(open_door: Any, dial: Dial) -> None:
    idle = 60.0
    door = await open_door(socket_idle_seconds=idle, socket_heartbeat_seconds=4 * idle)
    client = await dial(door)
    (session,) = door.gateway.sockets._open
    assert (await client.ask(type="subscribe", ref="s"))["type"] == "ack"
    session.review(asyncio.get_running_loop().time() + 2 * idle)
    assert (await client.ask(type="ping"))["type"] == "pong"


async def test_a_socket_is_not_idle_right_behind_a_long_answer(
    open_door: Any, dial: Dial, make_frame: MakeFrame
) -> None:
    idle = 300.0
    door = await open_door(socket_idle_seconds=idle, socket_heartbeat_seconds=2 * idle)
    gate = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], gate, [make_frame(2, "done", b"{}")]]
    client = await dial(door)
    (session,) = door.gateway.sockets._open
    loop = asyncio.get_running_loop()
    await client.ask(type="send", ref="1", content="x")
    assert (await client.hear())["event"] == "start"
    asked_at = loop.time()
    await eventually(lambda: loop.time() > asked_at + 0.2)
    ended_at = loop.time()
    gate.set()
    assert (await client.hear())["event"] == "done"
    await eventually(lambda: not session._tasks)
    assert not session._follows._tasks
    # Its time begins with the end of the answer, not with the question.
    session.review(ended_at + idle - 0.05)
    assert session.wire.is_open
    session.review(loop.time() + idle + 0.05)
    assert await client.closed() == 4408


async def test_a_socket_that_says_anything_is_not_idle(open_door: Any, dial: Dial) -> None:
    idle = 300.0
    door = await open_door(socket_idle_seconds=idle, socket_heartbeat_seconds=2 * idle)
    client = await dial(door)
    (session,) = door.gateway.sockets._open
    loop = asyncio.get_running_loop()
    opened_at = loop.time()
    await eventually(lambda: loop.time() > opened_at + 0.2)
    said_at = loop.time()
    assert (await client.ask(type="ping"))["type"] == "pong"
    session.review(said_at + idle - 0.05)
    assert session.wire.is_open
    session.review(loop.time() + idle + 0.05)
    assert await client.closed() == 4408
