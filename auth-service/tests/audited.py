"""Calls that leave their traces, and how the audit log is read."""

from collections.abc import Awaitable
from typing import Any

import pytest

from chassis.errors import RemoteError
from chassis.grpc.client import Channel
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

HOME = auth_pb2.Client(ip="192.0.2.7", user_agent="a browser of the tests")
ELSEWHERE = auth_pb2.Client(ip="198.51.100.9", user_agent="a stranger's")


async def call_as(auth: Channel, token: str | None, method: str, request: Any) -> Any:
    stub = auth.stub(AuthServiceStub)
    return await auth.unary(getattr(stub, method), request, timeout=30, token=token)


async def list_entries(auth: Channel, admin: auth_pb2.Grant, **wanted: Any) -> list[Any]:
    request = auth_pb2.ListAuditRequest(limit=100, **wanted)
    return list((await call_as(auth, admin.access_token, "ListAudit", request)).items)


async def list_events(auth: Channel, admin: auth_pb2.Grant, **wanted: Any) -> list[str]:
    return [entry.event for entry in reversed(await list_entries(auth, admin, **wanted))]


async def log_in_from(
    auth: Channel, name: str, password: str = "correct horse", client: Any = HOME
) -> auth_pb2.Grant:
    request = auth_pb2.LogInRequest(username=name, password=password, client=client)
    grant: auth_pb2.Grant = (await call_as(auth, None, "LogIn", request)).grant
    return grant


async def try_out(attempt: Awaitable[object]) -> None:
    with pytest.raises(RemoteError):
        await attempt
