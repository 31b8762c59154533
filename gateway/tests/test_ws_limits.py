"""The WebSocket's bounds: slow and silent clients, too much of anything, streams that break."""

import asyncio
import contextlib
import json
import os
import struct
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import orjson
import pytest

from chassis.errors import AppError, Kind
from chassis.testing import eventually
from gateway.wiring import build
from parley.chat.v1 import chat_pb2

from .door import Door
from .sockets import Dial

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]

MEBIBYTE = 1024 * 1024
LONG = b'"' + b"0" * 65536 + b'"'


class ShuttingDown(AppError):
    kind = Kind.UNAVAILABLE
    reason = "SHUTTING_DOWN"
    detail = "This replica is closing."


@contextlib.asynccontextmanager
async def raw_socket(
    door: Door, *, known: bool = True
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection behind its handshake, with a token unless it is not ``known``, whose frames are
    the test's own bytes.
    """
    token = b"authorization: " + door.bearer["authorization"].encode() + b"\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(
        b"GET /api/v1/ws HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, Upgrade\r\n"
        b"upgrade: WebSocket\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + (token if known else b"") + b"\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    try:
        yield reader, writer
    finally:
        writer.close()


def masked(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A client's frame of at most 125 bytes, its mask all zeros."""
    return bytes([opcode | (0x80 if fin else 0), 0x80 | len(payload)]) + b"\0\0\0\0" + payload


async def close_code(reader: asyncio.StreamReader) -> int:
    """The code of the frame that closes the connection, whatever stands before it."""
    async with asyncio.timeout(30):
        last = await reader.read(-1)
    at = last.rindex(b"\x88")
    return int(struct.unpack("!H", last[at + 2 : at + 4])[0])


async def settled(value: Callable[[], int]) -> int:
    """``value`` once it has stood still for half a second."""
    seen, since = value(), time.monotonic()

    def still() -> bool:
        nonlocal seen, since
        if value() != seen:
            seen, since = value(), time.monotonic()
        return time.monotonic() - since > 0.5

    await eventually(still, 30)
    return seen


async def test_a_client_that_does_not_read_costs_little_and_delays_nobody(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    # 512 MiB in all, of which only what the sockets' buffers take may ever be asked for.
    door.chat.script = [[make_frame(number, "delta", LONG)] for number in range(1, 8193)]
    lazy, brisk = await dial(door), await dial(door, auth=False, additional_headers=door.bearer)
    lazy.connection.transport.pause_reading()
    await lazy.say(type="send", ref="1", content="x")
    await eventually(lambda: door.chat.sent)
    sent = await settled(lambda: door.chat.sent)
    assert sent < 1024
    assert await brisk.ask(type="ping", ref="p") == {"type": "pong", "ref": "p"}
    # Once it reads again it gets everything, in order.
    lazy.connection.transport.resume_reading()
    assert (await lazy.hear())["type"] == "ack"
    for number in range(1, sent):
        assert (await lazy.hear())["seq"] == number


async def test_a_slow_follower_does_not_keep_the_acks_of_others_for_ever(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(number, "delta", LONG)] for number in range(1, 2049)]
    door.chat.answers["CancelRun"] = chat_pb2.CancelRunResponse()
    client = await dial(door)
    await client.ask(type="send", ref="1", content="x")
    await client.say(type="cancel", ref="c", run_id="r")
    ahead = 0
    while (await client.hear()).get("ref") != "c":
        ahead += 1
    # The cancel's ack waits for its turn among the writers, not for the run's end.
    assert ahead < 1024


async def test_a_client_that_neither_reads_nor_answers_is_dropped(
    open_door: Any, dial: Dial, make_frame: MakeFrame
) -> None:
    door = await open_door(socket_heartbeat_seconds=0.5)
    door.chat.script = [[make_frame(number, "delta", LONG)] for number in range(1, 8193)]
    client = await dial(door)
    client.connection.transport.pause_reading()
    await client.say(type="send", ref="1", content="x")
    async with asyncio.timeout(30):
        await door.chat.ended.wait()


async def test_a_client_that_reads_slowly_is_kept(open_door: Any, make_frame: MakeFrame) -> None:
    every, size = 60.0, 12 * MEBIBYTE
    door = await open_door(socket_heartbeat_seconds=every)
    # More than the kernels take: at rest, something is unsent.
    door.chat.script = [[make_frame(1, "done", b'"%b"' % (b"0" * size))]]
    async with raw_socket(door) as (reader, writer), asyncio.timeout(30):
        (session,) = door.gateway.sockets._open
        writer.write(masked(1, b'{"type":"follow","ref":"1","run_id":"r"}'))
        wire, loop = session.wire, asyncio.get_running_loop()
        await eventually(lambda: wire._room is not None)
        session.review(loop.time())
        began, unread, heard = loop.time(), wire._transport.get_write_buffer_size(), 0
        while wire._transport.get_write_buffer_size() >= unread:
            heard += len(await reader.readexactly(65536))
        assert wire._room is not None
        # By then it has owed a sign of life for too long, if what it has read is none.
        session.review(began + every)
        await reader.readexactly(size - heard)


async def test_a_client_that_says_something_and_reads_nothing_is_dropped(
    open_door: Any, make_frame: MakeFrame
) -> None:
    every = 60.0
    door = await open_door(socket_heartbeat_seconds=every)
    door.chat.script = [[make_frame(number, "delta", LONG)] for number in range(1, 8193)]
    async with raw_socket(door) as (_, writer):
        (session,) = door.gateway.sockets._open
        writer.write(masked(1, b'{"type":"follow","ref":"1","run_id":"r"}'))
        wire = session.wire
        await eventually(lambda: wire._room is not None)
        await settled(wire._transport.get_write_buffer_size)
        heard_at = wire._heard_at
        writer.write(masked(9, b""))
        await eventually(lambda: wire._heard_at > heard_at)
        session.review(asyncio.get_running_loop().time() + every + 1)
        await eventually(lambda: not len(door.gateway.sockets))


async def test_a_silent_client_is_pinged_and_kept_if_it_answers(open_door: Any) -> None:
    door = await open_door(socket_heartbeat_seconds=0.2)
    async with raw_socket(door) as (reader, writer), asyncio.timeout(30):
        for _ in range(2):
            assert await reader.readexactly(2) == b"\x89\x00"
            writer.write(masked(0xA, b""))
        # No answer this time.
        assert await reader.read(-1) == b"\x89\x00"


@pytest.mark.parametrize("character", ["你", "😀"])
async def test_the_longest_question_is_taken_in_its_longest_spelling(
    door: Door, dial: Dial, make_frame: MakeFrame, character: str
) -> None:
    door.chat.script = [[make_frame(1, "done", b"{}")]]
    text = character * 32_000
    spelt = json.dumps(text)
    assert len(spelt) == 2 + 32_000 * (12 if character == "😀" else 6)
    client = await dial(door)
    await client.connection.send(f'{{"type":"send","ref":"1","content":{spelt}}}')
    assert (await client.hear())["type"] == "ack"
    (asked,) = door.chat.asked
    assert asked.request.content == text


async def test_a_frame_that_is_too_large_is_refused_and_the_socket_goes_on(
    open_door: Any, dial: Dial
) -> None:
    door = await open_door(socket_frame_bytes=1024)
    client = await dial(door)
    for ref, piece in (("1", 0), ("2", 100)):
        message = json.dumps({"type": "send", "ref": ref, "content": "x" * 1024})
        pieces = [message[start : start + piece] for start in range(0, len(message), piece or 1)]
        await client.connection.send(pieces if piece else message)
        told = await client.hear()
        assert (told["ref"], told["status"], told["reason"]) == (ref, 413, "FRAME_TOO_LARGE")
    await client.connection.send("x" * 1025)
    told = await client.hear()
    assert (told.get("ref"), told["reason"]) == (None, "FRAME_TOO_LARGE")
    assert await client.ask(type="ping") == {"type": "pong"}
    assert door.chat.asked == []


async def test_a_message_that_is_far_too_large_closes_with_1009(open_door: Any, dial: Dial) -> None:
    door = await open_door(socket_frame_bytes=1024)
    for message in ("x" * 2049, ["x" * 1024, "x" * 1024, "x"]):
        client = await dial(door)
        await client.connection.send(message)
        assert await client.closed() == 1009


async def test_a_client_whom_nobody_knows_has_room_for_a_token_and_no_more(
    door: Door, dial: Dial
) -> None:
    client = await dial(door, auth=False)
    spelt = "".join(f"\\u{ord(character):04x}" for character in "x" * 4096)
    await client.connection.send(f'{{"type":"auth","token":"{spelt}"}}')
    assert (await client.hear())["reason"] == "UNAUTHENTICATED"
    async with raw_socket(door, known=False) as (reader, writer):
        # The beginning of a message of 400,000 bytes: its end is not waited for.
        writer.write(b"\x81\xff" + struct.pack(">Q", 400_000) + bytes(4) + b"x" * 40_000)
        assert await close_code(reader) == 1009


async def test_what_is_said_right_behind_the_token_is_heard(door: Door, dial: Dial) -> None:
    client = await dial(door, auth=False)
    await client.say(type="auth", token=door.caller.token)
    await client.say(type="ping", ref="x" * 64)
    for _ in range(600):
        await client.say(type="ping", ref="y" * 64)
    assert (await client.hear())["type"] == "ack"
    assert await client.hear() == {"type": "pong", "ref": "x" * 64}


async def test_a_message_in_pieces_is_one_message(door: Door, dial: Dial) -> None:
    client = await dial(door)
    await client.connection.send(['{"type":"pi', 'ng","ref":"é', '"}'])
    assert await client.hear() == {"type": "pong", "ref": "é"}


async def test_fragments_without_end_or_content_close_the_socket(door: Door) -> None:
    async with raw_socket(door) as (reader, writer):
        writer.write(masked(1, b"", fin=False) + masked(0, b"", fin=False) * 5000)
        assert await close_code(reader) == 1009


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\x00", 1003),
        ("not JSON", 1007),
        ("[" * 5000, 1007),
        ('{"type":"ping","ref":"\\ud800"}', 1007),
        ('{"type":"ping","ref":NaN}', 1007),
    ],
)
async def test_what_is_not_json_closes_the_socket(
    door: Door, dial: Dial, message: Any, code: int
) -> None:
    client = await dial(door)
    await client.connection.send(message)
    if code == 1007:
        told = await client.hear()
        assert (told["type"], told["reason"]) == ("problem", "MALFORMED_JSON")
    assert await client.closed() == code


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"\x81\x02{}", 1002),  # not masked
        (b"\xc1\x82\0\0\0\0{}", 1002),  # compressed, which was not agreed
        (b"\x83\x80\0\0\0\0", 1002),  # an opcode that does not exist
        (masked(0, b"{}"), 1002),  # goes on with nothing
        (b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126, 1002),  # a ping with too much to say
        (b"\x81\xff" + b"\xff" * 8 + b"\0\0\0\0", 1009),
    ],
)
async def test_frames_that_break_the_protocol_close_the_socket(
    door: Door, wire: bytes, code: int
) -> None:
    async with raw_socket(door) as (reader, writer):
        writer.write(wire)
        assert await close_code(reader) == code


