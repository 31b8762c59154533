"""Frame channels: one gRPC stream from each replica of chat-service, with the frames of many runs.

The replica that accepted a question puts the run's frames on the frame channel that this gateway has
to it: those of all runs in one message. It is not a gRPC channel, of which there is one for each service
(``clients``), but one stream on it (``OpenChannel``). It is a shortcut and no more.
Where there is none, where it breaks, and for a client that does not keep up, the run is followed by
itself, from the last frame that was handed on: nothing is lost, and nothing comes twice.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count
from typing import Any

from prometheus_client import Gauge

from chassis.bulkhead import Bulkhead
from chassis.caller import Caller
from chassis.errors import AppError, Internal, Kind
from chassis.ids import new_id
from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from gateway.clients import Peer
from gateway.streams.subscription import FrameChannel, RunStream, RunSubscription
from parley.chat.v1 import chat_pb2 as pb
from parley.chat.v1.chat_pb2_grpc import FrameServiceStub, RunServiceStub

_log = get_logger(__name__)

_OPEN = Gauge("frame_channels_open", "Frame channels to replicas of chat-service.")

# For a replica to answer, seconds.
_OPEN_SECONDS = 5.0
# How often it looks for replicas that have no channel yet, each look meeting any of them.
_LOOKS = 4
# Between two looks: doubling, seconds.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0

# Questions of one user, in this process, that chat-service is asked to accept.
_OF_USER_AT_ONCE = 8
_RETRY_SECONDS = 2

Asking = pb.StartRunRequest | pb.ContinueRunRequest | pb.RegenerateRunRequest


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that was accepted, and its frames from the first one on."""

    run: pb.RunAccepted
    batches: RunSubscription


