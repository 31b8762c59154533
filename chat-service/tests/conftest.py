"""A chat database of each test's own with the use cases over it; the whole service on the wire."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from chassis.address_policy import AddressPolicy
from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction, transactions
from chassis.embedded import EmbeddedNats, EmbeddedValkey, free_port
from chassis.grpc.client import Channel
from chassis.jetstream import JetStream
from chassis.service import Service
from chassis.testing import (
    DatabaseUrls,
    ModelServer,
    OpenChannel,
    ServiceDatabase,
    Signer,
    TlsSettings,
)
from chassis.testing.databases import DatabaseFactory
from chassis.testing.plugin import subjects_of_its_own
from chassis.testing.rpc import open_channels
from chat_service.migrations import MIGRATIONS
from chat_service.providers.client import ModelClient
from chat_service.runs.store.turns import Turns
from chat_service.settings import Settings
from chat_service.wiring import build
from parley.events.rights import CONSUMES, user_erased_by

from .chat import Chat
from .client import Client
from .fake_auth import Audit, Preferences, auth_server
from .generations import Generations
from .shared import Running, SetUp, SharedServices, answers, as_usual, is_shared
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


def _of_service(request: pytest.FixtureRequest, name: str) -> Any:
    """What is called so of the service that the test shares, or else of its own."""
    if is_shared(request):
        return getattr(request.getfixturevalue("shared"), name)
    return request.getfixturevalue(f"own_{name}")


@pytest.fixture
def whose(request: pytest.FixtureRequest) -> str:
    """`shared` in tests that share a service, else `own`."""
    return "shared" if is_shared(request) else "own"


@pytest.fixture
def own_signer() -> Signer:
    return Signer()


@pytest.fixture
def signer(request: pytest.FixtureRequest) -> Signer:
    signer: Signer = _of_service(request, "signer")
    return signer


@pytest.fixture
def own_preferences() -> Preferences:
    return Preferences()


@pytest.fixture
def preferences(request: pytest.FixtureRequest) -> Preferences:
    preferences: Preferences = _of_service(request, "preferences")
    return preferences


@pytest.fixture
def own_audit() -> Audit:
    return Audit()


@pytest.fixture
def audit(request: pytest.FixtureRequest) -> Audit:
    audit: Audit = _of_service(request, "audit")
    return audit


@pytest_asyncio.fixture
async def auth_port(
    tls_settings: TlsSettings, signer: Signer, preferences: Preferences, audit: Audit
) -> AsyncIterator[int]:
    server = auth_server(tls_settings, signer, preferences, audit)
    await server.start()
    yield server.port
    await server.stop()


@pytest.fixture
def own_vault(model_server: ModelServer) -> Vault:
    return Vault(model_server.base_url)


@pytest.fixture
def vault(request: pytest.FixtureRequest) -> Vault:
    vault: Vault = _of_service(request, "vault")
    return vault


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


def _settings(
    tls_settings: TlsSettings,
    urls: DatabaseUrls,
    *,
    nats_url: str,
    redis_url: str,
    prefixes: tuple[str, str],
    ports: tuple[int, int],
) -> Settings:
    events_prefix, redis_prefix = prefixes
    auth_port, vault_port = ports
    update = {
        "grpc_port": free_port(),
        "database_url": SecretStr(urls.app),
        "worker_database_url": SecretStr(urls.worker),
        "owner_database_url": SecretStr(urls.owner),
        "nats_url": SecretStr(nats_url),
        "events_prefix": events_prefix,
        "redis_url": SecretStr(redis_url),
        "redis_prefix": redis_prefix,
        "auth_target": f"127.0.0.1:{auth_port}",
        "apikey_target": f"127.0.0.1:{vault_port}",
    }
    return _usual_settings(tls_settings).model_copy(update=update)


@pytest.fixture
def own_settings(
    tls_settings: TlsSettings,
    service_database: ServiceDatabase,
    auth_port: int,
    vault_port: int,
    redis_url: str,
    redis_prefix: str,
    nats_url_of: Callable[[str], str],
    events_prefix: str,
    set_up: SetUp,
    tmp_path: Path,
) -> Settings:
    settings = _settings(
        tls_settings,
        service_database("chat", MIGRATIONS),
        nats_url=nats_url_of("chat-service"),
        redis_url=redis_url,
        prefixes=(events_prefix, redis_prefix),
        ports=(auth_port, vault_port),
    )
    return set_up(settings, tmp_path)


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> Settings:
    settings: Settings = _of_service(request, "settings")
    return settings


@pytest_asyncio.fixture
async def own_service(settings: Settings) -> AsyncIterator[Service]:
    service = build(settings)
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Service:
    service: Service = _of_service(request, "service")
    return service


@pytest_asyncio.fixture
async def own_channel(
    service: Service, settings: Settings, grpc_channel: OpenChannel, caller: Caller
) -> Channel:
    channel = await grpc_channel(settings.grpc_port, "chat-service")
    await answers(Client(channel, caller))
    return channel


@pytest.fixture
def channel(request: pytest.FixtureRequest) -> Channel:
    channel: Channel = _of_service(request, "channel")
    return channel


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_services(
    tls_settings: TlsSettings,
    certificates: Path,
    database_factory: DatabaseFactory,
    embedded_redis: EmbeddedValkey,
    embedded_nats: EmbeddedNats,
    model_server: ModelServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[SharedServices]:
    @asynccontextmanager
    async def run(set_up: SetUp) -> AsyncIterator[Running]:
        signer, vault = Signer(), Vault(model_server.base_url)
        preferences, audit = Preferences(), Audit()
        auth = auth_server(tls_settings, signer, preferences, audit)
        apikey = vault_server(tls_settings, signer, vault)
        async with AsyncExitStack() as stack:
            urls = stack.enter_context(database_factory.session())("chat", MIGRATIONS)
            name = stack.enter_context(subjects_of_its_own(embedded_nats))
            for server in (auth, apikey):
                await server.start()
                stack.push_async_callback(server.stop)
            settings = _settings(
                tls_settings,
                urls,
                nats_url=embedded_nats.url_of("chat-service"),
                redis_url=embedded_redis.url,
                prefixes=(name, name),
                ports=(auth.port, apikey.port),
            )
            settings = set_up(settings, tmp_path_factory.mktemp("shared"))

            open_channel = await stack.enter_async_context(open_channels(certificates))

            async def start(settings: Settings) -> tuple[Service, Channel]:
                service = build(settings)
                await service.start()
                stack.push_async_callback(service.stop)
                channel = await open_channel(settings.grpc_port, "chat-service")
                await answers(Client(channel, signer.caller()))
                return service, channel

            async def open_second() -> Channel:
                _, channel = await start(settings.model_copy(update={"grpc_port": free_port()}))
                return channel

            service, channel = await start(settings)
            yield Running(
                *(urls, settings, service, channel, signer, vault, preferences, audit),
                open_second=open_second,
            )

    services = SharedServices(database_factory, run)
    yield services
    await services.stop()


@pytest.fixture
def set_up() -> SetUp:
    """What a test module's service is set up with."""
    return as_usual


