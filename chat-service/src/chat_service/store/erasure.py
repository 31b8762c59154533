"""The port `ErasureTransaction` over PostgreSQL, in the role worker: all rows are in sight here."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database, Scope
from chassis.db.idempotency import forget_answers
from chassis.db.owners import erase_owner
from chassis.outbox import enqueue
from chat_service.domain.run import RunStatus
from chat_service.store.tables import messages, runs, sessions
from chat_service.usecases.ports import OpenErasure, Owned


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
        return list(await self._connection.scalars(select(runs.c.id).where(self._runs)))

    async def delete_everything(self) -> None:
        locked = select(sessions.c.id).where(self._sessions).order_by(sessions.c.id)
        # The order in which everyone locks: session, run, message.
        await self._connection.execute(locked.with_for_update())
        await self._connection.execute(delete(runs).where(self._runs))
        theirs = select(sessions.c.id).where(self._sessions)
        await self._connection.execute(delete(messages).where(messages.c.session_id.in_(theirs)))
        await self._connection.execute(delete(sessions).where(self._sessions))
        await forget_answers(self._connection, self._scope.user_id)

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
