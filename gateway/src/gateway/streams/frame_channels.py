"""Runs begun here, whose frames come over one stream from each replica of chat-service.

The replica that accepted a question puts the run's frames on the trunk that this gateway has to
it: those of all runs in one message (``OpenTrunk``). A trunk is a shortcut and no more. Where there
is none, where it breaks, and for a client that does not keep up, the run is followed by itself,
from the last frame that was handed on: nothing is lost, and nothing comes twice.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count
from typing import Any

from prometheus_client import Counter, Gauge

from chassis.caller import Caller
from chassis.errors import AppError, Internal, Kind
from chassis.ids import new_id
from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from gateway.clients import Peer
from gateway.streams.sse import Batch
from parley.chat.v1 import chat_pb2 as pb
from parley.chat.v1.chat_pb2_grpc import ChatServiceStub

_log = get_logger(__name__)

_TRUNKS = Gauge("trunks_open", "Trunks to replicas of chat-service.")
_FOLLOWED = Counter(
    "runs_followed_alone_total",
    "Runs begun here that were not, or no longer, read from a trunk.",
    ["reason"],
)

# What waits for one reader; with more the run leaves the trunk, bytes.
_MOST_BYTES = 256 * 1024
# For a replica to answer, seconds.
_OPEN_SECONDS = 5.0
# How often it looks for replicas that have no trunk yet, each look meeting any of them.
_LOOKS = 4
# Between two looks: doubling, seconds.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0

# Before a stream of its own is begun again that broke, seconds.
_PAUSES = (0.1, 0.5, 1.0)

_TERMINAL = frozenset({"done", "error"})
_SNAPSHOT = "snapshot"

Asking = pb.StartRunRequest | pb.ContinueRunRequest


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that was accepted, and its frames from the first one on."""

    run: pb.RunAccepted
    batches: "Passage"


class _Trunk:
    """One open trunk, and those who read from it."""

    def __init__(self) -> None:
        self.id = self.replica = ""
        self.passages: set[Passage] = set()
        self._leaving: list[int] = []
        self._wake = asyncio.Event()

    def leave(self, ticket: int) -> None:
        """Have no more of this run sent."""
        self._leaving.append(ticket)
        self._wake.set()

    async def requests(self, first: pb.OpenTrunkRequest) -> AsyncIterator[pb.OpenTrunkRequest]:
        """All that is said on the trunk's way there."""
        yield first
        while True:
            await self._wake.wait()
            self._wake.clear()
            leaving, self._leaving = self._leaving, []
            yield pb.OpenTrunkRequest(leave=leaving)


