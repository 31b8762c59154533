"""The fixtures. Servers start when a test first asks, once in each pytest process.

With xdist each worker is a process of its own and has servers of its own. They are stopped at
the end of the session, and die with the process if it is killed.
"""

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
import uvloop

from chassis.embedded import EmbeddedNats, EmbeddedPostgres, EmbeddedServer, EmbeddedValkey
from chassis.embedded.nats import ALONE
from chassis.ids import new_id
from chassis.nats_accounts import Accounts
from chassis.telemetry.logging import configure_logging
from chassis.testing.databases import DatabaseFactory, ServiceDatabase
from chassis.testing.model_server import ModelServer, running_model_server
from chassis.testing.rpc import NAMES, OpenChannel, TlsSettings, open_channels, tls_files
from chassis.testing.signer import Signer
from chassis.tls import issue

# A file system in memory. Servers of tests make and remove thousands of small files a minute, and
# NATS waits for each to be on the disk: on a disk that took a third of the time of their tests.
_MEMORY = Path("/dev/shm")
# Bytes. What all tests hold at once takes half of it.
_LEAST_MEMORY = 4 << 30


def pytest_configure() -> None:
    """Tests log as production does: an unconfigured structlog shows the locals of tracebacks."""
    configure_logging("tests", "info")
    if _is_roomy(_MEMORY):
        # pytest's own variable, of all temporary directories; one that is set already holds.
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def _is_roomy(directory: Path) -> bool:
    """Whether temporary directories can be there: in containers it is often small, and of data alone."""
    try:
        room = os.statvfs(directory)
    except FileNotFoundError:
        return False
    return (
        os.access(directory, os.W_OK)
        and room.f_bavail * room.f_frsize >= _LEAST_MEMORY
        and not room.f_flag & os.ST_NOEXEC
    )


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on the event loop that services run on."""
    return {"uvloop": uvloop.new_event_loop}


Server = TypeVar("Server", bound=EmbeddedServer)


def _run(server: Server) -> Iterator[Server]:
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.directory)


#: ``await start_process(sys.executable, "-m", "notes_service", env={…})``, its pipes ours to read.
StartProcess = Callable[..., Coroutine[Any, Any, asyncio.subprocess.Process]]


@pytest_asyncio.fixture
async def start_process() -> AsyncIterator[StartProcess]:
    """Starts programs; one that still runs behind its test is killed, whatever the test met."""
    async with start_processes() as start:
        yield start


@asynccontextmanager
async def start_processes() -> AsyncIterator[StartProcess]:
    """Starts programs; one that still runs behind the block is killed.

    Else the event loop would wait for it, and so would everybody who waits for the tests.
    """
    started: list[asyncio.subprocess.Process] = []

    async def start(*command: str, env: Mapping[str, str]) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, env=env, stdout=pipe, stderr=pipe)
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.fixture(scope="session")
def embedded_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL without fsync: a killed one keeps its data, a machine without power may not."""
    yield from _run(EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), fast=True))


@pytest.fixture(scope="session")
def embedded_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    yield from _run(EmbeddedValkey(tmp_path_factory.mktemp("valkey")))


@pytest.fixture(scope="session")
def nats_accounts() -> Accounts:
    """Who has a user on the NATS of tests; for a conftest.py to say."""
    return ALONE


@pytest.fixture(scope="session")
def embedded_nats(
    tmp_path_factory: pytest.TempPathFactory, nats_accounts: Accounts
) -> Iterator[EmbeddedNats]:
    yield from _run(EmbeddedNats(tmp_path_factory.mktemp("nats"), accounts=nats_accounts))


@pytest.fixture(scope="session")
def database_factory(embedded_postgres: EmbeddedPostgres) -> Iterator[DatabaseFactory]:
    # SQLAlchemy: a run that touches no database need not load it.
    from chassis.testing.parking import Parking

    parking = Parking()
    factory = DatabaseFactory(embedded_postgres, parking)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chassis.db.engine.connect_whole", parking.connect)
        yield factory
    factory.close()
    parking.close()


@pytest.fixture
def service_database(database_factory: DatabaseFactory) -> Iterator[ServiceDatabase]:
    """``service_database("notes", migrations)``: a migrated database of this test's own."""
    with database_factory.session() as make:
        yield make


@pytest.fixture
def redis_url(embedded_redis: EmbeddedValkey) -> str:
    return embedded_redis.url


@pytest.fixture
def redis_prefix(embedded_redis: EmbeddedValkey) -> Iterator[str]:
    """What this test's keys begin with; those that are left are deleted after it."""
    import redis

    prefix = f"test-{new_id().hex}"
    yield prefix
    if embedded_redis.running:
        with redis.Redis.from_url(embedded_redis.url) as client:
            for key in client.scan_iter(match=f"*{prefix}*", count=1000):
                client.unlink(key)


@pytest.fixture
def nats_url(embedded_nats: EmbeddedNats) -> str:
    """The operator's, who may do everything with streams."""
    return embedded_nats.url


@pytest.fixture
def nats_url_of(embedded_nats: EmbeddedNats) -> Callable[[str], str]:
    """``nats_url_of("notes-service")``: the URL by which that service comes in production."""
    return embedded_nats.url_of


@pytest.fixture
def events_prefix(embedded_nats: EmbeddedNats) -> Iterator[str]:
    """First token of this test's subjects; streams that hold any are deleted after it."""
    with subjects_of_its_own(embedded_nats) as prefix:
        yield prefix


@contextmanager
def subjects_of_its_own(embedded_nats: EmbeddedNats) -> Iterator[str]:
    """First token of subjects; streams that hold any are deleted behind the block."""
    prefix = f"test-{new_id().hex}"
    yield prefix
    if embedded_nats.running:
        _run_aside(_delete_streams(embedded_nats.url, prefix))


async def _delete_streams(url: str, prefix: str) -> None:
    import nats

    client = await nats.connect(url, allow_reconnect=False)
    try:
        jetstream = client.jetstream()
        for stream in await jetstream.streams_info():
            if any(subject.startswith(f"{prefix}.") for subject in stream.config.subjects or ()):
                assert stream.config.name is not None
                await jetstream.delete_stream(stream.config.name)
    finally:
        await client.close()


def _run_aside(work: Coroutine[Any, Any, None]) -> None:
    # In a thread: the event loop of this one is pytest-asyncio's.
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``ca.pem`` and ``NAME.pem``, ``NAME.key`` of every service and ``tester``."""
    directory = tmp_path_factory.mktemp("certificates")
    issue(directory, NAMES)
    return directory


@pytest.fixture(scope="session")
def tls_settings(certificates: Path) -> TlsSettings:
    """``Settings(**tls_settings("notes-service"), …)``."""
    return lambda name: tls_files(certificates, name)


@pytest.fixture
def signer() -> Signer:
    """Makes access tokens that processes which trust ``signer.trust`` accept."""
    return Signer()


@pytest_asyncio.fixture
async def grpc_channel(certificates: Path) -> AsyncIterator[OpenChannel]:
    """Opens channels to a loopback port; they are closed after the test."""
    async with open_channels(certificates) as make:
        yield make


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    """The scripted model server, one for the session: compare its counters, do not expect 0."""
    with running_model_server() as running:
        yield running