@pytest_asyncio.fixture(loop_scope="session")
async def shared(shared_services: SharedServices, set_up: SetUp) -> AsyncIterator[Running]:
    """The service that this test shares with others."""
    async with shared_services.lent(set_up) as service:
        yield service


@pytest.fixture
def client(channel: Channel, caller: Caller) -> Client:
    return Client(channel, caller)


@pytest.fixture
def client_over(caller: Caller) -> Callable[[Channel], Client]:
    """The user over a channel to a service that the test has started itself."""
    return lambda channel: Client(channel, caller)


@pytest.fixture
def client_elsewhere(request: pytest.FixtureRequest, client: Client, whose: str) -> Client:
    """The same user at a second replica of the service."""
    return client.over(request.getfixturevalue(f"{whose}_second_channel"))


@pytest_asyncio.fixture(loop_scope="session")
async def shared_second_channel(shared: Running) -> Channel:
    return await shared.second()


@pytest_asyncio.fixture
async def own_second_channel(
    client: Client, settings: Settings, grpc_channel: OpenChannel
) -> AsyncIterator[Channel]:
    service = build(settings.model_copy(update={"grpc_port": (port := free_port())}))
    await service.start()
    channel = await grpc_channel(port, "chat-service")
    await answers(client.over(channel))
    yield channel
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
