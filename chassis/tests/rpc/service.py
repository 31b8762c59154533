"""A service written by hand, and who signs tokens for it."""

import asyncio
import errno
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import grpc.aio
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.wrappers_pb2 import StringValue

from chassis.errors import AppError, FieldError, Kind, ValidationFailed
from chassis.grpc.caller import current_caller
from chassis.grpc.client import Channel
from chassis.grpc.server import GrpcServer, allow
from chassis.grpc.trust import TrustStore
from chassis.ids import new_id
from chassis.settings import GrpcServerSettings

SERVICE = "parley.test.v1.TestService"


USER = new_id()


TENANT = new_id()


# What a field missed comes over with it, whole numbers and others.
FIELDS = (
    FieldError("name", "TOO_LONG", maximum=64),
    FieldError("code", "INVALID"),
    FieldError("heat", "TOO_SMALL", minimum=-0.5),
    FieldError("after", "TOO_LARGE", maximum=2**63 - 1),
)


class Taken(AppError):
    kind = Kind.CONFLICT
    reason = "NAME_TAKEN"
    detail = "That name is taken."


class Handlers:
    """A service written by hand: chassis knows no contract of Parley's."""

    def __init__(self) -> None:
        self.stream_ended = asyncio.Event()
        self.calls = 0

    async def WhoAmI(self, request: StringValue, context: Any) -> StringValue:
        return StringValue(value=str(current_caller().user_id))

    async def Fail(self, request: StringValue, context: Any) -> StringValue:
        self.calls += 1
        match request.value:
            case "typed":
                raise Taken(metadata={"id": "7"}, retry_after=3)
            case "fields":
                raise ValidationFailed(fields=FIELDS)
            case "slow":
                await asyncio.sleep(30)
            case "used up":
                raise OSError(errno.EMFILE, "hunter2 has too many open files")
        raise RuntimeError("the password is hunter2")

    async def Open(self, request: StringValue, context: Any) -> StringValue:
        return request

    async def Count(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:
        try:
            most, _, rest = request.value.partition(" ")
            for number in range(int(most)):
                yield StringValue(value=rest if rest.startswith("x") else str(number))
            await asyncio.sleep(0 if rest else 30)
        finally:
            self.stream_ended.set()

    async def Join(self, requests: AsyncIterator[StringValue], context: Any) -> StringValue:
        joined = ""
        async for request in requests:
            if request.value == "say nothing":
                await asyncio.sleep(30)
            joined += request.value
            if joined.endswith("no"):
                raise Taken()
        return StringValue(value=f"{joined} for {current_caller().user_id}")

    def register(self, server: grpc.aio.Server) -> None:
        encode, decode = StringValue.SerializeToString, StringValue.FromString
        methods: dict[str, Any] = {
            name: grpc.unary_unary_rpc_method_handler(getattr(self, name), decode, encode)
            for name in ("WhoAmI", "Fail", "Open")
        }
        methods["Join"] = grpc.stream_unary_rpc_method_handler(self.Join, decode, encode)
        methods["Count"] = grpc.unary_stream_rpc_method_handler(self.Count, decode, encode)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        server.add_registered_method_handlers(SERVICE, methods)


POLICY = {
    SERVICE: {
        "WhoAmI": allow("gateway"),
        "Fail": allow("gateway"),
        "Count": allow("gateway"),
        "Join": allow("gateway"),
        "Open": allow("gateway", "notes-service", open=True),
    }
}


class Signer:
    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.store = TrustStore()

    def message(self, **changes: object) -> Any:
        raw = self.key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        key = SimpleNamespace(kid="k1", public_key=raw)
        return SimpleNamespace(**{"snapshot": True, "keys": [key], "revocations": [], **changes})

    def token(self, header: dict[str, Any] | None = None, **changes: object) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": "parley",
            "aud": "parley",
            "sub": str(USER),
            "tid": str(TENANT),
            "role": "user",
            "sid": "login-1",
            "iat": now,
            "exp": now + 300,
            "jti": "1",
        }
        claims.update(changes)
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(
            claims,
            self.key,
            algorithm="EdDSA",
            headers={"typ": "at+jwt", "kid": "k1", **(header or {})},
        )


def settings(directory: Path, name: str) -> GrpcServerSettings:
    return GrpcServerSettings(
        tls_ca_file=directory / "ca.pem",
        tls_cert_file=directory / f"{name}.pem",
        tls_key_file=directory / f"{name}.key",
    )


async def open_channel(server: GrpcServer, tls: Path, name: str) -> Channel:
    channel = Channel(
        target=f"127.0.0.1:{server.port}", server="test-service", settings=settings(tls, name)
    )
    await channel.start()
    return channel


def unary(channel: Channel, name: str) -> Any:
    return channel.channel.unary_unary(
        f"/{SERVICE}/{name}",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )
