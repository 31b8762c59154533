"""The port `Transaction` over PostgreSQL.

No query says whose rows it wants: row-level security does, from the settings of the transaction.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Uuid,
    any_,
    bindparam,
    func,
    insert,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database, Scope
from chassis.db.idempotency import find_repeated
from chassis.db.owners import lock_owner
from chassis.db.statement import Statement
from chassis.idempotency import Once, RequestKey
from chassis.paging import Position
from chat_service.domain.message import Message
from chat_service.domain.prompt import PromptMessage, Window
from chat_service.domain.run import Run
from chat_service.domain.session import Session
from chat_service.store import statements, turns
from chat_service.store.rows import to_message, to_run, to_session
from chat_service.store.tables import messages, runs, sessions
from chat_service.usecases.ports import Admission, NewRun, OpenTransaction, Owned

# Order numbers are integers of 32 bits, and the highest is never given out.
HIGHEST_ORDER = 2**31 - 1

_SIZE = bindparam("size", type_=Integer)

_INSERT_SESSION = Statement(
    insert(sessions),
    columns=[
        "id",
        "tenant_id",
        "user_id",
        "title",
        "key_id",
        "model",
        "created_at",
        "updated_at",
    ],
)
_THIS_SESSION = select(sessions).where(sessions.c.id == bindparam("session_id"))
_SESSION = Statement(_THIS_SESSION)
_LOCK_SESSION = Statement(_THIS_SESSION.with_for_update())
# The user is named although row-level security says so too: the index begins with it.
_OWN_SESSIONS = sessions.c.user_id == bindparam("user_id")
_BY_ACTIVITY = (
    select(sessions)
    .where(_OWN_SESSIONS)
    .order_by(sessions.c.active_at.desc(), sessions.c.id.desc())
    .limit(_SIZE)
)
_SESSIONS = Statement(_BY_ACTIVITY)
_SESSIONS_BEHIND = Statement(
    _BY_ACTIVITY.where(
        tuple_(sessions.c.active_at, sessions.c.id)
        < tuple_(
            bindparam("at", type_=DateTime(timezone=True)),
            bindparam("id", type_=Uuid),
        )
    )
)
_COUNT_SESSIONS = Statement(
    select(func.count().label("total")).select_from(sessions).where(_OWN_SESSIONS)
)

_OF_SESSION = messages.c.session_id == bindparam("session_id")

_COUNT_MESSAGES = Statement(
    select(func.count().label("total")).select_from(messages).where(_OF_SESSION)
)
_MESSAGES = Statement(
    select(messages).where(messages.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
)
_RUN = Statement(select(runs).where(runs.c.id == bindparam("run_id")))


class PostgresTransaction:
    """One open transaction of one user."""

    def __init__(self, connection: AsyncConnection, scope: Scope) -> None:
        self._connection = connection
        self._scope = scope

    def lock_owner(self) -> None:
        lock_owner(self._connection, self._scope)

    async def find_repeated(self, once: Once[Session], session: Session) -> Session | None:
        return await find_repeated(self._connection, self._scope, once, session)

    async def insert_session(self, session: Session) -> None:
        await _INSERT_SESSION.run(
            self._connection,
            id=session.id,
            tenant_id=self._scope.tenant_id,
            user_id=self._scope.user_id,
            title=session.title,
            key_id=session.key_id,
            model=session.model,
            created_at=session.created_at,
            updated_at=session.updated_at,
        )

    async def find_session(self, session_id: UUID) -> Session | None:
        row = await _SESSION.first(self._connection, session_id=session_id)
        return None if row is None else to_session(row)

    async def lock_session(self, session_id: UUID) -> Session | None:
        row = await _LOCK_SESSION.first(self._connection, session_id=session_id)
        return None if row is None else to_session(row)

    async def list_sessions(self, limit: int, after: Position | None) -> list[Session]:
        user_id = self._scope.user_id
        if after is None:
            rows = await _SESSIONS.all(self._connection, user_id=user_id, size=limit)
        else:
            rows = await _SESSIONS_BEHIND.all(
                self._connection, user_id=user_id, size=limit, at=after.at, id=after.id
            )
        return [to_session(row) for row in rows]

    async def count_sessions(self) -> int:
        row = await _COUNT_SESSIONS.first(self._connection, user_id=self._scope.user_id)
        assert row is not None
        return int(row.total)

    async def list_messages(
        self, session_id: UUID, limit: int, most_bytes: int, after: int | None, *, descending: bool
    ) -> tuple[list[Message], bool]:
        statement = statements.MESSAGES_DOWN if descending else statements.MESSAGES_UP
        if after is None:
            after = HIGHEST_ORDER if descending else 0
        rows = await statement.all(
            self._connection,
            session_id=session_id,
            size=limit + 1,
            after=after,
            most_bytes=most_bytes,
        )
        shown = [to_message(row) for row in rows[:limit]]
        return shown, bool(rows) and rows[0].found > len(shown)

    async def count_messages(self, session_id: UUID) -> int:
        row = await _COUNT_MESSAGES.first(self._connection, session_id=session_id)
        assert row is not None
        return int(row.total)

    async def find_messages(self, message_ids: Sequence[UUID]) -> list[Message]:
        rows = await _MESSAGES.all(self._connection, ids=list(message_ids))
        return [to_message(row) for row in rows]

    async def find_run(self, run_id: UUID) -> Run | None:
        row = await _RUN.first(self._connection, run_id=run_id)
        return None if row is None else to_run(row)

    async def find_newest_run(self, session_id: UUID) -> Run | None:
        row = await statements.NEWEST_RUN.first(self._connection, session_id=session_id)
        return None if row is None else to_run(row)

    async def find_run_of(self, request: RequestKey) -> Run | None:
        return await turns.find_run_of(self._connection, self._scope.user_id, request)

    async def request_cancel(self, run_id: UUID) -> bool:
        return await statements.REQUEST_CANCEL.run(self._connection, run_id=run_id) == 1

    async def read_window(
        self, session_id: UUID, before: int, window: Window
    ) -> tuple[PromptMessage, ...]:
        return await turns.read_window(self._connection, session_id, before, window)

    async def admit_continuation(
        self, run: Run, request: RequestKey | None, runs_per_user: int
    ) -> None:
        await turns.admit_continuation(self._connection, run, request, runs_per_user)

    async def admit_run(self, new: NewRun, window: Window, runs_per_user: int) -> Admission:
        return await turns.admit_run(self._connection, new, window, runs_per_user)


def transactions(database: Database) -> OpenTransaction:
    """Opens a user's transactions on `database`, which is connected as the app role."""

    @asynccontextmanager
    async def open_transaction(whose: Owned) -> AsyncIterator[PostgresTransaction]:
        scope = Scope(tenant_id=whose.tenant_id, user_id=whose.user_id)
        async with database.transaction(scope) as connection:
            yield PostgresTransaction(connection, scope)

    return open_transaction
