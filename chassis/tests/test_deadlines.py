"""How long a call may take is handed on: to the calls that are made for it, and to each attempt."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.wrappers_pb2 import DoubleValue

from chassis.errors import AppError, Kind, Unavailable
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.client import Channel
from chassis.grpc.server import GrpcServer, allow
from chassis.grpc.trust import TrustStore
from chassis.settings import GrpcServerSettings
from chassis.testing import TlsSettings

SERVICE = "parley.test.v1.DeadlineService"
_SLOW_SECONDS = 0.5
# gRPC tells the other side a time that is a little longer, the more so the longer it is.
_ROUNDED_SECONDS = 0.2


class Handlers:
    """Says how long a call has left when it arrives, and calls itself."""

    def __init__(self) -> None:
        self.channel: Channel
        self.refused: list[float] = []

    async def Left(self, request: DoubleValue, context: Any) -> DoubleValue:
        return DoubleValue(value=context.time_remaining())

    async def Relay(self, request: DoubleValue, context: Any) -> DoubleValue:
        """What is left of a call that is made for this one, and may take ``request`` seconds."""
        timeout = request.value
        return await self.channel.unary(
            method(self.channel, "Left"), DoubleValue(), timeout=timeout
        )

    async def Refuse(self, request: DoubleValue, context: Any) -> DoubleValue:
        self.refused.append(context.time_remaining())
        await asyncio.sleep(_SLOW_SECONDS)
        raise Unavailable()

    def register(self, server: grpc.aio.Server) -> None:
        methods = {
            name: grpc.unary_unary_rpc_method_handler(
                getattr(self, name), DoubleValue.FromString, DoubleValue.SerializeToString
            )
            for name in ("Left", "Relay", "Refuse")
        }
        server.add_registered_method_handlers(SERVICE, methods)


def method(channel: Channel, name: str) -> Any:
    return channel.channel.unary_unary(
        f"/{SERVICE}/{name}",
        request_serializer=DoubleValue.SerializeToString,
        response_deserializer=DoubleValue.FromString,
    )


@pytest.fixture
def handlers() -> Handlers:
    return Handlers()


@pytest_asyncio.fixture
async def channel(tls_settings: TlsSettings, handlers: Handlers) -> AsyncIterator[Channel]:
    settings = GrpcServerSettings(**tls_settings("notes-service"), drain_seconds=0)
    server = GrpcServer(
        settings=settings,
        policy={
            SERVICE: {
                name: allow("notes-service", open=True) for name in ("Left", "Relay", "Refuse")
            }
        },
        register=handlers.register,
        verifier=TokenVerifier(TrustStore()),
    )
    await server.start()
    channel = handlers.channel = Channel(
        target=f"127.0.0.1:{server.port}", server="notes-service", settings=settings
    )
    await channel.start()
    yield channel
    await channel.stop()
    await server.stop()


async def _relay(channel: Channel, seconds: float, *, within: float) -> float:
    request = DoubleValue(value=seconds)
    answer: DoubleValue = await channel.unary(method(channel, "Relay"), request, timeout=within)
    return answer.value


async def test_a_call_that_is_made_for_another_ends_before_that_one(channel: Channel) -> None:
    assert 0 < await _relay(channel, 60, within=5) <= 5 + _ROUNDED_SECONDS


async def test_a_call_that_has_less_time_of_its_own_keeps_it(channel: Channel) -> None:
    assert 0 < await _relay(channel, 9, within=60) <= 9 + _ROUNDED_SECONDS


async def test_the_deadline_of_one_call_is_nothing_to_the_next(channel: Channel) -> None:
    await _relay(channel, 60, within=5)
    assert 5 < await _relay(channel, 9, within=60) <= 9 + _ROUNDED_SECONDS


async def test_all_attempts_of_a_call_share_its_time(channel: Channel, handlers: Handlers) -> None:
    with pytest.raises(AppError) as refused:
        await channel.unary(method(channel, "Refuse"), DoubleValue(), timeout=9, idempotent=True)
    assert refused.value.kind is Kind.UNAVAILABLE
    first, second, third = handlers.refused
    assert second <= first - _SLOW_SECONDS + _ROUNDED_SECONDS
    assert third <= second - _SLOW_SECONDS + _ROUNDED_SECONDS


async def test_no_attempt_begins_when_its_time_is_over(
    channel: Channel, handlers: Handlers
) -> None:
    with pytest.raises(AppError) as refused:
        await channel.unary(
            method(channel, "Refuse"), DoubleValue(), timeout=1.5 * _SLOW_SECONDS, idempotent=True
        )
    assert refused.value.kind in {Kind.UNAVAILABLE, Kind.TIMEOUT}
    assert len(handlers.refused) <= 2
