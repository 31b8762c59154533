"""The service as it is wired in production, beside an auth-service of the tests' own."""

import base64
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from apikey_service.migrations import MIGRATIONS
from apikey_service.settings import Settings
from apikey_service.wiring import build
from chassis.caller import Caller
from chassis.embedded import EmbeddedNats
from chassis.embedded.ports import free_port
from chassis.errors import AppError, FieldError, RemoteError
from chassis.grpc.client import Channel
from chassis.jetstream import JetStream
from chassis.testing import (
    DatabaseUrls,
    ServiceDatabase,
    Signer,
    TlsSettings,
    eventually,
)
from chassis.testing.databases import DatabaseFactory
from chassis.testing.plugin import subjects_of_its_own
from chassis.testing.room import (
    database,
    grpc_channel,
    lent,
    running,
    shares_a_service,
    start_process,
)
from chassis.testing.rpc import open_channels
from chassis.testing.shared import SharedService, on_one_loop
from parley.apikey.v1 import apikey_pb2, apikey_pb2_grpc
from parley.events.rights import CONSUMES, user_erased_by
from servicekit.testing import auth_service

__all__ = ["database", "grpc_channel", "lent", "running", "start_process"]


@dataclass(frozen=True)
class Running:
    """The service, with its database and two channels to it: the gateway's and chat-service's."""

    port: int
    database: DatabaseUrls
    channel: Channel
    chat: Channel

    async def settle(self) -> None:
        """What it writes behind its answers is of rows that are there, and makes none."""


pytest_pycollect_makeitem = on_one_loop


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def auth_port(tls_settings: TlsSettings, signer: Signer) -> AsyncIterator[int]:
    async with auth_service(tls_settings, signer, for_service="apikey-service") as port:
        yield port


@pytest.fixture(scope="session")
def settings_of(
    tls_settings: TlsSettings, embedded_nats: EmbeddedNats, auth_port: int
) -> Callable[[DatabaseUrls, str], Settings]:
    """Of a service with that database, whose events have that prefix."""
    return lambda database, events_prefix: Settings(
        **tls_settings("apikey-service"),
        grpc_port=free_port(),
        database_url=database.app,
        worker_database_url=database.worker,
        owner_database_url=database.owner,
        nats_url=embedded_nats.url_of("apikey-service"),
        events_prefix=events_prefix,
        vault_key=base64.b64encode(os.urandom(32)).decode(),
        auth_target=f"127.0.0.1:{auth_port}",
    )


@asynccontextmanager
async def _run(
    settings: Settings, database: DatabaseUrls, certificates: Path, signer: Signer
) -> AsyncIterator[Running]:
    service = build(settings)
    await service.start()
    try:
        async with open_channels(certificates) as open_channel:
            channel = await open_channel(settings.grpc_port, "apikey-service", as_name="gateway")
            method = channel.stub(apikey_pb2_grpc.ApiKeyServiceStub).ListKeys
            token = signer.token()

            async def answers() -> bool:
                await channel.unary(method, apikey_pb2.ListKeysRequest(), timeout=30, token=token)
                return True

            # Until auth-service's key has arrived no token can be verified.
            await eventually(answers, ignoring=(RemoteError,))
            chat = await open_channel(settings.grpc_port, "apikey-service", as_name="chat-service")
            yield Running(settings.grpc_port, database, channel, chat)
    finally:
        await service.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(
    database_factory: DatabaseFactory,
    embedded_nats: EmbeddedNats,
    settings_of: Callable[[DatabaseUrls, str], Settings],
    certificates: Path,
    signer: Signer,
) -> AsyncIterator[SharedService[Running]]:
    @asynccontextmanager
    async def run() -> AsyncIterator[Running]:
        with database_factory.session() as make, subjects_of_its_own(embedded_nats) as prefix:
            database = make("apikey", MIGRATIONS)
            async with _run(settings_of(database, prefix), database, certificates, signer) as one:
                yield one

    service = SharedService(database_factory, run)
    yield service
    await service.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def own(
    settings: Settings, database: DatabaseUrls, certificates: Path, signer: Signer
) -> AsyncIterator[Running]:
    async with _run(settings, database, certificates, signer) as running:
        yield running


@pytest.fixture
def changes() -> dict[str, object]:
    """What is set for the tests of a module, which says so; they share no service."""
    return {}


@pytest.fixture
def shares(request: pytest.FixtureRequest, changes: dict[str, object]) -> bool:
    return shares_a_service(request) and not changes


@pytest.fixture
def keys(running: Running) -> Channel:
    """The gateway's channel to the running service."""
    return running.channel


@pytest.fixture
def port(running: Running) -> int:
    return running.port


@pytest.fixture
def own_database(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("apikey", MIGRATIONS)


@pytest.fixture
def settings(
    database: DatabaseUrls,
    events_prefix: str,
    settings_of: Callable[[DatabaseUrls, str], Settings],
    changes: dict[str, object],
) -> Settings:
    return settings_of(database, events_prefix).model_copy(update=changes)


@pytest_asyncio.fixture(loop_scope="session")
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


@pytest.fixture
def new_person(running: Running, signer: Signer) -> Callable[..., Person]:
    return lambda **fields: Person(running.channel, running.chat, signer.caller(**fields))


@pytest.fixture
def ada(new_person: Callable[..., Person]) -> Person:
    return new_person()


@pytest.fixture
def eve(new_person: Callable[..., Person], ada: Person) -> Person:
    """Of the same tenant."""
    return new_person(tenant_id=ada.caller.tenant_id)