class TooManyQuestions(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_QUESTIONS"
    detail = (
        "So many questions of yours wait to be taken that this one was not; send it again shortly."
    )

    def __init__(self) -> None:
        super().__init__(retry_after=_RETRY_SECONDS)


def _is_in_another_form(request: Asking) -> bool:
    """Whether no channel carries the run's frames: its readers are given something else."""
    return isinstance(request, pb.StartRunRequest) and request.form == pb.TEXT_FORM_PLAIN


class FrameChannels(Component):
    """Begins runs, and keeps a frame channel to each replica that it meets.

    ``accept_seconds`` is how long a question may take to be accepted. Of one user some are asked at once, and the others wait
    half as long in a line of their own, so that nobody waits behind all that another one asks.
    """

    def __init__(
        self, runs: Peer[RunServiceStub], frames: Peer[FrameServiceStub], *, accept_seconds: float
    ) -> None:
        self._runs = runs
        self._frames = frames
        self._accept_seconds = accept_seconds
        self._asking = Bulkhead(
            None,
            of_one=_OF_USER_AT_ONCE,
            most_seconds=accept_seconds / 2,
            refusal=TooManyQuestions,
        )
        self._gateway_id = str(new_id())
        self._numbers = count(1)
        self._subscriptions: dict[int, RunSubscription] = {}
        self._open: dict[str, FrameChannel] = {}
        self._readers: set[asyncio.Task[None]] = set()
        self._wanted = asyncio.Event()
        self._opening: asyncio.Task[None] | None = None

    @property
    def held(self) -> dict[str, int]:
        """Of the runs that are read here, on channels and by themselves: how many."""
        return {
            "subscriptions": len(self._subscriptions),
            "subscriptions on channels": sum(
                len(channel.subscriptions) for channel in self._open.values()
            ),
        }

    async def start(self) -> None:
        self._opening = asyncio.create_task(self._open_all(), name="frame-channels")

    async def stop(self) -> None:
        if self._opening is not None:
            await end_task(self._opening)
            self._opening = None
        for task in list(self._readers):
            await end_task(task)

    async def begin(self, request: Asking, caller: Caller, key: str | None) -> Begun:
        """Ask. ``key`` is the request's idempotency key; with one it is asked again, up to three
        times, while chat-service is away. Raises AppError: it is not known to be accepted; TooManyQuestions: it is not.
        """
        method = self._method_of(request)
        number = next(self._numbers)
        subscription = RunSubscription(
            number,
            lambda run_id, after: self._follow(run_id, after, caller),
            lambda: self._forget(number),
        )
        request.destination.gateway_id = self._gateway_id
        request.destination.subscription = number
        self._subscriptions[number] = subscription
        try:
            async with self._asking.enter(caller.user_id):
                answer: pb.StartRunResponse = await self._runs.channel.unary(
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
            self._forget(number)
            raise
        channel = self._open.get(answer.channel_id) if answer.HasField("channel_id") else None
        if _is_in_another_form(request):
            subscription.begin(answer.accepted.run_id, None, "another form")
            return Begun(answer.accepted, subscription)
        if channel is None:
            self._wanted.set()
        subscription.begin(answer.accepted.run_id, channel)
        return Begun(answer.accepted, subscription)

    def _method_of(self, request: Asking) -> Any:
        stub = self._runs.stub
        if isinstance(request, pb.StartRunRequest):
            return stub.StartRun
        return (
            stub.ContinueRun if isinstance(request, pb.ContinueRunRequest) else stub.RegenerateRun
        )

    def _follow(self, run_id: str, after: int, caller: Caller) -> RunStream:
        """The run's frames behind number ``after``, by a stream of its own."""
        request = pb.FollowRunRequest(run_id=run_id, after=after)
        return self._frames.follow(self._frames.stub.FollowRun, request, caller)

    def _forget(self, number: int) -> None:
        """Hand nothing more to this subscription."""
        self._subscriptions.pop(number, None)

    async def _open_all(self) -> None:
        """Looks until it meets no new replica; again when one turned up, or a channel broke."""
        looks, pause = _LOOKS, _FIRST_PAUSE_SECONDS
        while True:
            self._wanted.clear()
            if await self._open_one():
                looks, pause = _LOOKS, _FIRST_PAUSE_SECONDS
                continue
            looks -= 1
            if looks <= 0 and self._open:
                await self._wanted.wait()
                looks, pause = _LOOKS, _FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _open_one(self) -> bool:
        """Whether there is a channel now to a replica that had none: which one, chance decides."""
        channel = FrameChannel()
        first = pb.OpenChannelRequest(
            gateway_id=self._gateway_id, has=[known.replica for known in self._open.values()]
        )
        responses = self._frames.channel.exchange(
            self._frames.stub.OpenChannel, channel.requests(first)
        )
        answer: pb.OpenChannelResponse | None = None
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                answer = await anext(responses, None)
        except (AppError, TimeoutError) as error:
            _log.debug("frame_channel.not_opened", error=type(error).__name__)
        finally:
            if answer is None or not answer.channel_id:
                channel.end()
                await responses.aclose()
        if answer is None or not answer.channel_id:
            return False
        channel.id, channel.replica = answer.channel_id, answer.replica
        self._open[channel.id] = channel
        _OPEN.inc()
        reader = asyncio.create_task(self._read(channel, responses), name="frame-channel")
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        return True

    async def _read(
        self, channel: FrameChannel, responses: AsyncGenerator[pb.OpenChannelResponse, None]
    ) -> None:
        subscriptions = self._subscriptions
        try:
            async with aclosing(responses):
                async for response in responses:
                    for delivery in response.batches:
                        if (subscription := subscriptions.get(delivery.subscription)) is not None:
                            subscription.take(delivery)
        except AppError as error:
            _log.info("frame_channel.broke", reason=error.reason)
        finally:
            _OPEN.dec()
            channel.end()
            del self._open[channel.id]
            for subscription in channel.subscriptions:
                subscription.detach("channel broke")
            self._wanted.set()
