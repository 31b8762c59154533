"""The service as it is wired in production, beside an auth-service of the tests' own."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chassis.embedded import EmbeddedNats
from chassis.embedded.ports import free_port
from chassis.errors import RemoteError
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
from notes_service.migrations import MIGRATIONS
from notes_service.settings import Settings
from notes_service.wiring import build
from parley.events.rights import CONSUMES, user_erased_by
from parley.notes.v1 import notes_pb2, notes_pb2_grpc
from servicekit.testing import auth_service

__all__ = ["database", "grpc_channel", "lent", "running", "start_process"]


@dataclass(frozen=True)
class Running:
    """The service, with its database and the gateway's channel to it."""

    port: int
    database: DatabaseUrls
    channel: Channel

    async def settle(self) -> None:
        """What it writes behind its answers is of rows that are there, and makes none."""


pytest_pycollect_makeitem = on_one_loop


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def auth_port(tls_settings: TlsSettings, signer: Signer) -> AsyncIterator[int]:
    async with auth_service(tls_settings, signer, for_service="notes-service") as port:
        yield port


@pytest.fixture(scope="session")
def settings_of(
    tls_settings: TlsSettings, embedded_nats: EmbeddedNats, auth_port: int
) -> Callable[[DatabaseUrls, str], Settings]:
    """Of a service with that database, whose events have that prefix."""
    return lambda database, events_prefix: Settings(
        **tls_settings("notes-service"),
        grpc_port=free_port(),
        database_url=database.app,
        worker_database_url=database.worker,
        owner_database_url=database.owner,
        nats_url=embedded_nats.url_of("notes-service"),
        events_prefix=events_prefix,
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
            channel = await open_channel(settings.grpc_port, "notes-service", as_name="gateway")
            method = channel.stub(notes_pb2_grpc.NotesServiceStub).ListNotes
            token = signer.token()

            async def answers() -> bool:
                await channel.unary(method, notes_pb2.ListNotesRequest(), timeout=30, token=token)
                return True

            # Until auth-service's key has arrived no token can be verified.
            await eventually(answers, ignoring=(RemoteError,))
            yield Running(settings.grpc_port, database, channel)
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
            database = make("notes", MIGRATIONS)
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
def shares(request: pytest.FixtureRequest) -> bool:
    return shares_a_service(request)


@pytest.fixture
def notes(running: Running) -> Channel:
    """The gateway's channel to the running service."""
    return running.channel


@pytest.fixture
def port(running: Running) -> int:
    return running.port


@pytest.fixture
def own_database(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("notes", MIGRATIONS)


@pytest.fixture
def settings(
    database: DatabaseUrls,
    events_prefix: str,
    settings_of: Callable[[DatabaseUrls, str], Settings],
) -> Settings:
    return settings_of(database, events_prefix)


@dataclass(frozen=True)
class User:
    """A user, as the gateway speaks for them."""

    channel: Channel
    token: str

    async def create(
        self, title: str = "A title", content: str = "A text", **more: Any
    ) -> notes_pb2.Note:
        request = notes_pb2.CreateNoteRequest(title=title, content=content, **more)
        answer: notes_pb2.CreateNoteResponse = await self._call("CreateNote", request)
        return answer.note

    async def get(self, note_id: str) -> notes_pb2.Note:
        answer: notes_pb2.GetNoteResponse = await self._call(
            "GetNote", notes_pb2.GetNoteRequest(id=note_id)
        )
        return answer.note

    async def list(
        self, limit: int = 0, cursor: str = "", *, count: bool = False, **more: Any
    ) -> notes_pb2.ListNotesResponse:
        request = notes_pb2.ListNotesRequest(limit=limit, cursor=cursor, count=count, **more)
        answer: notes_pb2.ListNotesResponse = await self._call("ListNotes", request)
        return answer

    async def search(self, q: str, **more: Any) -> Sequence[str]:
        """Titles of all notes that have it, page by page."""
        titles = []
        cursor = ""
        while True:
            page = await self.list(cursor=cursor, q=q, **more)
            assert len(page.matches) == len(page.items)
            titles += [note.title for note in page.items]
            cursor = page.next_cursor
            if not cursor:
                return titles

    async def update(
        self, note_id: str, versions: Sequence[int] | None = None, **changes: Any
    ) -> notes_pb2.UpdateNoteResponse:
        """``versions``: those that it may have."""
        request = notes_pb2.UpdateNoteRequest(
            id=note_id, precondition=_precondition(versions), **changes
        )
        answer: notes_pb2.UpdateNoteResponse = await self._call("UpdateNote", request)
        return answer

    async def delete(
        self, note_id: str, versions: Sequence[int] | None = None
    ) -> notes_pb2.DeleteNoteResponse:
        request = notes_pb2.DeleteNoteRequest(id=note_id, precondition=_precondition(versions))
        answer: notes_pb2.DeleteNoteResponse = await self._call("DeleteNote", request)
        return answer

    async def _call(self, method: str, request: Any) -> Any:
        stub = self.channel.stub(notes_pb2_grpc.NotesServiceStub)
        return await self.channel.unary(
            getattr(stub, method), request, timeout=20, token=self.token
        )


def _precondition(versions: Sequence[int] | None) -> notes_pb2.Precondition | None:
    return None if versions is None else notes_pb2.Precondition(versions=versions)


@pytest.fixture
def user_of() -> type[User]:
    return User


@pytest.fixture
def new_user(notes: Channel, signer: Signer) -> Callable[[], User]:
    return lambda: User(notes, signer.token())


@pytest.fixture
def alice(new_user: Callable[[], User]) -> User:
    return new_user()


@pytest.fixture
def bob(new_user: Callable[[], User]) -> User:
    return new_user()


@pytest_asyncio.fixture(loop_scope="session")
async def events(nats_url: str, events_prefix: str) -> AsyncIterator[JetStream]:
    """The same JetStream, as the other services see it."""
    keeps = {**CONSUMES["notes-service"], "tester": user_erased_by("notes-service")}
    stream = JetStream(nats_url, prefix=events_prefix, name="tester", keeps=keeps)
    await stream.start()
    await stream.wait_ready()
    yield stream
    await stream.stop()
