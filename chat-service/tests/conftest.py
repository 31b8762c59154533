"""A chat database of each test's own, and the use cases over it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, ServiceDatabase, Signer, eventually
from chat_service.domain.connection import Connection
from chat_service.domain.message import Message
from chat_service.domain.prompt import Window
from chat_service.domain.run import Ending, Run, RunStatus, Usage
from chat_service.domain.session import Session
from chat_service.store.erasure import erasures
from chat_service.store.transaction import transactions
from chat_service.usecases.accept_run import AcceptedRun, Question, accept_run
from chat_service.usecases.finish_run import finish_run
from chat_service.usecases.messages import list_messages
from chat_service.usecases.ports import OpenErasure, OpenTransaction
from chat_service.usecases.sessions import create_session, get_session
from chat_service.wiring import MIGRATIONS

CONNECTION = Connection(
    key_id=new_id(),
    name="mine",
    api_key="sk-secret",
    model="model-of-the-connection",
    base_url="https://example.com/v1",
    provider="openai",
)
ENDING = Ending(
    status=RunStatus.COMPLETED,
    reason=None,
    finish_reason="stop",
    text="an answer",
    reasoning="",
    usage=Usage(prompt_tokens=3, completion_tokens=2),
    last_seq=5,
)
WINDOW = Window(messages=20, characters=1000)


@dataclass(frozen=True)
class Chat:
    """The use cases of one database, with everything that a test does not care about filled in."""

    urls: DatabaseUrls
    app: Database
    worker: Database
    open_transaction: OpenTransaction
    open_erasure: OpenErasure
    connection: Connection = CONNECTION
    ending: Ending = ENDING

    async def resolve_key(self, key_id: UUID | None) -> Connection:
        return self.connection

    async def session(
        self,
        caller: Caller,
        title: str = "",
        key_id: UUID | None = None,
        model: str | None = None,
    ) -> Session:
        return await create_session(
            self.open_transaction,
            self.resolve_key,
            caller,
            title=title,
            key_id=key_id,
            model=model,
        )

    async def accept(
        self,
        caller: Caller,
        session_id: UUID | None,
        content: str = "a question",
        *,
        key_id: UUID | None = None,
        model: str | None = None,
        window: Window = WINDOW,
        guessed_key_id: UUID | None = None,
    ) -> AcceptedRun:
        return await accept_run(
            self.open_transaction,
            caller,
            Question(session_id, content, key_id, model, temperature=0.7, max_tokens=100),
            self.connection,
            owner="replica-1",
            window=window,
            guessed_key_id=guessed_key_id,
        )

    async def finish(self, run: Run, ending: Ending = ENDING) -> bool:
        return await finish_run(self.open_transaction, run, ending)

    async def turn(self, caller: Caller, session_id: UUID, content: str = "a question") -> Run:
        accepted = await self.accept(caller, session_id, content)
        assert await self.finish(accepted.run)
        return accepted.run

    async def messages(self, caller: Caller, session_id: UUID) -> list[Message]:
        page = await list_messages(
            self.open_transaction,
            caller,
            session_id,
            limit=100,
            cursor="",
            count=False,
            descending=False,
        )
        return list(page.items)

    async def read_session(self, caller: Caller, session_id: UUID) -> Session:
        return await get_session(self.open_transaction, caller, session_id)

    @asynccontextmanager
    async def holding(self, session_id: UUID) -> AsyncIterator[None]:
        """Keeps a session's row locked for the block."""
        query = text("SELECT id FROM sessions WHERE id = :id FOR UPDATE")
        async with self.worker.transaction() as connection:
            assert (await connection.execute(query, {"id": session_id})).all()
            yield

    async def somebody_waits(self) -> None:
        """Returns once a transaction waits for another's lock."""
        query = text(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )

        async def waiting() -> bool:
            async with self.worker.transaction() as connection:
                return bool(await connection.scalar(query))

        await eventually(waiting)


@pytest_asyncio.fixture
async def chat(service_database: ServiceDatabase) -> AsyncIterator[Chat]:
    urls = service_database("chat", MIGRATIONS)
    app = Database(urls.app, pool_size=8, application_name="test")
    worker = Database(urls.worker, pool_size=2, application_name="test worker")
    await app.start()
    await worker.start()
    yield Chat(urls, app, worker, transactions(app), erasures(worker, "test.{}".format))
    await worker.stop()
    await app.stop()


@pytest.fixture
def caller(signer: Signer) -> Caller:
    return signer.caller()


@pytest.fixture
def stranger(signer: Signer, caller: Caller) -> Caller:
    """Somebody else of the same tenant."""
    return signer.caller(tenant_id=caller.tenant_id)
