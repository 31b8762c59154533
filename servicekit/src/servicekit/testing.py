"""What tests of services need: an auth-service that publishes the key that signs their tokens, and what a
service is wired of.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from chassis.grpc.caller import TokenVerifier
from chassis.grpc.server import GrpcServer, allow
from chassis.service import Component, Service
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


def made_by(build: Callable[[], Service]) -> tuple[Service, list[Any]]:
    """The service that ``build`` returns, and whatever else it has made and holds."""
    before = gc.get_objects()
    known = set(map(id, before))
    service = build()
    return service, [one for one in gc.get_objects() if id(one) not in known]


def components_not_handed_over(build: Callable[[], Service]) -> set[str]:
    """The names of the classes of components that ``build`` makes and does not hand to the service.

    Nobody starts such a one, and what it is to do is not done.
    """
    service, made = made_by(build)
    components = [one for one in made if issubclass(type(one), Component)]
    assert components
    handed = set(map(id, service.components))
    return {type(one).__name__ for one in components if id(one) not in handed}
