"""The port `ErasureTransaction` over PostgreSQL, in the role worker: all rows are in sight here."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Select, Table, and_, delete, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database, Scope
from chassis.db.idempotency import forget_answers
from chassis.db.owners import erase_owner
from chassis.outbox import enqueue
from chat_service.domain.run import RunStatus
from chat_service.store.tables import messages, runs, sessions
from chat_service.usecases.ports import OpenErasure, Owned

# So few that no statement comes near the time it may take, though each may be a message of 1 MB.
_BATCH = 500
_SESSIONS = 100


def _some_of(theirs: Select[tuple[UUID]], table: Table, order: Column[Any]) -> Select[tuple[UUID]]:
    """Ids of rows of these sessions, each session's in the order of its index.

    Without that the planner may read the table from its beginning, each time past all that the
    batches before have deleted.
    """
    session = theirs.subquery()
    each = (
        select(table.c.id)
        .where(table.c.session_id == session.c.id)
        .order_by(order)
        .limit(_BATCH)
        .correlate(session)
        .lateral()
    )
    return select(each.c.id).select_from(session.join(each, true())).limit(_BATCH)


class PostgresErasure:
    """One open transaction over the rows of `scope`'s user."""

    def __init__(
        self, connection: AsyncConnection, scope: Scope, subject: Callable[[str], str]
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._subject = subject
        self._sessions = and_(
            sessions.c.user_id == scope.user_id, sessions.c.tenant_id == scope.tenant_id
        )
        self._runs = and_(runs.c.user_id == scope.user_id, runs.c.tenant_id == scope.tenant_id)

    async def seal_owner(self, at: datetime) -> datetime:
        erased_at = await erase_owner(self._connection, self._scope, at)
        await self._connection.execute(
            update(runs)
            .where(self._runs, runs.c.status == RunStatus.RUNNING.value)
            .values(status=RunStatus.CANCELLED.value, reason="ACCOUNT_DELETED", ended_at=at)
        )
        return erased_at

    async def list_run_ids(self) -> list[UUID]:
        query = _some_of(self._next_sessions(), runs, runs.c.id)
        return list(await self._connection.scalars(query))

    async def delete_runs(self, run_ids: Sequence[UUID]) -> None:
        if run_ids:
            await self._connection.execute(delete(runs).where(self._runs, runs.c.id.in_(run_ids)))

    async def delete_some(self) -> bool:
        # The order in which everyone locks: session, then message.
        query = self._next_sessions().with_for_update()
        theirs = list(await self._connection.scalars(query))
        if theirs:
            among = select(sessions.c.id).where(sessions.c.id.in_(theirs))
            some = list(await self._connection.scalars(_some_of(among, messages, messages.c.order)))
            await self._connection.execute(delete(messages).where(messages.c.id.in_(some)))
            if len(some) < _BATCH:
                await self._connection.execute(delete(sessions).where(sessions.c.id.in_(theirs)))
            return True
        return await forget_answers(self._connection, self._scope.user_id, most=_BATCH) > 0

    def _next_sessions(self) -> Select[tuple[UUID]]:
        query = select(sessions.c.id).where(self._sessions)
        return query.order_by(sessions.c.active_at.desc(), sessions.c.id.desc()).limit(_SESSIONS)

    async def enqueue(self, event: str, payload: bytes) -> None:
        await enqueue(self._connection, subject=self._subject(event), payload=payload)


def erasures(database: Database, subject: Callable[[str], str]) -> OpenErasure:
    """Opens erasures on `database`, which is connected as the worker role.

    `subject` puts the prefix before an event's name.
    """

    @asynccontextmanager
    async def open_erasure(whose: Owned) -> AsyncIterator[PostgresErasure]:
        scope = Scope(tenant_id=whose.tenant_id, user_id=whose.user_id)
        async with database.transaction(scope) as connection:
            yield PostgresErasure(connection, scope, subject)

    return open_erasure
