"""The service as it is wired in production, beside an auth-service of the tests' own."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from apikey_service.migrations import MIGRATIONS
from apikey_service.settings import Settings
from apikey_service.wiring import build
from chassis.caller import Caller
from chassis.embedded.ports import free_port
from chassis.errors import AppError, FieldError, RemoteError
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.client import Channel
from chassis.grpc.server import GrpcServer, allow
from chassis.jetstream import JetStream
from chassis.settings import GrpcServerSettings
from chassis.testing import (
    DatabaseUrls,
    OpenChannel,
    ServiceDatabase,
    Signer,
    TlsSettings,
    eventually,
)
from parley.apikey.v1 import apikey_pb2, apikey_pb2_grpc
from parley.auth.v1 import auth_pb2, auth_pb2_grpc
from parley.events.rights import CONSUMES, user_erased_by


class AuthServicer(auth_pb2_grpc.AuthServiceServicer):
    """Publishes the key that signs the tests' tokens, and nothing else."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    async def WatchRevocations(
        self, request: auth_pb2.WatchRevocationsRequest, context: object
    ) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:
        key = auth_pb2.VerificationKey(kid=self._signer.kid, public_key=self._signer.public_key)
        yield auth_pb2.WatchRevocationsResponse(snapshot=True, keys=[key])
        await asyncio.Event().wait()


@pytest_asyncio.fixture
async def auth_port(tls_settings: TlsSettings, signer: Signer) -> AsyncIterator[int]:
    servicer = AuthServicer(signer)  # type: ignore[abstract]  # the one method that is called
    methods = auth_pb2.DESCRIPTOR.services_by_name["AuthService"].methods
    server = GrpcServer(
        settings=GrpcServerSettings(**tls_settings("auth-service")),
        policy={
            "parley.auth.v1.AuthService": {
                method.name: allow("apikey-service", open=True) for method in methods
            }
        },
        register=lambda server: auth_pb2_grpc.add_AuthServiceServicer_to_server(servicer, server),
        verifier=TokenVerifier(signer.trust),
    )
    await server.start()
    yield server.port
    await server.stop()


@pytest.fixture
def database(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("apikey", MIGRATIONS)


@pytest.fixture
def settings(
    tls_settings: TlsSettings,
    database: DatabaseUrls,
    nats_url_of: Callable[[str], str],
    events_prefix: str,
    auth_port: int,
) -> Settings:
    return Settings(
        **tls_settings("apikey-service"),
        grpc_port=free_port(),
        database_url=database.app,
        worker_database_url=database.worker,
        owner_database_url=database.owner,
        nats_url=nats_url_of("apikey-service"),
        events_prefix=events_prefix,
        vault_key=base64.b64encode(os.urandom(32)).decode(),
        auth_target=f"127.0.0.1:{auth_port}",
    )


@pytest_asyncio.fixture
async def keys(
    settings: Settings, grpc_channel: OpenChannel, signer: Signer
) -> AsyncIterator[Channel]:
    """The gateway's channel to the running service."""
    service = build(settings)
    await service.start()
    channel = await grpc_channel(settings.grpc_port, "apikey-service", as_name="gateway")
    method = channel.stub(apikey_pb2_grpc.ApiKeyServiceStub).ListKeys
    token = signer.token()

    async def answers() -> bool:
        await channel.unary(method, apikey_pb2.ListKeysRequest(), timeout=30, token=token)
        return True

    # Until auth-service's key has arrived no token can be verified.
    await eventually(answers, ignoring=(RemoteError,))
    yield channel
    await service.stop()


@pytest_asyncio.fixture
async def events(nats_url: str, events_prefix: str) -> AsyncIterator[JetStream]:
    """The same JetStream, as the other services see it."""
    keeps = {**CONSUMES["apikey-service"], "tester": user_erased_by("apikey-service")}
    stream = JetStream(nats_url, prefix=events_prefix, name="tester", keeps=keeps)
    await stream.start()
    await stream.wait_ready()
    yield stream
    await stream.stop()


@dataclass(frozen=True)
class Person:
    """A user, as gateway and chat-service speak for them."""

    gateway: Channel
    chat: Channel
    caller: Caller

    async def tell(self, method: str, **fields: Any) -> Any:
        """What the gateway is answered."""
        return await _call(self.gateway, method, self.caller.token, fields)

    async def chats(self, method: str, **fields: Any) -> Any:
        """What chat-service is answered."""
        return await _call(self.chat, method, self.caller.token, fields)

    async def create(self, name: str = "work", **fields: Any) -> apikey_pb2.Key:
        whole = {"api_key": "sk-0123456789abcdef-wxyz", "model": "gpt-5"}
        whole |= {"base_url": "https://api.example.com/v1"}
        key: apikey_pb2.Key = (await self.tell("CreateKey", name=name, **(whole | fields))).key
        return key

    async def get(self, key_id: str) -> apikey_pb2.Key:
        key: apikey_pb2.Key = (await self.tell("GetKey", id=key_id)).key
        return key

    async def update(self, key_id: str, **fields: Any) -> apikey_pb2.Key:
        key: apikey_pb2.Key = (await self.tell("UpdateKey", id=key_id, **fields)).key
        return key

    async def resolve(self, **fields: Any) -> apikey_pb2.ResolveKeyResponse:
        connection: apikey_pb2.ResolveKeyResponse = await self.chats("ResolveKey", **fields)
        return connection

    async def refused(self, method: str, **fields: Any) -> tuple[str, list[FieldError]]:
        """Why the call is refused: its reason and its fields."""
        call = self.chats if method in ("ResolveKey", "ReportUse") else self.tell
        with pytest.raises(AppError) as refused:
            await call(method, **fields)
        return refused.value.reason, list(refused.value.fields)


async def _call(channel: Channel, method: str, token: str, fields: dict[str, Any]) -> Any:
    stub = channel.stub(apikey_pb2_grpc.ApiKeyServiceStub)
    request = getattr(apikey_pb2, f"{method}Request")(**fields)
    return await channel.unary(getattr(stub, method), request, timeout=30, token=token)


@pytest.fixture
def person_of() -> Callable[..., Person]:
    """Makes a person of channels to a service of the test's own, and a caller."""
    return Person


@pytest_asyncio.fixture
async def new_person(
    keys: Channel, settings: Settings, grpc_channel: OpenChannel, signer: Signer
) -> AsyncIterator[Callable[..., Person]]:
    chat = await grpc_channel(settings.grpc_port, "apikey-service", as_name="chat-service")
    yield lambda **fields: Person(keys, chat, signer.caller(**fields))


@pytest.fixture
def ada(new_person: Callable[..., Person]) -> Person:
    return new_person()


@pytest.fixture
def eve(new_person: Callable[..., Person], ada: Person) -> Person:
    """Of the same tenant."""
    return new_person(tenant_id=ada.caller.tenant_id)
