"""The gRPC server and client on the real wire, with real certificates."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.grpc.caller import TokenVerifier
from chassis.grpc.client import Channel
from chassis.grpc.server import GrpcServer
from chassis.tls import issue

from .service import POLICY, Handlers, Signer, open_channel, settings


@pytest.fixture
def signer() -> Signer:
    signer = Signer()
    signer.store.apply(signer.message())
    return signer


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    issue(tmp_path, ["test-service", "gateway", "notes-service"])
    return tmp_path


@pytest.fixture
async def handlers() -> Handlers:
    return Handlers()


@pytest.fixture
async def server(tls: Path, signer: Signer, handlers: Handlers) -> AsyncIterator[GrpcServer]:
    server = GrpcServer(
        settings=settings(tls, "test-service"),
        policy=POLICY,
        register=handlers.register,
        verifier=TokenVerifier(signer.store),
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def gateway(server: GrpcServer, tls: Path) -> AsyncIterator[Channel]:
    channel = await open_channel(server, tls, "gateway")
    yield channel
    await channel.stop()
