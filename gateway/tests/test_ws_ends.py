"""Sockets that end while something of theirs is under way: it is ended, or waited for."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from chassis.testing import eventually
from gateway.wiring import build
from parley.chat.v1 import chat_pb2

from .door import Door
from .sockets import Dial

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]

LONG = b'"' + b"0" * 65536 + b'"'


def first_reads() -> list[str]:
    """Followers' first reads that are under way."""
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name == "stream-opening"]


async def test_a_follower_that_has_heard_nothing_yet_ends_with_its_socket(
    door: Door, dial: Dial, access_log: Any
) -> None:
    door.chat.script = [asyncio.Event()]
    client = await dial(door)
    await client.say(type="follow", ref="1", run_id="r")
    await eventually(lambda: door.chat.calls)
    client.connection.transport.abort()
    async with asyncio.timeout(30):
        await door.chat.ended.wait()
    await eventually(lambda: not len(door.gateway.sockets))
    assert not first_reads()
    assert access_log.complaints == []


async def test_a_follower_whose_ack_does_not_get_through_leaves_no_read_behind(
    open_door: Any, dial: Dial, make_frame: MakeFrame, access_log: Any
) -> None:
    door = await open_door(builder=partial(build, follow_patience=0.0))
    door.chat.script = [[make_frame(number, "delta", LONG)] for number in range(1, 8193)]
    client = await dial(door)
    (session,) = door.gateway.sockets._open
    client.connection.transport.pause_reading()
    await client.say(type="send", ref="1", content="x")
    # Nobody who is waited for has read: whatever is said next has to wait as well.
    await eventually(lambda: session.wire._room is not None and session.wire._writing.locked())
    door.chat.script = [asyncio.Event()]
    await client.say(type="follow", ref="2", run_id="silent")
    await eventually(lambda: door.chat.calls[-1].request.run_id == "silent")
    assert first_reads()
    client.connection.transport.abort()
    await eventually(lambda: not len(door.gateway.sockets))
    assert not first_reads()
    # gRPC's own, of the stand-in for chat-service: it was cut in the middle of a message.
    cut = "ExecuteBatchError"
    assert [said for said in access_log.complaints if not said.startswith(cut)] == []


async def test_who_reads_no_answer_has_no_more_frames_taken_that_replace_each_other(
    open_door: Any, dial: Dial, make_frame: MakeFrame
) -> None:
    door = await open_door(builder=partial(build, follow_patience=60.0))
    door.chat.script = [[make_frame(number, "delta", LONG)] for number in range(1, 8193)]
    client = await dial(door)
    (session,) = door.gateway.sockets._open
    client.connection.transport.pause_reading()
    await client.say(type="send", ref="1", content="x")
    await eventually(lambda: session.wire._room is not None and session.wire._writing.locked())
    door.chat.script = [asyncio.Event()]
    before = len(door.chat.calls)
    await client.say(type="follow", ref="2", run_id="silent")
    await eventually(lambda: len(door.chat.calls) > before)
    await client.say(type="follow", ref="3", run_id="silent")
    await eventually(lambda: session._told)
    client.say_at_once(*({"type": "follow", "ref": "4", "run_id": "silent"} for _ in range(50)))
    # One of them has been taken out, and waits with the rest.
    await eventually(lambda: len(session.wire._inbox) == 49)
    assert len(session._told) == 1
    client.connection.transport.abort()
    await eventually(lambda: not len(door.gateway.sockets))


async def test_a_socket_is_there_until_the_cancel_that_it_was_asked_for_is_passed_on(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    """So that a gateway that stops waits for it."""
    gate = asyncio.Event()
    door.chat.answers["CancelRun"] = (gate, chat_pb2.CancelRunResponse())
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    client = await dial(door)
    await client.ask(type="follow", ref="1", run_id="r")
    await client.say(type="cancel", ref="c", run_id="r")
    await eventually(lambda: door.chat.calls[-1].method == "CancelRun")
    client.connection.transport.abort()
    # Its followers are ended first.
    async with asyncio.timeout(30):
        await door.chat.ended.wait()
    assert len(door.gateway.sockets) == 1
    gate.set()
    await eventually(lambda: not len(door.gateway.sockets))
