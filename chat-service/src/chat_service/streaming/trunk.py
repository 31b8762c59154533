"""Trunks: one stream to each gateway carries the frames of many runs, a round's in one message.

With a stream for each run, sending and receiving messages is the largest part of what a token
costs both processes. A trunk, like any reader, holds numbers and no queue: while it is full the
frames stay where they are, and a run that has left memory meanwhile is put off the trunk, to be
followed by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Gauge

from chassis.ids import new_id
from chat_service.streaming.frame import Frame
from chat_service.streaming.window import Window

_RIDERS = Gauge("chat_trunk_runs", "Runs whose frames go to a gateway by its trunk.")

# Bytes of frame data behind which a message is sent; one run's window may come on top.
_MESSAGE_BYTES = 1024 * 1024
# Of one run, far below what a message may hold: one monstrous frame must not break all the others.
_RUN_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Load:
    """The next frames of the run with this ticket; ``off``: none of it follow on this trunk."""

    ticket: int
    frames: Sequence[Frame]
    off: bool


class _Rider:
    """One run on a trunk, and the number of its last frame that has been sent."""

    def __init__(self, trunk: "Trunk", ticket: int, window: Window) -> None:
        self.ticket = ticket
        self.window = window
        self.after = 0
        self._trunk = trunk

    def __call__(self) -> None:
        self._trunk.tell(self)


class Trunk:
    """The runs that one gateway reads here."""

    def __init__(self) -> None:
        self.id = str(new_id())
        self._riders: dict[int, _Rider] = {}
        self._news: dict[_Rider, None] = {}
        self._wake = asyncio.Event()
        self._closing = False

    def board(self, ticket: int, window: Window) -> None:
        """Carry a run from its first frame on. The same ticket again begins again."""
        self.leave((ticket,))
        rider = self._riders[ticket] = _Rider(self, ticket, window)
        window.watchers.append(rider)
        _RIDERS.inc()
        self.tell(rider)

    def leave(self, tickets: Iterable[int]) -> None:
        """Carry these no more; what is no ticket here is none."""
        for ticket in tickets:
            if (rider := self._riders.pop(ticket, None)) is not None:
                self._news.pop(rider, None)
                rider.window.watchers.remove(rider)
                _RIDERS.dec()

    def clear(self) -> None:
        """Carry nothing any more."""
        self.leave(list(self._riders))

    def tell(self, rider: _Rider) -> None:
        """A rider may have news."""
        self._news[rider] = None
        self._wake.set()

    def close(self) -> None:
        """End once everything that is to be seen now has been taken."""
        self._closing = True
        self._wake.set()

    async def loads(self) -> AsyncIterator[Sequence[Load]]:
        """What goes into one message, each time there is something, until the trunk is closed."""
        while True:
            await self._wake.wait()
            if loads := self._take():
                yield loads
            if not self._news:
                if self._closing:
                    return
                self._wake.clear()

    def _take(self) -> list[Load]:
        loads: list[Load] = []
        size = 0
        while self._news and size < _MESSAGE_BYTES:
            rider = next(iter(self._news))
            del self._news[rider]
            window = rider.window
            frames = window.behind(rider.after)
            told = False
            if frames:
                weight = sum([len(frame.data) for frame in frames])
                if weight > _RUN_BYTES:
                    frames = None
                else:
                    size += weight
                    rider.after = frames[-1].seq
                    told = frames[-1].is_terminal
            off = frames is None or (window.ended and not told)
            if frames or off:
                loads.append(Load(rider.ticket, frames or (), off))
            if told or off:
                self.leave((rider.ticket,))
        return loads


class Trunks:
    """The trunks of this replica, by the gateways that opened them."""

    def __init__(self) -> None:
        self._open: dict[str, list[Trunk]] = {}
        self._closed = False

    @contextmanager
    def open(self, gateway_id: str) -> Iterator[Trunk]:
        """A trunk for as long as the block lasts."""
        trunk = Trunk()
        trunks = self._open.setdefault(gateway_id, [])
        trunks.append(trunk)
        if self._closed:
            trunk.close()
        try:
            yield trunk
        finally:
            trunk.clear()
            trunks.remove(trunk)
            if not trunks:
                self._open.pop(gateway_id, None)

    def of(self, gateway_id: str) -> Trunk | None:
        """The newest trunk of this gateway: an older one may be broken unnoticed."""
        trunks = self._open.get(gateway_id)
        return trunks[-1] if trunks and not self._closed else None

    def close(self) -> None:
        """Close all of them, and each that is still opened."""
        self._closed = True
        for trunks in self._open.values():
            for trunk in trunks:
                trunk.close()
