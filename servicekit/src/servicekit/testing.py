"""auth-service as tests of another service need it: it publishes the key that signs their tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from chassis.grpc.caller import TokenVerifier
from chassis.grpc.server import GrpcServer, allow
from chassis.settings import GrpcServerSettings
from chassis.testing import Signer, TlsSettings
from parley.auth.v1 import auth_pb2

_SERVICE = auth_pb2.DESCRIPTOR.services_by_name["AuthService"]


def publishes_key_of(signer: Signer) -> "grpc.RpcMethodHandler[Any, Any]":
    """``WatchRevocations``: the signer's key first, and nothing behind it for as long as it is watched."""

    async def watch(
        _request: auth_pb2.WatchRevocationsRequest, _context: object
    ) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:
        key = auth_pb2.VerificationKey(kid=signer.kid, public_key=signer.public_key)
        yield auth_pb2.WatchRevocationsResponse(snapshot=True, keys=[key])
        await asyncio.Event().wait()

    return grpc.unary_stream_rpc_method_handler(
        watch,
        auth_pb2.WatchRevocationsRequest.FromString,
        auth_pb2.WatchRevocationsResponse.SerializeToString,
    )


@asynccontextmanager
async def auth_service(
    tls_settings: TlsSettings, signer: Signer, *, for_service: str
) -> AsyncIterator[int]:
    """The port, on loopback, of one that does that alone, and for that service alone."""
    handlers = {"WatchRevocations": publishes_key_of(signer)}

    def register(server: grpc.aio.Server) -> None:
        server.add_registered_method_handlers(_SERVICE.full_name, handlers)

    server = GrpcServer(
        settings=GrpcServerSettings(**tls_settings("auth-service")),
        policy={_SERVICE.full_name: {name: allow(for_service, open=True) for name in handlers}},
        register=register,
        verifier=TokenVerifier(signer.trust),
    )
    await server.start()
    try:
        yield server.port
    finally:
        await server.stop()