async def test_noise_closes_one_socket_and_harms_nothing(door: Door, dial: Dial) -> None:
    other = await dial(door)
    for _ in range(50):
        async with raw_socket(door) as (reader, writer), asyncio.timeout(30):
            writer.write(os.urandom(4096) + masked(8, b""))
            writer.write_eof()
            with contextlib.suppress(ConnectionError):
                await reader.read(-1)
    assert (await other.ask(type="ping"))["type"] == "pong"


async def test_pings_of_a_client_that_reads_nothing_are_not_kept(door: Door, dial: Dial) -> None:
    other = await dial(door)
    async with raw_socket(door) as (reader, writer):
        flood = masked(9, b"x" * 125) * 8000
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                for _ in range(64):
                    writer.write(flood)
                    await writer.drain()
        (socket,) = [
            session.wire
            for session in door.gateway.sockets._open
            if session.wire._transport.get_extra_info("peername")
            == writer.get_extra_info("sockname")
        ]
        assert socket._transport.get_write_buffer_size() < MEBIBYTE
        assert reader is not None
    assert (await other.ask(type="ping"))["type"] == "pong"


async def test_unfollowing_ends_the_events_and_the_call(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    client = await dial(door)
    await client.ask(type="send", ref="1", content="x")
    await client.hear()
    for ref in ("u", "again"):
        told = await client.ask(type="unfollow", ref=ref, run_id=door.chat.run_id)
        assert told == {"type": "ack", "ref": ref, "run_id": door.chat.run_id}
    async with asyncio.timeout(30):
        await door.chat.ended.wait()


async def test_a_second_follow_of_a_run_takes_the_place_of_the_first(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    client = await dial(door)
    for ref in ("1", "2"):
        assert (await client.ask(type="follow", ref=ref, run_id="r"))["ref"] == ref
        assert (await client.hear())["seq"] == 1
    async with asyncio.timeout(30):
        await door.chat.ended.wait()
        # It is the one that is followed no longer, and the one before takes nothing of it along.
        door.chat.ended.clear()
        assert (await client.ask(type="unfollow", ref="u", run_id="r"))["ref"] == "u"
        await door.chat.ended.wait()
    assert (await client.ask(type="ping"))["type"] == "pong"


@pytest.mark.parametrize("later", ["follow", "unfollow"])
async def test_a_follow_that_another_frame_takes_the_place_of_before_its_ack_is_told_so(
    open_door: Any, dial: Dial, make_frame: MakeFrame, later: str
) -> None:
    door = await open_door(builder=partial(build, follow_patience=60.0))
    door.chat.script = [asyncio.Event()]
    client = await dial(door)
    await client.say(type="follow", ref="1", run_id="r")
    await eventually(lambda: door.chat.calls)
    # What follows it has its ack with the first frame.
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    await client.say(type=later, ref="2", run_id="r")
    heard = {said["ref"]: said for said in [await client.hear() for _ in range(2)]}
    assert (heard["1"]["status"], heard["1"]["reason"]) == (409, "SUPERSEDED")
    assert heard["2"] == {"type": "ack", "ref": "2", "run_id": "r"}


async def test_a_socket_follows_so_many_runs_at_once(
    open_door: Any, dial: Dial, make_frame: MakeFrame
) -> None:
    door = await open_door(socket_follows=2)
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    client = await dial(door)
    for run_id in ("r1", "r2"):
        await client.ask(type="follow", ref=run_id, run_id=run_id)
        await client.hear()
    told = await client.ask(type="follow", ref="3", run_id="r3")
    assert (told["status"], told["reason"], told["ref"]) == (429, "TOO_MANY_AT_ONCE", "3")
    assert told["retry_after"] == 1
    await client.ask(type="unfollow", ref="u", run_id="r1")
    assert (await client.ask(type="follow", ref="3", run_id="r3"))["type"] == "ack"


async def test_cancels_that_are_not_passed_on_yet_count_among_what_a_socket_asks_at_once(
    open_door: Any, dial: Dial
) -> None:
    door = await open_door(socket_follows=2)
    gate = asyncio.Event()
    door.chat.answers["CancelRun"] = (gate, chat_pb2.CancelRunResponse())
    client = await dial(door)
    for ref in ("1", "2"):
        await client.say(type="cancel", ref=ref, run_id="r")
    told = await client.ask(type="cancel", ref="3", run_id="r")
    assert (told["status"], told["reason"], told["ref"]) == (429, "TOO_MANY_AT_ONCE", "3")
    gate.set()
    assert {(await client.hear())["ref"] for _ in range(2)} == {"1", "2"}


async def test_a_socket_that_drops_ends_its_followers(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    client = await dial(door)
    await client.ask(type="send", ref="1", content="x")
    assert (await client.hear())["event"] == "start"
    client.connection.transport.abort()
    async with asyncio.timeout(30):
        await door.chat.ended.wait()
    await eventually(lambda: not len(door.gateway.sockets))


async def test_a_stream_that_breaks_off_says_so_with_its_run(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    client = await dial(door)
    for step, reason in (([ShuttingDown()], "SHUTTING_DOWN"), ([], "STREAM_BROKEN")):
        door.chat.script = [[make_frame(1, "start", b"{}")], *step]
        await client.ask(type="send", ref="1", content="x")
        assert (await client.hear())["event"] == "start"
        told = await client.hear()
        assert (told["type"], told["ref"], told["reason"]) == ("problem", "1", reason)
        assert (told["status"], told["run_id"]) == (503, door.chat.run_id)


async def test_many_conversations_share_one_socket(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(seq, "delta", b"%d" % seq)] for seq in range(1, 50)]
    door.chat.script.append([make_frame(50, "done", b"{}")])
    client = await dial(door)
    for number in range(10):
        await client.say(type="follow", ref=str(number), run_id=f"r{number}")
    heard: dict[str, list[int]] = {f"r{number}": [] for number in range(10)}
    for _ in range(10 * 51):
        frame = await client.hear()
        if frame["type"] == "event":
            heard[frame["run_id"]].append(frame["seq"])
    assert all(seqs == list(range(1, 51)) for seqs in heard.values())


async def test_run_ids_are_quoted_not_spliced(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(1, "done", b"{}")]]
    client = await dial(door)
    odd = 'r","seq":9,"x":"\\é'
    await client.ask(type="follow", ref="1", run_id=odd)
    assert orjson.dumps((await client.hear())["run_id"]) == orjson.dumps(odd)


async def test_a_frame_that_comes_along_with_the_handshake_is_heard(door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    ping = b"\x89\x81\0\0\0\0x"
    writer.write(
        b"GET /api/v1/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"authorization: " + door.bearer["authorization"].encode() + b"\r\n\r\n" + ping
    )
    async with asyncio.timeout(30):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        assert await reader.readexactly(3) == b"\x8a\x01x"
    writer.close()
    await writer.wait_closed()
