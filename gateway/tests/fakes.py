"""Services that answer what a test has told them to."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from math import inf
from typing import Any

from google.protobuf.message import Message

from chassis.errors import AppError
from chassis.grpc.caller import current_caller
from chassis.grpc.deadline import within_deadline
from chassis.idempotency import idempotency_key
from chassis.telemetry.context import request_id, traceparent
from chassis.testing import Signer
from parley.auth.v1 import auth_pb2

# How often auth-service's watch says something, whatever there is to tell.
_HEARTBEAT_SECONDS = 10.0


@dataclass(frozen=True)
class Call:
    """One call as it arrived: what was asked, for whom, under which identity of a request."""

    method: str
    request: Any
    token: str | None
    request_id: str
    traceparent: str
    idempotency_key: str | None
    #: How much time it has, less what its answer needs for the way back; without a deadline it is infinite.
    seconds: float


class Fake:
    """A service that answers each method with what the test put into ``answers``.

    An error is raised; an event is waited for, and then there is no answer, or the one beside it.
    """

    def __init__(self) -> None:
        self.answers: dict[
            str, Message | Exception | asyncio.Event | tuple[asyncio.Event, Any]
        ] = {}
        self.calls: list[Call] = []

    def note(self, method: str, request: Any) -> None:
        try:
            token = current_caller().token
        except AppError:
            token = None
        self.calls.append(
            Call(
                method,
                request,
                token,
                request_id.get(),
                traceparent.get(),
                idempotency_key.get(),
                within_deadline(inf),
            )
        )

    def __getattr__(self, method: str) -> Callable[[Any, Any], Any]:
        if not method[0].isupper():
            raise AttributeError(method)

        async def answer(request: Any, context: object) -> Message:
            self.note(method, request)
            told = self.answers[method]
            match told:
                case Message():
                    return told
                case asyncio.Event():
                    await told.wait()
                    raise AssertionError(f"{method} was let go, and has no answer")
                case (asyncio.Event() as gate, Message() as late):
                    await gate.wait()
                    return late
                case Exception():
                    raise told
                case _:
                    raise AssertionError(told)

        return answer


class FakeAuth(Fake):
    """Publishes what a test has revoked."""

    def __init__(self, revocations: "Revocations") -> None:
        super().__init__()
        self._revocations = revocations

    @property
    def may_publish(self) -> asyncio.Event:
        """Until it is set, no watch hears anything."""
        return self._revocations.may_publish

    def publish(self, revocation: auth_pb2.Revocation) -> None:
        """Tell it to the gateway's watch."""
        self._revocations.publish(revocation)


class Revocations:
    """What auth-service tells whoever watches: the tests' signing key and all that was revoked, and then
    each revocation. As the real one it says something at least every ten seconds.
    """

    def __init__(self, signer: Signer) -> None:
        self._key = auth_pb2.VerificationKey(kid=signer.kid, public_key=signer.public_key)
        self._told: list[auth_pb2.Revocation] = []
        self._watches: set[asyncio.Queue[auth_pb2.Revocation]] = set()
        self.may_publish = asyncio.Event()
        self.may_publish.set()

    def publish(self, revocation: auth_pb2.Revocation) -> None:
        self._told.append(revocation)
        for watch in self._watches:
            watch.put_nowait(revocation)

    def forget(self) -> None:
        """Those that come later are not told of what was revoked so far."""
        self._told.clear()

    async def watch(self) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:
        await self.may_publish.wait()
        news: asyncio.Queue[auth_pb2.Revocation] = asyncio.Queue()
        self._watches.add(news)
        try:
            yield auth_pb2.WatchRevocationsResponse(
                snapshot=True, keys=[self._key], revocations=self._told
            )
            while True:
                told = []
                with suppress(TimeoutError):
                    async with asyncio.timeout(_HEARTBEAT_SECONDS):
                        told.append(await news.get())
                yield auth_pb2.WatchRevocationsResponse(revocations=told)
        finally:
            self._watches.discard(news)


class Stand:
    """What a server of tests serves: whichever fake is behind it at the moment that a call comes."""

    fake: Fake

    def __init__(self, revocations: Revocations) -> None:
        self._revocations = revocations
        self._under_way: Counter[str] = Counter()

    @property
    def under_way(self) -> list[str]:
        """The methods that are being answered, but for what a gateway asks for its own sake."""
        return [f"{method} of a service" for method in self._under_way.elements()]

    def WatchRevocations(
        self, request: auth_pb2.WatchRevocationsRequest, context: object
    ) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:
        return self._revocations.watch()

    def OpenChannel(self, requests: Any, context: object) -> Any:
        return self.fake.OpenChannel(requests, context)

    def __getattr__(self, method: str) -> Callable[[Any, Any], Any]:
        if not method[0].isupper():
            raise AttributeError(method)

        def call(request: Any, context: object) -> Any:
            answer = getattr(self.fake, method)(request, context)
            if isinstance(answer, AsyncGenerator):
                return self._stream(method, answer)
            return self._unary(method, answer)

        return call

    async def _unary(self, method: str, answer: Awaitable[Any]) -> Any:
        with self._counted(method):
            return await answer

    async def _stream(
        self, method: str, answers: AsyncGenerator[Any, None]
    ) -> AsyncGenerator[Any, None]:
        with self._counted(method):
            async with aclosing(answers):
                async for answer in answers:
                    yield answer

    @contextmanager
    def _counted(self, method: str) -> Iterator[None]:
        self._under_way[method] += 1
        try:
            yield
        finally:
            self._under_way[method] -= 1
