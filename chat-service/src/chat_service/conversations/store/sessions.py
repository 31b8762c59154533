"""Conversations in PostgreSQL.

Each query names its user, although row-level security does so beneath: a query that forgot it
would leak nothing, and the indexes begin with it.
"""

from uuid import UUID

from sqlalchemy import DateTime, Integer, Uuid, bindparam, func, insert, select, tuple_

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chassis.paging import Position
from chat_service.conversations.domain.session import Session
from chat_service.conversations.store.rows import to_session
from chat_service.tables import sessions

_INSERT = Statement(
    insert(sessions),
    columns=["id", "tenant_id", "user_id", "title", "key_id", "model", "created_at", "updated_at"],
)
_OWN = sessions.c.user_id == bindparam("user_id")
_THIS = select(sessions).where(sessions.c.id == bindparam("session_id"), _OWN)
_FIND = Statement(_THIS)
_LOCK = Statement(_THIS.with_for_update())
_BY_ACTIVITY = (
    select(sessions)
    .where(_OWN)
    .order_by(sessions.c.active_at.desc(), sessions.c.id.desc())
    .limit(bindparam("size", type_=Integer))
)
_FIRST_PAGE = Statement(_BY_ACTIVITY)
_NEXT_PAGE = Statement(
    _BY_ACTIVITY.where(
        tuple_(sessions.c.active_at, sessions.c.id)
        < tuple_(
            bindparam("at", type_=DateTime(timezone=True)),
            bindparam("id", type_=Uuid),
        )
    )
)
_COUNT = Statement(select(func.count().label("total")).select_from(sessions).where(_OWN))


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
        )

    async def find(self, session_id: UUID) -> Session | None:
        return await self._one(_FIND, session_id)

    async def lock(self, session_id: UUID) -> Session | None:
        """The session, which nobody else changes, nor begins or ends a run in, meanwhile."""
        return await self._one(_LOCK, session_id)

    async def list(self, limit: int, after: Position | None) -> list[Session]:
        """The sessions behind that place, most recently active first."""
        user_id = self._scope.user_id
        if after is None:
            rows = await _FIRST_PAGE.all(self._connection, user_id=user_id, size=limit)
        else:
            rows = await _NEXT_PAGE.all(
                self._connection, user_id=user_id, size=limit, at=after.at, id=after.id
            )
        return [to_session(row) for row in rows]

    async def count(self) -> int:
        row = await _COUNT.first(self._connection, user_id=self._scope.user_id)
        assert row is not None
        return int(row.total)

    async def _one(self, statement: Statement, session_id: UUID) -> Session | None:
        row = await statement.first(
            self._connection, session_id=session_id, user_id=self._scope.user_id
        )
        return None if row is None else to_session(row)
