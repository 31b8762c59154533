"""A WebSocket client for many sockets at once: RFC 6455 as far as Parley's server uses it.

Reading collects; what came is judged when all is over.
"""

import asyncio
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import orjson

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_HANDSHAKE = (
    b"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class SocketError(Exception):
    """The server refused, closed, or did not answer."""


class Socket(asyncio.Protocol):
    """One socket. ``closed`` is its close code once it has ended, 1006 for no code at all."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._is_open = False
        # Of each message when it came, in the order of coming; events only.
        self.events: list[tuple[float, bytes]] = []
        self.pings = 0
        self.problems: list[bytes] = []
        self.closed: int | None = None
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._answer: asyncio.Future[bytes] | None = None

    async def open(self, port: int, token: str) -> None:
        """The handshake, and the first frame. Raises SocketError."""
        await self._answered(lambda: self._transport.write(_HANDSHAKE % port))
        await self.ask({"type": "auth", "ref": "auth", "token": token})

    async def ask(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Say it, and return what is answered to its ``ref``. Raises SocketError."""
        told = await self._answered(lambda: self.say(frame))
        answer: dict[str, Any] = orjson.loads(told)
        if answer["type"] == "problem":
            raise SocketError(f"{answer['status']} {answer['reason']}")
        return answer

    def say(self, frame: dict[str, Any]) -> None:
        self._send(_TEXT, orjson.dumps(frame))

    def close(self) -> None:
        self._send(_CLOSE, struct.pack("!H", 1000))

    async def _answered(self, ask: Any) -> bytes:
        if self.closed is not None:
            raise SocketError(f"closed with {self.closed}")
        self._answer = self._loop.create_future()
        ask()
        try:
            async with asyncio.timeout(60):
                return await self._answer
        except TimeoutError:
            raise SocketError("no answer") from None
        finally:
            self._answer = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.closed is None:
            self.closed = 1006
        self._fail(f"closed with {self.closed}")
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        at = 0
        if not self._is_open:
            head, separator, rest = data.partition(b"\r\n\r\n")
            if not separator:
                self._buffer = data
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self._fail(head.partition(b"\r\n")[0].decode("latin-1"))
                return
            self._is_open = True
            self._resolve(head)
            data = rest
        while (frame := _frame_at(data, at)) is not None:
            opcode, payload, at = frame
            self._take(opcode, payload)
        self._buffer = data[at:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            if payload.startswith(b'{"type":"event"'):
                self.events.append((time.perf_counter(), payload))
                if b'"event":"done"' in payload or b'"event":"error"' in payload:
                    self.ended.set_result(None)
            elif self._answer is None:
                self.problems.append(payload)
            else:
                self._resolve(payload)
        elif opcode == _PING:
            self.pings += 1
            self._send(_PONG, payload)
        elif opcode == _CLOSE:
            self.closed = struct.unpack("!H", payload[:2])[0] if payload else 1005
            self._transport.close()

    def _send(self, opcode: int, payload: bytes) -> None:
        # A mask of zeros is a mask: https://datatracker.ietf.org/doc/html/rfc6455#section-5.3
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0xFE, size)
        self._transport.write(bytes([0x80 | opcode]) + length + b"\0\0\0\0" + payload)

    def _resolve(self, answer: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def _fail(self, reason: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(SocketError(reason))


def _frame_at(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    """(opcode, payload, end) of the server's frame that begins there, None if it is not whole."""
    if len(data) < at + 2:
        return None
    size, start = data[at + 1], at + 2
    if size >= 126:
        width = 2 if size == 126 else 8
        if len(data) < start + width:
            return None
        size = int.from_bytes(data[start : start + width], "big")
        start += width
    end = start + size
    return None if len(data) < end else (data[at] & 0x0F, data[start:end], end)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one streaming socket got: an empty error if it was all that was sent, in order."""

    error: str
    tokens: int = 0
    first_token: float = 0.0
    gaps: Sequence[float] = field(default=())


def judge(asked_at: float, events: Sequence[tuple[float, bytes]], text: str) -> Verdict:
    """Numbered 1, 2, 3 … to ``done`` completed, and the text is the model's."""
    told = [orjson.loads(event) for _, event in events]
    if [frame["seq"] for frame in told] != list(range(1, len(told) + 1)):
        return Verdict("events are missing or out of order")
    if not told or told[-1]["event"] != "done" or told[-1]["data"]["status"] != "completed":
        return Verdict("no end" if not told else f"ended with {told[-1]['event']}")
    deltas = [(at, frame) for (at, _), frame in zip(events, told, strict=True)]
    tokens = [(at, frame["data"]["text"]) for at, frame in deltas if frame["event"] == "delta"]
    if "".join(piece for _, piece in tokens) != text:
        return Verdict("the text differs")
    times = [at for at, _ in tokens]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return Verdict("", len(tokens), times[0] - asked_at, gaps)
