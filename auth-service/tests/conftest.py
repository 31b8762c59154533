"""The service as it is wired in production, and the gateway's channel to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from psycopg import sql

from auth_service.delivery.job_queue import JobQueue
from auth_service.migrations import MIGRATIONS
from auth_service.settings import Settings
from auth_service.wiring import build
from chassis.embedded import EmbeddedNats
from chassis.embedded.ports import free_port
from chassis.grpc.client import Channel
from chassis.jetstream import JetStream
from chassis.service import Service
from chassis.testing import (
    DatabaseUrls,
    OpenChannel,
    ServiceDatabase,
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
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub
from parley.events.rights import USER_DELETED

__all__ = ["database", "grpc_channel", "lent", "running", "start_process"]

#: ``await serve(erasure_sweep_seconds=1)``: a replica of the service, and its port.
Serve = Callable[..., Awaitable[tuple[Service, int]]]
#: ``await register("ada")``: a new user, logged in.
Register = Callable[[str], Awaitable[auth_pb2.Grant]]

#: ``await appoint("ada", "operator")``: a new user with a role, perhaps in another tenant.
Appoint = Callable[..., Awaitable[auth_pb2.Grant]]


@pytest.fixture(scope="session")
def private_key() -> Ed25519PrivateKey:
    """The key that signs access tokens."""
    return Ed25519PrivateKey.generate()


@pytest.fixture(scope="session")
def signing_key_file(
    private_key: Ed25519PrivateKey, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("keys") / "signing.pem"
    path.write_bytes(private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@dataclass(frozen=True)
class Running:
    """The service, with its database and the gateway's channel to it."""

    port: int
    database: DatabaseUrls
    channel: Channel
    codes: JobQueue

    async def settle(self) -> None:
        """A code is sent, and that recorded, behind the answer to who asked for it."""
        await self.codes.drain()


def _running(service: Service, port: int, database: DatabaseUrls, channel: Channel) -> Running:
    (codes,) = (one for one in service.components if isinstance(one, JobQueue))
    return Running(port, database, channel, codes)


pytest_pycollect_makeitem = on_one_loop


