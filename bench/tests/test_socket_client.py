"""The client of many sockets: what it reads of the wire, and how it judges a stream."""

import asyncio
import struct
from collections.abc import Callable

import pytest

from bench.socket_client import Socket, SocketError, judge

TEXT = "Hello"
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


def event(seq: int, name: str, data: str) -> tuple[float, bytes]:
    text = f'{{"type":"event","run_id":"r","seq":{seq},"event":"{name}","data":{data}}}'
    return seq / 10, text.encode()


WHOLE = [
    event(1, "start", "{}"),
    event(2, "delta", '{"text":"Hel"}'),
    event(3, "delta", '{"text":"lo"}'),
    event(4, "done", '{"status":"completed"}'),
]


def test_a_whole_stream_has_no_error() -> None:
    verdict = judge(0.1, WHOLE, TEXT)
    assert (verdict.error, verdict.tokens) == ("", 2)
    assert verdict.first_token == pytest.approx(0.1)
    assert list(verdict.gaps) == pytest.approx([0.1])


@pytest.mark.parametrize(
    ("events", "text", "error"),
    [
        ([], TEXT, "no end"),
        (WHOLE[:3], TEXT, "ended with delta"),
        ([*WHOLE[:1], *WHOLE[2:]], TEXT, "events are missing or out of order"),
        ([*WHOLE[:2], WHOLE[1], *WHOLE[2:]], TEXT, "events are missing or out of order"),
        (WHOLE, "Hallo", "the text differs"),
        ([*WHOLE[:3], event(4, "done", '{"status":"interrupted"}')], TEXT, "ended with done"),
    ],
)
def test_what_is_missing_twice_cut_or_another_text_is_found_out(
    events: list[tuple[float, bytes]], text: str, error: str
) -> None:
    assert judge(0.0, events, text).error == error


def framed(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes([0x80 | opcode, size]) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


class Wire(asyncio.Transport):
    """What the client wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None:
        self.written += b"closed"


@pytest.mark.parametrize("step", [1, 3, 200_000])
async def test_frames_are_found_wherever_the_reads_are_cut(step: int) -> None:
    socket, wire = Socket(), Wire()
    socket.connection_made(wire)
    messages = [b'{"type":"event"' + b" " * size + b"}" for size in (10, 200, 70_000)]
    stream = ANSWER + b"".join(framed(1, message) for message in messages) + framed(9, b"hi")
    for at in range(0, len(stream), step):
        socket.data_received(stream[at : at + step])
    assert [message for _, message in socket.events] == messages
    assert (socket.pings, wire.written) == (1, b"\x8a\x82\0\0\0\0hi")
    socket.data_received(framed(8, struct.pack("!H", 4401)))
    assert socket.closed == 4401


@pytest.mark.parametrize(
    "answer",
    [
        lambda socket: socket.data_received(b"HTTP/1.1 403 Forbidden\r\n\r\n"),
        lambda socket: socket.connection_lost(None),
    ],
)
async def test_a_refusal_and_an_end_are_errors(answer: Callable[[Socket], None]) -> None:
    socket = Socket()
    socket.connection_made(Wire())
    opening = asyncio.create_task(socket.open(1, "token"))
    asyncio.get_running_loop().call_soon(answer, socket)
    with pytest.raises(SocketError):
        await opening
