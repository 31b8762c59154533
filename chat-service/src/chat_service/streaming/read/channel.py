"""Frame channels: one stream to each gateway carries many runs' frames, a flush's in one message.

With a stream for each run, sending and receiving messages is the largest part of what a token
costs both processes. This is where backpressure ends: a channel, like any reader, holds
numbers and no queue. While it is full the frames stay where they are, and a run that has left
memory meanwhile is detached, to be followed by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Gauge

from chassis.ids import new_id
from chat_service.answer.domain.frame import Frame, first_of
from chat_service.streaming.log.window import Window

_SUBSCRIPTIONS = Gauge("chat_channel_runs", "Runs whose frames go to a gateway by its channel.")

# Bytes of frame data behind which a message is sent; what it has of one run may come on top.
_MESSAGE_BYTES = 1024 * 1024
# What a message has of one run, or a single frame: whoever is slow to take it holds no more of it.
_RUN_BYTES = 64 * 1024
# Far below what a message may hold: one monstrous frame must not break all the others.
_FRAME_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """The next frames of one subscription; ``detached``: none of it follow on this channel."""

    subscription: int
    frames: Sequence[Frame]
    detached: bool


class _Subscription:
    """One run on a channel, and the number of its last frame that has been sent."""

    def __init__(self, channel: "FrameChannel", number: int, window: Window) -> None:
        self.number = number
        self.window = window
        self.after = 0
        self._channel = channel

    def __call__(self) -> None:
        self._channel.notify(self)


class FrameChannel:
    """The runs that one gateway reads here."""

    def __init__(self) -> None:
        self.id = str(new_id())
        self._subscriptions: dict[int, _Subscription] = {}
        self._news: dict[_Subscription, None] = {}
        self._wake = asyncio.Event()
        self._closing = False

    def __len__(self) -> int:
        """How many runs it carries."""
        return len(self._subscriptions)

    def subscribe(self, number: int, window: Window) -> None:
        """Carry a run from its first frame on. The same number again begins again."""
        self.unsubscribe((number,))
        subscription = self._subscriptions[number] = _Subscription(self, number, window)
        window.watchers.append(subscription)
        _SUBSCRIPTIONS.inc()
        self.notify(subscription)

    def unsubscribe(self, numbers: Iterable[int]) -> None:
        """Carry these no more; what is not subscribed is passed over."""
        for number in numbers:
            if (subscription := self._subscriptions.pop(number, None)) is not None:
                self._news.pop(subscription, None)
                subscription.window.watchers.remove(subscription)
                _SUBSCRIPTIONS.dec()

    def clear(self) -> None:
        """Carry nothing any more."""
        self.unsubscribe(list(self._subscriptions))

    def notify(self, subscription: _Subscription) -> None:
        """A subscription may have news."""
        self._news[subscription] = None
        self._wake.set()

    def close(self) -> None:
        """End once everything that is to be seen now has been taken."""
        self._closing = True
        self._wake.set()

    async def batches(self) -> AsyncIterator[Sequence[Batch]]:
        """What goes into one message, each time there is something, until the channel is closed."""
        while True:
            await self._wake.wait()
            if batches := self._take():
                yield batches
            if not self._news:
                if self._closing:
                    return
                self._wake.clear()

    def _take(self) -> list[Batch]:
        batches: list[Batch] = []
        size = 0
        for subscription in list(self._news):
            if size >= _MESSAGE_BYTES:
                break
            del self._news[subscription]
            window = subscription.window
            frames = window.behind(subscription.after)
            told = more = False
            if frames:
                frames = first_of(frames, _RUN_BYTES)
                weight = sum([len(frame.data) for frame in frames])
                if weight > _FRAME_BYTES:
                    frames = None
                else:
                    size += weight
                    last = frames[-1]
                    subscription.after = last.seq
                    told, more = last.is_terminal, last.seq < window.last
            detached = frames is None or (window.ended and not (told or more))
            if frames or detached:
                batches.append(Batch(subscription.number, frames or (), detached))
            if told or detached:
                self.unsubscribe((subscription.number,))
            elif more:
                self.notify(subscription)
        return batches


class FrameChannels:
    """The channels of this replica, by the gateways that opened them."""

    def __init__(self) -> None:
        self._open: dict[str, list[FrameChannel]] = {}
        self._closed = False

    @property
    def held(self) -> dict[str, int]:
        """Of the gateways with a channel, and of the runs on them: how many."""
        return {
            "gateways with channels": len(self._open),
            "runs on channels": sum(
                len(one) for channels in self._open.values() for one in channels
            ),
        }

    @contextmanager
    def open(self, gateway_id: str) -> Iterator[FrameChannel]:
        """A channel for as long as the block lasts."""
        channel = FrameChannel()
        channels = self._open.setdefault(gateway_id, [])
        channels.append(channel)
        if self._closed:
            channel.close()
        try:
            yield channel
        finally:
            channel.clear()
            channels.remove(channel)
            if not channels:
                self._open.pop(gateway_id, None)

    def of(self, gateway_id: str) -> FrameChannel | None:
        """The newest channel of this gateway: an older one may be broken unnoticed."""
        channels = self._open.get(gateway_id)
        return channels[-1] if channels and not self._closed else None

    def close(self) -> None:
        """Close all of them, and each that is still opened."""
        self._closed = True
        for channels in self._open.values():
            for channel in channels:
                channel.close()
