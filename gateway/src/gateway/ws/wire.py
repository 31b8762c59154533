"""One WebSocket connection: messages in and out, bounded in both directions.

The framing of RFC 6455 is that of ``websockets``, without compression: a deflate state would
cost each socket more than all the rest of it. What is here is the connection's life. Nothing
is queued outward: whoever sends waits until the client has read. Inward one read of the
transport is kept at most: it goes on once every message has been taken.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import cast

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SEND_EOF, Protocol, Side, State

# Unsent bytes that make senders wait.
_HIGH_WATER = 64 * 1024
# For the client's part of a closing handshake, and for what is still unsent.
_CLOSE_SECONDS = 1.0
# Of a client whom nobody knows, before its first message is whole: an access token in its longest
# spelling has room in it.
_GREETING_BYTES = 32 * 1024
# How much longer than it may be a message is still received, so that it can be refused by itself.
_EXCESS = 2
# Of one message: a bound on what empty fragments, which have no size, can pile up.
_MAX_FRAGMENTS = 1024


class Gone(Exception):
    """The socket is closed or closing: nothing more comes or goes."""


class Wire(asyncio.Protocol):
    """The server's end of a connection whose handshake is done.

    A message may have ``max_bytes``. One that has up to twice as many is received, to be refused
    in words; a longer one closes the connection with 1009, as does a first one of more than 32 KiB
    from a client that is not ``known``; a binary one with 1003. ``on_lost`` is called once the
    connection is no more.
    """

    def __init__(self, transport: asyncio.BaseTransport, *, max_bytes: int, known: bool) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._loop = asyncio.get_running_loop()
        self._framing = Protocol(Side.SERVER, max_size=_EXCESS * max_bytes)
        self._fragments: list[bytes | bytearray | memoryview] = []
        self._inbox: deque[bytes] = deque()
        # What may still come until the first message is whole.
        self._allowance = None if known else _GREETING_BYTES
        self._reading = True
        self._reader: asyncio.Future[None] | None = None
        # One message at a time waits for room, so that the rest of them stay unmade.
        self._writing = asyncio.Lock()
        self._room: asyncio.Event | None = None
        self.on_lost: Callable[[], None] = lambda: None
        self._lost = False
        self._farewell: asyncio.TimerHandle | None = None
        # Since when the client owes us a sign of life: an unanswered ping, unread bytes.
        self._owing_since: float | None = None
        self._unread = 0
        self._heard_at = self._pinged_at = self._loop.time()

    @property
    def close_code(self) -> int:
        """The code of whichever side closed first; 1006 when the connection just ended."""
        framing = self._framing
        theirs_first = framing.close_rcvd_then_sent is True
        closed = framing.close_rcvd if theirs_first else framing.close_sent
        return CloseCode.ABNORMAL_CLOSURE if closed is None else closed.code

    @property
    def is_open(self) -> bool:
        return not self._lost and self._framing.state is State.OPEN

    async def receive(self) -> bytes:
        """The next message, UTF-8 as it came. Raises Gone."""
        while not self._inbox:
            if not self.is_open:
                raise Gone()
            self._resume()
            self._reader = self._loop.create_future()
            await self._reader
        return self._inbox.popleft()

    async def send(self, messages: Iterable[bytes]) -> None:
        """Send these, in order and next to each other, once there is room. Raises Gone."""
        async with self._writing:
            while self._room is not None:
                await self._room.wait()
            if not self.is_open:
                raise Gone()
            for message in messages:
                self._framing.send_text(message)
            self._flush()

    def close(self, code: int) -> None:
        """Say goodbye; what waits in ``receive`` or ``send`` is Gone. Returns at once."""
        if self.is_open:
            self._framing.send_close(code)
            self._flush()
            self._inbox.clear()
            self._leave()

    def tend(self, now: float, every: float) -> None:
        """To be called each second: pings a client after ``every`` silent seconds, and drops
        one that has neither answered nor read anything for as long again.
        """
        if not self.is_open:
            return
        unread = self._transport.get_write_buffer_size()
        if self._room is not None and unread < self._unread:
            self._owing_since = now
        self._unread = unread
        if self._owing_since is not None and now - self._owing_since > every:
            self._transport.abort()
        elif self._room is None and now - max(self._heard_at, self._pinged_at) >= every:
            self._pinged_at = now
            self._owing_since = now
            self._framing.send_ping(b"")
            self._flush()

    def shutdown(self) -> None:
        """Uvicorn's word to every connection when it closes: come again, elsewhere."""
        self.close(CloseCode.SERVICE_RESTART)

    # asyncio's side

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        if self._room is None:
            self._owing_since = None
        was_open = self.is_open
        self._framing.receive_data(data)
        frames = self._framing.events_received()
        if self._room is not None and self._framing.state is State.OPEN:
            # Pongs: a client that reads nothing is owed none.
            self._framing.data_to_send()
        else:
            self._flush()
        # Also of a client that closed at once behind them; not after a close of our own.
        if was_open:
            for frame in frames:
                self._take(cast("Frame", frame))
            self._check_greeting(len(data))
        if not self.is_open:
            self._leave()
        elif self._inbox:
            self._pause()
            self._wake()

    def pause_writing(self) -> None:
        self._room = asyncio.Event()
        self._owing_since = self._loop.time()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        self._owing_since = None
        if room is not None:
            room.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._lost = True
        if self._farewell is not None:
            self._farewell.cancel()
        self.resume_writing()
        self._wake()
        self.on_lost()

    def _check_greeting(self, size: int) -> None:
        if self._allowance is None:
            return
        self._allowance -= size
        if self._inbox:
            self._allowance = None
        elif self._allowance < 0:
            self.close(CloseCode.MESSAGE_TOO_BIG)

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.BINARY:
            self.close(CloseCode.UNSUPPORTED_DATA)
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._fragments.append(frame.data)
            if frame.fin:
                self._inbox.append(b"".join(self._fragments))
                self._fragments = []
            elif len(self._fragments) > _MAX_FRAGMENTS:
                self.close(CloseCode.MESSAGE_TOO_BIG)

    def _flush(self) -> None:
        pieces = self._framing.data_to_send()
        if not pieces or self._transport.is_closing():
            return
        self._transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if pieces[-1] is SEND_EOF:
            # Both sides have said goodbye, or there is no talking to this one.
            self._transport.close()

    def _leave(self) -> None:
        if self._farewell is None and not self._lost:
            self._farewell = self._loop.call_later(_CLOSE_SECONDS, self._transport.abort)
        self._resume()
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _pause(self) -> None:
        if self._reading and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()
