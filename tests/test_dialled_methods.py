"""Every method of every service, dialled past the gateway: who may call it, and with whose token."""

import asyncio
import importlib
import pkgutil
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2, status_pb2

import parley
from chassis.clock import utc_now
from chassis.errors import Unauthenticated
from chassis.grpc.server import Method, allow
from chassis.testing import Signer
from chassis.tls import issue

from .client import SignUp
from .signing import signer_of
from .stack import Stack
from .who_may_call import EVERYBODY, OTHERS

# Of what goes on once it is let in, such as a watch, nothing more is waited for.
_SECONDS = 3.0
_AT_ONCE = 20


@dataclass(frozen=True)
class Dialled:
    """A method as a stranger knows it: its name, and whether it takes or gives a stream."""

    service: str
    descriptor: MethodDescriptor

    @property
    def name(self) -> str:
        return f"{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def policy(self) -> Method:
        return OTHERS.get(self.name, allow("gateway"))

    async def call(self, channel: grpc.aio.Channel, token: str | None) -> str:
        """With a message that says nothing; the status of the answer, and of a refusal for want of a token its reason."""
        metadata = None if token is None else (("authorization", f"Bearer {token}"),)
        kinds = {
            (False, False): channel.unary_unary,
            (False, True): channel.unary_stream,
            (True, False): channel.stream_unary,
            (True, True): channel.stream_stream,
        }
        streams = (self.descriptor.client_streaming, self.descriptor.server_streaming)
        method: Any = kinds[streams](f"/{self.name}")
        call = method(_nothing() if streams[0] else b"", metadata=metadata, timeout=_SECONDS)
        try:
            await (call.read() if streams[1] else call)
            if call.done():
                return _told(await call.code(), await call.trailing_metadata())
        except grpc.aio.AioRpcError as error:
            return _told(error.code(), error.trailing_metadata())
        else:
            return "OK"
        finally:
            call.cancel()


async def _nothing() -> AsyncIterator[bytes]:
    """A stream of requests that ends at once."""
    for message in list[bytes]():
        yield message


def _told(code: grpc.StatusCode, metadata: Any) -> str:
    if code is not grpc.StatusCode.UNAUTHENTICATED:
        return code.name
    status = status_pb2.Status()
    status.ParseFromString(dict(metadata)["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.reason)


def _methods() -> Iterator[Dialled]:
    """All that the contracts have."""
    for module in pkgutil.walk_packages(parley.__path__, "parley."):
        if not module.name.endswith("_pb2"):
            continue
        file = importlib.import_module(module.name).DESCRIPTOR
        for service in file.services_by_name.values():
            home = f"{file.package.split('.')[1]}_service"
            yield from (Dialled(home, method) for method in service.methods)


def _channel(stack: Stack, service: str, credentials: grpc.ChannelCredentials) -> grpc.aio.Channel:
    named = [("grpc.ssl_target_name_override", service.replace("_", "-"))]
    [port, *_] = [member.port for member in stack.members(service)]
    return grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=named)


def _credentials(tls: Path, name: str) -> grpc.ChannelCredentials:
    files = (tls / "ca.pem", tls / f"{name}.key", tls / f"{name}.pem")
    return grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))


async def test_who_is_let_in_is_as_the_table_has_it(stack: Stack, sign_up: SignUp) -> None:
    signer = signer_of(stack, sign_up(stack))
    expired = signer.caller(lifetime=-60).token
    bad = (None, Signer(kid=signer.kid).token(), "parley_pat_x", expired)
    # Of nobody whom there is: who is let in by mistake does no harm.
    good = signer.token()
    methods = list(_methods())
    assert len(methods) >= 100
    assert {method.name for method in methods} > OTHERS.keys()
    turns = asyncio.Semaphore(_AT_ONCE)
    wrong: dict[str, str] = {}

    async def dial(method: Dialled, caller: str, channel: grpc.aio.Channel) -> None:
        policy = method.policy
        # Who is not on the list gets no further with a token that is good.
        for token in bad if caller in policy.callers else (good,):
            async with turns:
                told = await method.call(channel, token)
            if caller not in policy.callers:
                is_right = told == "PERMISSION_DENIED"
            elif policy.open or (policy.outlived and token is expired):
                is_right = told not in ("PERMISSION_DENIED", Unauthenticated.reason, "UNAVAILABLE")
            else:
                is_right = told == Unauthenticated.reason
            if not is_right:
                wrong[f"{method.name} by {caller} with {token}"] = told

    async with AsyncExitStack() as lines, asyncio.TaskGroup() as dialling:
        for caller in EVERYBODY:
            credentials = _credentials(stack.data / "tls", caller)
            for service in {method.service for method in methods}:
                line = await lines.enter_async_context(_channel(stack, service, credentials))
                for method in methods:
                    if method.service == service:
                        dialling.create_task(dial(method, caller, line))
    assert wrong == {}


async def test_who_shows_no_certificate_of_this_stack_gets_no_connection(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = stack.data / "tls"
    strangers, expired = tmp_path / "strangers", tmp_path / "expired"
    issue(strangers, ["gateway"])
    shutil.copy(tls / "ca.pem", strangers)
    expired.mkdir()
    for file in ("ca.pem", "ca.key"):
        shutil.copy(tls / file, expired)
    monkeypatch.setattr("chassis.tls.utc_now", lambda: utc_now() - timedelta(days=826))
    issue(expired, ["gateway"])
    shown = {
        "none": grpc.ssl_channel_credentials((tls / "ca.pem").read_bytes()),
        "a stranger's": _credentials(strangers, "gateway"),
        "an expired one": _credentials(expired, "gateway"),
    }
    # One that anybody of the stack may call, without a token.
    watch = next(one for one in _methods() if one.name.endswith("/WatchRevocations"))
    told = {}
    for service in ("auth_service", "apikey_service", "chat_service", "notes_service"):
        for name, credentials in shown.items():
            async with _channel(stack, service, credentials) as channel:
                told[service, name] = await watch.call(channel, None)
    assert set(told.values()) == {"UNAVAILABLE"}, told
    async with _channel(stack, "auth_service", _credentials(tls, "notes-service")) as channel:
        assert await watch.call(channel, None) == "OK"
