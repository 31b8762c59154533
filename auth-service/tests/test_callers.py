"""Who may call what."""

from contextlib import aclosing
from typing import Any

import pytest

from auth_service.rpc import POLICY
from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.testing import OpenChannel
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

SERVICES = {"gateway", "auth-service", "apikey-service", "chat-service", "notes-service"}
UNARY = [
    name
    for name in POLICY["parley.auth.v1.AuthService"]
    if name not in ("WatchRevocations", "NoteUsageRead")
]


def _request(method: str) -> Any:
    return getattr(auth_pb2, f"{method}Request")()


async def _refusal(channel: Channel, method: str) -> Kind:
    with pytest.raises(RemoteError) as refused:
        await channel.unary(
            getattr(channel.stub(AuthServiceStub), method), _request(method), timeout=30
        )
    return refused.value.kind


async def test_only_the_gateway_may_call_for_users(
    auth_port: int, grpc_channel: OpenChannel
) -> None:
    for name in (SERVICES - {"gateway"}) | {"tester"}:
        channel = await grpc_channel(auth_port, "auth-service", as_name=name)
        refusals = {method: await _refusal(channel, method) for method in UNARY}
        assert set(refusals.values()) == {Kind.FORBIDDEN}, name


async def test_only_chat_service_has_it_noted_who_looks_at_usage(
    auth_port: int, grpc_channel: OpenChannel
) -> None:
    for name in SERVICES | {"tester"}:
        channel = await grpc_channel(auth_port, "auth-service", as_name=name)
        expected = Kind.UNAUTHENTICATED if name == "chat-service" else Kind.FORBIDDEN
        assert await _refusal(channel, "NoteUsageRead") is expected, name


async def _watched(channel: Channel) -> bool | Kind:
    """Whether the first message is a snapshot, or how the call was refused."""
    method = channel.stub(AuthServiceStub).WatchRevocations
    async with aclosing(channel.stream(method, auth_pb2.WatchRevocationsRequest())) as messages:
        try:
            return (await anext(messages)).snapshot
        except RemoteError as error:
            return error.kind


async def test_every_service_may_watch_and_nobody_else(
    auth_port: int, grpc_channel: OpenChannel
) -> None:
    outcomes = {
        name: await _watched(await grpc_channel(auth_port, "auth-service", as_name=name))
        for name in (*SERVICES, "tester")
    }
    assert outcomes == {**dict.fromkeys(SERVICES, True), "tester": Kind.FORBIDDEN}


async def test_what_concerns_a_user_needs_their_token(auth: Channel) -> None:
    for method in ("GetMe", "LogOut", "DeleteMe"):
        assert await _refusal(auth, method) is Kind.UNAUTHENTICATED