@pytest.fixture(scope="session")
def settings_of(
    tls_settings: TlsSettings, embedded_nats: EmbeddedNats, signing_key_file: Path
) -> Callable[[DatabaseUrls, str], Settings]:
    """Of a service with that database, whose events have that prefix."""
    return lambda database, events_prefix: Settings(
        **tls_settings("auth-service"),
        database_url=database.app,
        worker_database_url=database.worker,
        owner_database_url=database.owner,
        nats_url=embedded_nats.url_of("auth-service"),
        events_prefix=events_prefix,
        signing_key_file=signing_key_file,
        # As cheap as argon2 goes: what is tested is not how long it takes.
        password_memory_kib=8,
        password_iterations=1,
        # Nor whether anybody can time what is sent.
        code_delay_seconds=0,
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(
    database_factory: DatabaseFactory,
    embedded_nats: EmbeddedNats,
    settings_of: Callable[[DatabaseUrls, str], Settings],
    certificates: Path,
) -> AsyncIterator[SharedService[Running]]:
    @asynccontextmanager
    async def run() -> AsyncIterator[Running]:
        with database_factory.session() as make, subjects_of_its_own(embedded_nats) as prefix:
            database, port = make("auth", MIGRATIONS), free_port()
            service = build(settings_of(database, prefix).model_copy(update={"grpc_port": port}))
            await service.start()
            try:
                async with open_channels(certificates) as open_channel:
                    channel = await open_channel(port, "auth-service")
                    yield _running(service, port, database, channel)
            finally:
                await service.stop()

    service = SharedService(database_factory, run)
    yield service
    await service.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def own(serve: Serve, grpc_channel: OpenChannel, database: DatabaseUrls) -> Running:
    service, port = await serve()
    return _running(service, port, database, await grpc_channel(port, "auth-service"))


@pytest.fixture
def shares(request: pytest.FixtureRequest) -> bool:
    """Who serves replicas has services of its own."""
    return shares_a_service(request, "serve")


@pytest.fixture
def auth_port(running: Running) -> int:
    return running.port


@pytest.fixture
def auth(running: Running) -> Channel:
    """The gateway's channel to the running service."""
    return running.channel


@pytest.fixture
def own_database(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("auth", MIGRATIONS)


@pytest.fixture
def settings(
    database: DatabaseUrls,
    events_prefix: str,
    settings_of: Callable[[DatabaseUrls, str], Settings],
) -> Settings:
    return settings_of(database, events_prefix)


@pytest_asyncio.fixture(loop_scope="session")
async def serve(settings: Settings) -> AsyncIterator[Serve]:
    """Starts replicas on the test's database; they are stopped after it."""
    started: list[Service] = []

    async def start(**changes: object) -> tuple[Service, int]:
        port = free_port()
        service = build(settings.model_copy(update={**changes, "grpc_port": port}))
        started.append(service)
        await service.start()
        return service, port

    yield start
    for service in started:
        await service.stop()


@pytest.fixture
def register(auth: Channel) -> Register:
    async def new_user(username: str) -> auth_pb2.Grant:
        request = auth_pb2.RegisterRequest(
            username=username,
            email=f"{username}@example.org",
            password="correct horse",
            client=auth_pb2.Client(ip="192.0.2.7", user_agent="a browser of the tests"),
        )
        stub = auth.stub(AuthServiceStub)
        return (await auth.unary(stub.Register, request, timeout=30)).grant

    return new_user


class Mailbox:
    """What the console has said, which is where codes go unless there is mail."""

    def __init__(self, capsys: pytest.CaptureFixture[str], database: DatabaseUrls) -> None:
        self._capsys = capsys
        self._database = database
        self.lines: list[dict[str, str]] = []

    def read(self) -> Sequence[dict[str, str]]:
        """Every log line so far."""
        output = self._capsys.readouterr().out
        self.lines += [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        return self.lines

    def codes(self, to: str) -> list[str]:
        """The codes that were sent to that address, the newest last."""
        return [
            line["code"]
            for line in self.read()
            if line["event"] == "code.on_console" and line["to"] == to
        ]

    async def code(self, to: str, *, count: int = 1) -> str:
        """The newest code to that address, once there are ``count`` of them."""

        def come() -> str | None:
            codes = self.codes(to)
            return codes[-1] if len(codes) >= count else None

        code = await eventually(come)
        assert code is not None
        # It is said within a transaction. Whoever then waits in here for that one's locks keeps
        # it from its end: half a minute, until the server ends it.
        await eventually(lambda: asyncio.to_thread(self._is_at_rest))
        return code

    def _is_at_rest(self) -> bool:
        with psycopg.connect(self._database.admin) as admin:
            busy = admin.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
            )
            return busy.fetchone() is None


@pytest.fixture
def mailbox(capsys: pytest.CaptureFixture[str], database: DatabaseUrls) -> Mailbox:
    return Mailbox(capsys, database)


@pytest.fixture
def appoint(auth: Channel, register: Register, database: DatabaseUrls) -> Appoint:
    """Makes admins: past the service, as the command ``make-operator`` does for the first one."""

    async def make(username: str, role: str, tenant: str | None = None) -> auth_pb2.Grant:
        user = (await register(username)).user
        with psycopg.connect(database.admin) as admin:
            admin.execute("UPDATE users SET role = %s WHERE id = %s", (role, user.id))
            if tenant is not None:
                for table in ("users", "logins"):
                    column = sql.Identifier("id" if table == "users" else "user_id")
                    admin.execute(
                        sql.SQL("UPDATE {} SET tenant_id = %s WHERE {} = %s").format(
                            sql.Identifier(table), column
                        ),
                        (tenant, user.id),
                    )
        request = auth_pb2.LogInRequest(username=username, password="correct horse")
        return (await auth.unary(auth.stub(AuthServiceStub).LogIn, request, timeout=30)).grant

    return make


@pytest_asyncio.fixture(loop_scope="session")
async def events(nats_url: str, events_prefix: str) -> AsyncIterator[JetStream]:
    """The same JetStream, as the other services see it."""
    keeps = {"tester-user-deleted": USER_DELETED}
    stream = JetStream(nats_url, prefix=events_prefix, name="tester", keeps=keeps)
    await stream.start()
    await stream.wait_ready()
    yield stream
    await stream.stop()