class Passage:
    """The frames of one run on their way to its reader: iterate it, then close it."""

    def __init__(self, trunks: "Trunks", ticket: int, caller: Caller) -> None:
        self.ticket = ticket
        self.trunk: _Trunk | None = None
        self._trunks = trunks
        self._caller = caller
        self._run_id = ""
        self._last = 0
        self._ended = False
        # Why nothing more comes from the trunk; empty: it may.
        self._off = ""
        self._loads: deque[pb.Load] = deque()
        self._bytes = 0
        self._reader: asyncio.Future[None] | None = None
        self._alone: AsyncGenerator[pb.FollowRunResponse, None] | None = None
        # How often in a row that broke.
        self._breaks = 0

    def begin(self, run_id: str, trunk: _Trunk | None) -> None:
        """The run was accepted, and is on this trunk."""
        self._run_id = run_id
        if trunk is None:
            self.put_off("no trunk")
        else:
            self.trunk = trunk
            trunk.passages.add(self)
            if self._off:  # more has come already than it may hold
                trunk.leave(self.ticket)

    def take(self, load: pb.Load) -> None:
        """What the trunk has brought."""
        if self._off:
            return
        self._bytes += load.ByteSize()
        if self._reader is None:
            # It has to wait: a part of a message would keep the whole of it, all runs' frames.
            load = pb.Load.FromString(load.SerializeToString())
        self._loads.append(load)
        if load.off:
            self.put_off("put off")
        elif self._bytes > _MOST_BYTES:
            self.leave("slow reader")
        else:
            self._wake()

    def put_off(self, reason: str) -> None:
        """Nothing more comes from the trunk."""
        if not self._off:
            self._off = reason
            self._wake()

    def leave(self, reason: str) -> None:
        """Want nothing more from the trunk."""
        if self.trunk is not None and not self._off:
            self.trunk.leave(self.ticket)
        self.put_off(reason)

    def __aiter__(self) -> "Passage":
        return self

    async def __anext__(self) -> Batch:
        """The next frames in order, to the terminal one. Raises AppError: the run goes on."""
        while not self._ended:
            if self._alone is not None:
                if (batch := await self._next_alone(self._alone)) is not None:
                    return self._note(batch)
            elif self._loads:
                load = self._loads.popleft()
                self._bytes -= load.ByteSize()
                if not (frames := load.frames):
                    continue
                first = frames[0]
                if first.seq == self._last + 1 or (
                    first.event == _SNAPSHOT and first.seq > self._last
                ):
                    return self._note(load)
                # The same run under the same ticket on two trunks: it was asked for twice.
                if new := [frame for frame in frames if frame.seq > self._last]:
                    if new[0].seq == self._last + 1:
                        return self._note(pb.Load(frames=new))
                    self.leave("hole")
                    self._loads.clear()
            elif self._off:
                _FOLLOWED.labels(self._off).inc()
                self._follow()
            else:
                self._reader = asyncio.get_running_loop().create_future()
                try:
                    await self._reader
                finally:
                    self._reader = None
        raise StopAsyncIteration

    def _follow(self) -> None:
        self._alone = self._trunks.follow(self._run_id, self._last, self._caller)

    async def _next_alone(
        self, alone: AsyncGenerator[pb.FollowRunResponse, None]
    ) -> pb.FollowRunResponse | None:
        """None: it broke, and another one has begun."""
        try:
            batch = await anext(alone)
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
        self._ended = last.event in _TERMINAL
        return batch  # type: ignore[no-any-return]  # a Load or a FollowRunResponse

    async def aclose(self) -> None:
        """Take nothing more, and have nothing more sent."""
        self._trunks.forget(self)
        if not self._ended:
            self._ended = True
            self.leave("closed")
        self._loads.clear()
        if self._alone is not None:
            await self._alone.aclose()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class Trunks(Component):
    """Begins runs, and keeps a trunk to each replica that it meets.

    ``accept_seconds`` is how long a question may take to be accepted.
    """

    def __init__(self, chat: Peer[ChatServiceStub], *, accept_seconds: float) -> None:
        self._chat = chat
        self._accept_seconds = accept_seconds
        self._gateway_id = str(new_id())
        self._tickets = count(1)
        self._passages: dict[int, Passage] = {}
        self._trunks: dict[str, _Trunk] = {}
        self._readers: set[asyncio.Task[None]] = set()
        self._wanted = asyncio.Event()
        self._opening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._opening = asyncio.create_task(self._open_all(), name="trunks")

    async def stop(self) -> None:
        if self._opening is not None:
            await end_task(self._opening)
            self._opening = None
        for task in list(self._readers):
            await end_task(task)

    async def begin(self, request: Asking, caller: Caller, key: str | None) -> Begun:
        """Ask. ``key`` is the request's idempotency key; with one it is asked again, up to three
        times, while chat-service is away. Raises AppError: it is not known to be accepted.
        """
        stub = self._chat.stub
        method: Any = stub.StartRun if isinstance(request, pb.StartRunRequest) else stub.ContinueRun
        passage = Passage(self, next(self._tickets), caller)
        request.berth.gateway_id = self._gateway_id
        request.berth.ticket = passage.ticket
        self._passages[passage.ticket] = passage
        try:
            answer: pb.StartRunResponse = await self._chat.channel.unary(
                method,
                request,
                timeout=self._accept_seconds,
                idempotent=key is not None,
                token=caller.token,
                idempotency_key=key,
            )
            if not answer.accepted.run_id:
                raise Internal()
        except BaseException:
            self.forget(passage)
            raise
        trunk = self._trunks.get(answer.trunk_id) if answer.HasField("trunk_id") else None
        if trunk is None:
            self._wanted.set()
        passage.begin(answer.accepted.run_id, trunk)
        return Begun(answer.accepted, passage)

    def follow(
        self, run_id: str, after: int, caller: Caller
    ) -> AsyncGenerator[pb.FollowRunResponse, None]:
        """The run's frames behind number ``after``, by a stream of its own."""
        request = pb.FollowRunRequest(run_id=run_id, after=after)
        return self._chat.follow(self._chat.stub.FollowRun, request, caller)

    def forget(self, passage: Passage) -> None:
        """Hand nothing more to this passage."""
        self._passages.pop(passage.ticket, None)
        if passage.trunk is not None:
            passage.trunk.passages.discard(passage)

    async def _open_all(self) -> None:
        """Looks until it meets no new replica; again when one turned up, or a trunk broke."""
        looks, pause = _LOOKS, _FIRST_PAUSE_SECONDS
        while True:
            self._wanted.clear()
            if await self._open_one():
                looks, pause = _LOOKS, _FIRST_PAUSE_SECONDS
                continue
            looks -= 1
            if looks <= 0 and self._trunks:
                await self._wanted.wait()
                looks, pause = _LOOKS, _FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _open_one(self) -> bool:
        """Whether there is a trunk now to a replica that had none: which one, chance decides."""
        trunk = _Trunk()
        first = pb.OpenTrunkRequest(
            gateway_id=self._gateway_id, has=[known.replica for known in self._trunks.values()]
        )
        responses = self._chat.channel.exchange(self._chat.stub.OpenTrunk, trunk.requests(first))
        answer: pb.OpenTrunkResponse | None = None
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                answer = await anext(responses, None)
        except (AppError, TimeoutError) as error:
            _log.debug("trunk.not_opened", error=type(error).__name__)
        finally:
            if answer is None or not answer.trunk_id:
                await responses.aclose()
        if answer is None or not answer.trunk_id:
            return False
        trunk.id, trunk.replica = answer.trunk_id, answer.replica
        self._trunks[trunk.id] = trunk
        _TRUNKS.inc()
        reader = asyncio.create_task(self._read(trunk, responses), name="trunk")
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        return True

    async def _read(
        self, trunk: _Trunk, responses: AsyncGenerator[pb.OpenTrunkResponse, None]
    ) -> None:
        passages = self._passages
        try:
            async with aclosing(responses):
                async for response in responses:
                    for load in response.loads:
                        if (passage := passages.get(load.ticket)) is not None:
                            passage.take(load)
        except AppError as error:
            _log.info("trunk.broke", reason=error.reason)
        finally:
            _TRUNKS.dec()
            del self._trunks[trunk.id]
            for passage in trunk.passages:
                passage.put_off("trunk broke")
            self._wanted.set()
