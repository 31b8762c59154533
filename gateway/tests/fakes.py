"""Services that answer what a test has told them to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from chassis.errors import AppError
from chassis.grpc.caller import current_caller
from chassis.idempotency import idempotency_key
from chassis.telemetry.context import request_id, traceparent
from chassis.testing import Signer
from parley.auth.v1 import auth_pb2


@dataclass(frozen=True)
class Call:
    """One call as it arrived: what was asked, for whom, under which identity of a request."""

    method: str
    request: Any
    token: str | None
    request_id: str
    traceparent: str
    idempotency_key: str | None


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
    """Publishes the tests' signing key once it may."""

    def __init__(self, signer: Signer) -> None:
        super().__init__()
        self._signer = signer
        self.may_publish = asyncio.Event()
        self.may_publish.set()
        self._revocations: asyncio.Queue[auth_pb2.Revocation] = asyncio.Queue()

    def publish(self, revocation: auth_pb2.Revocation) -> None:
        """Tell it to the gateway's watch."""
        self._revocations.put_nowait(revocation)

    async def WatchRevocations(
        self, request: auth_pb2.WatchRevocationsRequest, context: object
    ) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:
        await self.may_publish.wait()
        key = auth_pb2.VerificationKey(kid=self._signer.kid, public_key=self._signer.public_key)
        yield auth_pb2.WatchRevocationsResponse(snapshot=True, keys=[key])
        while True:
            revocation = await self._revocations.get()
            yield auth_pb2.WatchRevocationsResponse(revocations=[revocation])
