"""Conversations in PostgreSQL.

Each query names its user, although row-level security does so beneath: a query that forgot it
would leak nothing, and the indexes begin with it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Uuid,
    bindparam,
    func,
    insert,
    not_,
    select,
    text,
    tuple_,
    update,
)

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chassis.paging import Position
from chat_service.conversations.domain.session import Session
from chat_service.conversations.store.rows import to_session
from chat_service.tables import sessions

_INSERT = Statement(
    insert(sessions),
    columns=[
        *("id", "tenant_id", "user_id", "title", "key_id", "model", "created_at", "updated_at"),
        "leaf_order",
    ],
)
# What a conversation is set to goes along; that it is pinned does not.
_INSERT_FORK = Statement(
    text("""
INSERT INTO sessions (
    id, tenant_id, user_id, title, key_id, model, last_order, leaf_order, message_count,
    last_message_at, created_at, updated_at)
SELECT :id, tenant_id, user_id, title, key_id, model, :messages, :messages, :messages,
       CASE WHEN CAST(:messages AS integer) > 0 THEN CAST(:at AS timestamptz) END, :at, :at
FROM sessions WHERE id = :session_id AND user_id = :user_id
""")
)
_OWN = sessions.c.user_id == bindparam("user_id")
_THIS = select(sessions).where(sessions.c.id == bindparam("session_id"), _OWN)
_FIND = Statement(_THIS)
_LOCK = Statement(_THIS.with_for_update())
_PIN = Statement(
    update(sessions)
    .where(sessions.c.id == bindparam("session_id"), _OWN)
    .values(pinned=bindparam("is_pinned"), updated_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class _Listing:
    """The statements that list those sessions for which some conditions hold."""

    first_page: Statement
    next_page: Statement
    count: Statement


def _listing(*conditions: ColumnElement[bool]) -> _Listing:
    by_activity = (
        select(sessions)
        .where(_OWN, *conditions)
        .order_by(sessions.c.active_at.desc(), sessions.c.id.desc())
        .limit(bindparam("size", type_=Integer))
    )
    behind = tuple_(sessions.c.active_at, sessions.c.id) < tuple_(
        bindparam("at", type_=DateTime(timezone=True)), bindparam("id", type_=Uuid)
    )
    counted = select(func.count().label("total")).select_from(sessions).where(_OWN, *conditions)
    return _Listing(
        Statement(by_activity), Statement(by_activity.where(behind)), Statement(counted)
    )


_LISTINGS = {
    None: _listing(),
    True: _listing(sessions.c.pinned),
    False: _listing(not_(sessions.c.pinned)),
}


class Sessions:
    """The conversations of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._scope = transaction.scope

    async def insert(self, session: Session) -> None:
        await _INSERT.run(
            self._connection,
            id=session.id,
            tenant_id=self._scope.tenant_id,
            user_id=self._scope.user_id,
            title=session.title,
            key_id=session.key_id,
            model=session.model,
            created_at=session.created_at,
            updated_at=session.updated_at,
            leaf_order=0,
        )

    async def insert_fork(
        self, session: Session, fork_id: UUID, messages: int, at: datetime
    ) -> None:
        """Stores a session like this one, with so many messages, which are yet to be copied."""
        await _INSERT_FORK.run(
            self._connection,
            session_id=session.id,
            user_id=self._scope.user_id,
            id=fork_id,
            messages=messages,
            at=at,
        )

    async def find(self, session_id: UUID) -> Session | None:
        return await self._one(_FIND, session_id)

    async def lock(self, session_id: UUID) -> Session | None:
        """The session, which nobody else changes, nor begins or ends a run in, meanwhile."""
        return await self._one(_LOCK, session_id)

    async def pin(self, session_id: UUID, pinned: bool, at: datetime) -> None:
        """Sets whether it is pinned."""
        await _PIN.run(
            self._connection,
            session_id=session_id,
            user_id=self._scope.user_id,
            is_pinned=pinned,
            at=at,
        )

    async def list(
        self, limit: int, after: Position | None, pinned: bool | None = None
    ) -> list[Session]:
        """The sessions behind that place, most recently active first; `pinned` None: all."""
        listing = _LISTINGS[pinned]
        listed = {"user_id": self._scope.user_id, "size": limit}
        if after is None:
            rows = await listing.first_page.all(self._connection, **listed)
        else:
            rows = await listing.next_page.all(self._connection, **listed, at=after.at, id=after.id)
        return [to_session(row) for row in rows]

    async def count(self, pinned: bool | None = None) -> int:
        row = await _LISTINGS[pinned].count.first(self._connection, user_id=self._scope.user_id)
        assert row is not None
        return int(row.total)

    async def _one(self, statement: Statement, session_id: UUID) -> Session | None:
        row = await statement.first(
            self._connection, session_id=session_id, user_id=self._scope.user_id
        )
        return None if row is None else to_session(row)
