"""Shares of one user's conversations, at two replicas of the use cases on one database."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.transactions import transactions
from chassis.errors import AppError
from chassis.idempotency import Once, RequestKey
from chat_service.conversations.mapping import decode_id, encode_id
from chat_service.conversations.usecases.delete_message import DeleteMessage
from chat_service.conversations.usecases.ends import EndSessions
from chat_service.runs.domain.run import Run
from chat_service.runs.store.ends import RunEnds
from chat_service.shares.domain.share import NewShare, Share, Shared, ShareKey, Told
from chat_service.shares.store.guesses import Guesses
from chat_service.shares.store.reading import readings
from chat_service.shares.store.shares import end_shares_of, end_shares_that_show
from chat_service.shares.store.sweep import ShareSweep
from chat_service.shares.usecases.open import OpenShares
from chat_service.shares.usecases.read import list_shares
from chat_service.shares.usecases.write import WriteShares
from servicekit.argon2_passwords import Argon2Passwords

# Of the conftest.py above, for which there is no name here.
Chat = Any

MOST = 5


class Log:
    """What was told of, by name."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, **fields: object) -> None:
        self.told.append((event, fields))


@dataclass(frozen=True)
class Sharing:
    """What one user shares, and what readers do with it; `elsewhere` is another replica."""

    chat: Chat
    caller: Caller
    write: WriteShares
    readers: OpenShares
    elsewhere: OpenShares
    ends: EndSessions
    delete_message: DeleteMessage
    log: Log
    #: Accounts that auth-service has said are deleted.
    deleted: set[UUID]

    def copying(self, most_at_once: int) -> "Sharing":
        """The same, whose statements copy so many messages."""
        return replace(
            self,
            write=replace(self.write, most_at_once=most_at_once),
            readers=replace(self.readers, most_at_once=most_at_once),
        )

    async def turn(
        self, session_id: UUID, question: str = "a question", answer: str = "an answer", **end: Any
    ) -> Run:
        accepted = await self.chat.accept(self.caller, session_id, question)
        ending = replace(self.chat.ending, text=answer, **end)
        assert await self.chat.finish(accepted.run, ending)
        run: Run = accepted.run
        return run

    async def session(self, title: str = "a title", turns: int = 1) -> UUID:
        session_id: UUID = (await self.chat.session(self.caller, title=title)).id
        for number in range(turns):
            await self.turn(session_id, f"question {number}", f"answer {number}")
        return session_id

    async def share(self, session_id: UUID | None = None, **told: Any) -> NewShare:
        if session_id is None:
            session_id = await self.session()
        return await self.write.create(self.caller, session_id, Told(**told))

    async def open(
        self,
        token: str,
        *,
        password: str | None = None,
        opening: str | None = None,
        by: Caller | None = None,
        limit: int = 100,
        cursor: str = "",
        ip: str = "192.0.2.1",
        at: OpenShares | None = None,
        look: bool = False,
    ) -> Shared:
        key = ShareKey(token, password, opening, ip, look)
        return await (at or self.readers).open(key, by, limit=limit, cursor=cursor)

    async def fork(
        self, token: str, by: Caller, *, opening: str | None = None, key: str | None = None
    ) -> Any:
        once = None if key is None else Once(RequestKey(key, b"same"), encode_id, decode_id)
        return await self.readers.fork(ShareKey(token, None, opening, "192.0.2.1"), by, once=once)

    async def listed(self, session_id: UUID | None = None) -> list[Share]:
        page = await list_shares(
            self.chat.open_transaction,
            self.caller,
            limit=100,
            cursor="",
            count=False,
            session_id=session_id,
        )
        return list(page.items)

    async def opens(self) -> list[int]:
        return [share.opens for share in await self.listed()]

    async def execute(self, statement: str, **values: Any) -> Any:
        async with self.chat.worker.transaction() as connection:
            return await connection.execute(text(statement), values)

    async def count(self, table: str) -> int:
        return int((await self.execute(f"SELECT count(*) FROM {table}")).scalar_one())

    async def sweep(self) -> None:
        await ShareSweep(self.chat.worker).sweep()


@pytest_asyncio.fixture
async def sharing(chat: Chat, caller: Caller) -> AsyncIterator[Sharing]:
    passwords = Argon2Passwords(memory_kib=8, iterations=1, parallelism=1, workers=1, queue=1000)
    await passwords.start()
    patience: dict[str, Any] = {
        "wait_seconds": 60.0,
        "lock_seconds": 60.0,
        "statement_seconds": 60.0,
    }
    app = Database(chat.urls.app, pool_size=8, application_name="elsewhere", **patience)

    deleted: set[UUID] = set()

    async def contents(
        user_id: UUID, file_id: UUID, begin: int, end: int
    ) -> AsyncGenerator[bytes, None]:
        yield f"{user_id}/{file_id}/{begin}-{end}".encode()

    def at(database: Database) -> OpenShares:
        return OpenShares(
            readings(database),
            transactions(database),
            passwords,
            Guesses(chat.worker),
            contents,
            deleted.__contains__,
        )

    def nothing(*_: object) -> None: ...

    log = Log()
    yield Sharing(
        chat,
        caller,
        WriteShares(
            chat.open_transaction, passwords, ShareSweep(chat.worker), log, MOST, chat.audit
        ),
        at(chat.app),
        at(app),
        EndSessions(
            chat.open_transaction,
            RunEnds(),
            cancel_here=nothing,
            drop=nothing,
            purge=nothing,
            unshare=end_shares_of,
        ),
        DeleteMessage(chat.open_transaction, RunEnds(), drop=nothing, unshare=end_shares_that_show),
        log,
        deleted,
    )
    await app.stop()
    await passwords.stop()


async def refusal(call: Awaitable[object]) -> tuple[str, str]:
    """Why it was refused, and the sentence."""
    with pytest.raises(AppError) as refused:
        await call
    return refused.value.reason, refused.value.detail


@pytest.fixture
def refused() -> Any:
    return refusal
