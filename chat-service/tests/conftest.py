"""A chat database of each test's own with the use cases over it; the whole service on the wire."""

from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from chassis.address_policy import AddressPolicy
from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction, transactions
from chassis.embedded import free_port
from chassis.errors import RemoteError
from chassis.grpc.client import Channel
from chassis.jetstream import JetStream
from chassis.service import Service
from chassis.testing import (
    ModelServer,
    OpenChannel,
    ServiceDatabase,
    Signer,
    TlsSettings,
    eventually,
)
from chat_service.migrations import MIGRATIONS
from chat_service.providers.client import ModelClient
from chat_service.runs.store.turns import Turns
from chat_service.settings import Settings
from chat_service.wiring import build
from parley.chat.v1 import chat_pb2
from parley.events.rights import CONSUMES, user_erased_by

from .chat import Chat
from .client import Client
from .fake_auth import Audit, Preferences, auth_server
from .generations import Generations
from .vault import Vault, vault_server


@pytest_asyncio.fixture
async def chat(service_database: ServiceDatabase) -> AsyncIterator[Chat]:
    urls = service_database("chat", MIGRATIONS)
    # Fifty at once on a busy machine wait for their turn: what is busy is tested elsewhere.
    patience: dict[str, Any] = {
        "wait_seconds": 60.0,
        "lock_seconds": 60.0,
        "statement_seconds": 60.0,
    }
    app = Database(urls.app, pool_size=8, application_name="test", plan_once=True, **patience)
    worker = Database(urls.worker, pool_size=2, application_name="test worker", **patience)
    await app.start()
    await worker.start()
    yield Chat(urls, app, worker, Turns(app), transactions(app))
    await worker.stop()
    await app.stop()


@pytest.fixture
def no_database() -> OpenTransaction:
    """Transactions on a database that is away."""
    url = f"postgresql://nobody:nothing@127.0.0.1:{free_port()}/nowhere"
    return transactions(Database(url, application_name="test"))


@pytest.fixture
def caller(signer: Signer) -> Caller:
    return signer.caller()


@pytest.fixture
def stranger(signer: Signer, caller: Caller) -> Caller:
    """Somebody else of the same tenant."""
    return signer.caller(tenant_id=caller.tenant_id)


@pytest.fixture
def generations() -> Generations:
    return Generations()


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[ModelClient]:
    """Asks model servers on this machine."""
    provider = ModelClient(AddressPolicy(["127.0.0.0/8"]), streams=10, per_host=10)
    await provider.start()
    yield provider
    await provider.stop()


@pytest.fixture
def preferences() -> Preferences:
    return Preferences()


@pytest.fixture
def audit() -> Audit:
    return Audit()


@pytest_asyncio.fixture
async def auth_port(
    tls_settings: TlsSettings, signer: Signer, preferences: Preferences, audit: Audit
) -> AsyncIterator[int]:
    server = auth_server(tls_settings, signer, preferences, audit)
    await server.start()
    yield server.port
    await server.stop()


@pytest.fixture
def vault(model_server: ModelServer) -> Vault:
    return Vault(model_server.base_url)


@pytest_asyncio.fixture
async def vault_port(tls_settings: TlsSettings, signer: Signer, vault: Vault) -> AsyncIterator[int]:
    server = vault_server(tls_settings, signer, vault)
    await server.start()
    yield server.port
    await server.stop()


# Reading them from the environment takes longer than the start of the service does.
@cache
def _usual_settings(tls_settings: TlsSettings) -> Settings:
    nowhere = SecretStr("postgresql://role:password@127.0.0.1:1/name")
    return Settings(
        **tls_settings("chat-service"),
        drain_seconds=5.5,
        database_url=nowhere,
        worker_database_url=nowhere,
        owner_database_url=nowhere,
        nats_url=SecretStr("nats://name:password@127.0.0.1:1"),
        redis_url=SecretStr("redis://:x@127.0.0.1:1/0"),
        auth_target="127.0.0.1:1",
        apikey_target="127.0.0.1:1",
        allowed_hosts=("127.0.0.0/8",),
    )


@pytest.fixture
def settings(
    tls_settings: TlsSettings,
    service_database: ServiceDatabase,
    auth_port: int,
    vault_port: int,
    redis_url: str,
    redis_prefix: str,
    nats_url_of: Callable[[str], str],
    events_prefix: str,
) -> Settings:
    urls = service_database("chat", MIGRATIONS)
    update = {
        "grpc_port": free_port(),
        "database_url": SecretStr(urls.app),
        "worker_database_url": SecretStr(urls.worker),
        "owner_database_url": SecretStr(urls.owner),
        "nats_url": SecretStr(nats_url_of("chat-service")),
        "events_prefix": events_prefix,
        "redis_url": SecretStr(redis_url),
        "redis_prefix": redis_prefix,
        "auth_target": f"127.0.0.1:{auth_port}",
        "apikey_target": f"127.0.0.1:{vault_port}",
    }
    return _usual_settings(tls_settings).model_copy(update=update)


@pytest_asyncio.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    service = build(settings)
    await service.start()
    yield service
    await service.stop()


@pytest_asyncio.fixture
async def channel(
    service: Service, settings: Settings, grpc_channel: OpenChannel, caller: Caller
) -> Channel:
    channel = await grpc_channel(settings.grpc_port, "chat-service")
    client = Client(channel, caller)

    # The keys that verify tokens arrive over the watch, a moment after the start.
    async def ready() -> bool:
        await client.call("ListSessions", chat_pb2.ListSessionsRequest())
        return True

    await eventually(ready, ignoring=(RemoteError,))
    return channel


@pytest.fixture
def client(channel: Channel, caller: Caller) -> Client:
    return Client(channel, caller)


@pytest.fixture
def client_over(caller: Caller) -> Callable[[Channel], Client]:
    """The user over a channel to a service that the test has started itself."""
    return lambda channel: Client(channel, caller)


@pytest_asyncio.fixture
async def client_elsewhere(
    client: Client, settings: Settings, grpc_channel: OpenChannel
) -> AsyncIterator[Client]:
    """The same user at a second replica of the service."""
    service = build(settings.model_copy(update={"grpc_port": (port := free_port())}))
    await service.start()
    elsewhere = client.over(await grpc_channel(port, "chat-service"))

    async def ready() -> bool:
        await elsewhere.call("ListSessions", chat_pb2.ListSessionsRequest())
        return True

    await eventually(ready, ignoring=(RemoteError,))
    yield elsewhere
    await service.stop()


@pytest_asyncio.fixture
async def events(nats_url: str, events_prefix: str) -> AsyncIterator[JetStream]:
    """The same JetStream, as the other services see it."""
    keeps = {**CONSUMES["chat-service"], "tester": user_erased_by("chat-service")}
    stream = JetStream(nats_url, prefix=events_prefix, name="tester", keeps=keeps)
    await stream.start()
    await stream.wait_ready()
    yield stream
    await stream.stop()


@pytest.fixture
def strange_client(channel: Channel, stranger: Caller) -> Client:
    return Client(channel, stranger)
