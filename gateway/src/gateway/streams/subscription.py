"""One run's frames on their way to its reader: a subscription to a frame channel, or a stream of its own.

Backpressure: what a reader does not take waits here, up to a bound; with more the subscription is given
up, and the run is followed by itself from the last frame that was handed on. Nothing waits here then.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from prometheus_client import Counter

from chassis.errors import AppError, Kind
from chassis.telemetry.logging import get_logger
from gateway.streams.frames import TERMINAL, Batch
from parley.chat.v1 import chat_pb2 as pb

_FOLLOWED = Counter(
    "runs_followed_alone_total",
    "Runs begun here that were not, or no longer, read from a frame channel.",
    ["reason"],
)

# What waits for one reader, beside a single delivery; with more the run leaves its frame channel, bytes.
_MOST_BYTES = 64 * 1024
# Before a stream of its own is begun again that broke, seconds.
_PAUSES = (0.1, 0.5, 1.0)
_SNAPSHOT = "snapshot"

RunStream = AsyncGenerator[pb.FollowRunResponse, None]
#: Takes a batch whole and at once, and returns True; or nothing of it.
Sink = Callable[[Batch], bool]

_log = get_logger(__name__)


class FrameChannel:
    """One open channel, and the subscriptions that it serves."""

    def __init__(self) -> None:
        self.id = self.replica = ""
        self.subscriptions: set[RunSubscription] = set()
        self._leaving: list[int] = []
        self._wake = asyncio.Event()
        self._over = False

    def unsubscribe(self, number: int) -> None:
        """Have no more of this run sent."""
        self._leaving.append(number)
        self._wake.set()

    def end(self) -> None:
        """Say nothing more: gRPC asks for the next request for ever where the other side has ended the call."""
        self._over = True
        self._wake.set()

    async def requests(self, first: pb.OpenChannelRequest) -> AsyncIterator[pb.OpenChannelRequest]:
        """All that is said on the channel's way there."""
        yield first
        while True:
            await self._wake.wait()
            if self._over:
                return
            self._wake.clear()
            leaving, self._leaving = self._leaving, []
            yield pb.OpenChannelRequest(unsubscribe=leaving)


class RunSubscription:
    """The frames of one run on their way to its reader: iterate it, then close it."""

    def __init__(
        self, number: int, fallback: Callable[[str, int], RunStream], closed: Callable[[], None]
    ) -> None:
        self.number = number
        self._channel: FrameChannel | None = None
        self._fallback = fallback
        self._closed = closed
        self._run_id = ""
        self._last = 0
        self._ended = False
        # Why nothing more comes from the frame channel; empty: it may.
        self._detached = ""
        self._deliveries: deque[pb.Batch] = deque()
        self._bytes = 0
        self._reader: asyncio.Future[None] | None = None
        self._sink: Sink | None = None
        self._stream: RunStream | None = None
        # How often in a row that broke.
        self._breaks = 0

    def begin(
        self, run_id: str, channel: "FrameChannel | None", without: str = "no channel"
    ) -> None:
        """The run was accepted, and its frames come over this channel, or ``without`` one for a reason."""
        self._run_id = run_id
        if channel is None:
            self.detach(without)
        else:
            self._channel = channel
            channel.subscriptions.add(self)
            if self._detached:  # more has come already than it may hold
                channel.unsubscribe(self.number)

    def pour_into(self, sink: Sink) -> None:
        """Have what comes while its reader waits for it taken by ``sink``, which need not wake that.

        What it does not take the reader gets, and the end of the run, as ever, as its own.
        """
        self._sink = sink

    def take(self, delivery: pb.Batch) -> None:
        """Keep what the channel has brought for the reader, or pass it to the sink."""
        if self._detached or self._is_poured(delivery):
            return
        self._bytes += delivery.ByteSize()
        if self._deliveries and self._bytes > _MOST_BYTES:
            # All of it is in the log, where its reader finds it when there is room.
            self._deliveries.clear()
            self._bytes = 0
            self.unsubscribe("slow reader")
            return
        if self._reader is None:
            # It has to wait: a part of a message would keep the whole of it, all runs' frames.
            delivery = pb.Batch.FromString(delivery.SerializeToString())
        self._deliveries.append(delivery)
        if delivery.detached:
            self.detach("put off")
        else:
            self._wake()

    def _is_poured(self, delivery: pb.Batch) -> bool:
        """Whether it has gone the short way."""
        sink, reader = self._sink, self._reader
        if sink is None or reader is None or reader.done() or self._deliveries:
            return False
        frames = delivery.frames
        if delivery.detached or not frames or frames[0].seq != self._last + 1:
            return False
        try:
            if not sink(delivery):
                return False
        except Exception as error:  # noqa: BLE001 - its own reader's to raise, not all others'
            _log.warning("stream.not_poured", exc_info=error)
            return False
        self._note(delivery)
        if self._ended:
            self._wake()
        return True

    def detach(self, reason: str) -> None:
        """Nothing more comes from the channel."""
        if not self._detached:
            self._detached = reason
            self._wake()

    def unsubscribe(self, reason: str) -> None:
        """Want nothing more from the channel."""
        if self._channel is not None and not self._detached:
            self._channel.unsubscribe(self.number)
        self.detach(reason)

    def __aiter__(self) -> "RunSubscription":
        return self

    async def __anext__(self) -> Batch:
        """The next frames in order, to the terminal one. Raises AppError: the run goes on."""
        while not self._ended:
            if self._stream is not None:
                if (batch := await self._next_of_stream(self._stream)) is not None:
                    return self._note(batch)
            elif self._deliveries:
                delivery = self._deliveries.popleft()
                self._bytes -= delivery.ByteSize()
                if not (frames := delivery.frames):
                    continue
                first = frames[0]
                if first.seq == self._last + 1 or (
                    first.event == _SNAPSHOT and first.seq > self._last
                ):
                    return self._note(delivery)
                # The same run under the same number on two channels: it was asked for twice.
                if new := [frame for frame in frames if frame.seq > self._last]:
                    if new[0].seq == self._last + 1:
                        return self._note(pb.Batch(frames=new))
                    self.unsubscribe("hole")
                    self._deliveries.clear()
            elif self._detached:
                _FOLLOWED.labels(self._detached).inc()
                self._follow()
            else:
                self._reader = asyncio.get_running_loop().create_future()
                try:
                    await self._reader
                finally:
                    self._reader = None
        raise StopAsyncIteration

    def _follow(self) -> None:
        self._stream = self._fallback(self._run_id, self._last)

    async def _next_of_stream(self, stream: RunStream) -> pb.FollowRunResponse | None:
        """None: it broke, and another one has begun."""
        try:
            batch = await anext(stream)
        except AppError as error:
            if error.kind is not Kind.UNAVAILABLE or self._breaks == len(_PAUSES):
                raise
            await asyncio.sleep(_PAUSES[self._breaks])
            self._breaks += 1
            self._follow()
            return None
        self._breaks = 0
        return batch

    def _note(self, batch: Any) -> Batch:
        last = batch.frames[-1]
        self._last = last.seq
        self._ended = last.event in TERMINAL
        return batch  # type: ignore[no-any-return]  # a Batch or a FollowRunResponse

    async def aclose(self) -> None:
        """Take nothing more, and have nothing more sent."""
        self._closed()
        if self._channel is not None:
            self._channel.subscriptions.discard(self)
        if not self._ended:
            self._ended = True
            self.unsubscribe("closed")
        self._deliveries.clear()
        if self._stream is not None:
            await self._stream.aclose()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
