"""The background job's transactions, as the worker role: they see every user's rows."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database, Scope
from chassis.db.idempotency import forget_answers
from chassis.db.owners import erase_owner
from chassis.db.statement import Statement
from chassis.outbox import enqueue
from notes_service.store.tables import notes
from notes_service.usecases.ports import ErasureTransaction, OpenErasure

# So few that no statement comes near the time it may take.
_BATCH = 500

_ALL = select(notes.c.id).where(notes.c.user_id == bindparam("user_id"))
# The order is the index's: what the batches before have deleted is skipped there.
_SOME = _ALL.order_by(notes.c.user_id, notes.c.updated_at, notes.c.id).limit(_BATCH)
_DELETE = Statement(delete(notes).where(notes.c.id.in_(_SOME)))


class PostgresErasure(ErasureTransaction):
    """See the port."""

    def __init__(self, connection: AsyncConnection, subject: Callable[[str], str]) -> None:
        self._connection = connection
        self._subject = subject

    async def erase_owner(self, *, user_id: UUID, tenant_id: UUID, at: datetime) -> datetime:
        return await erase_owner(self._connection, Scope(tenant_id=tenant_id, user_id=user_id), at)

    async def delete_some(self, user_id: UUID) -> bool:
        deleted = await _DELETE.run(self._connection, user_id=user_id)
        deleted += await forget_answers(self._connection, user_id, most=_BATCH)
        return deleted > 0

    async def enqueue(self, event: str, payload: bytes) -> None:
        await enqueue(self._connection, subject=self._subject(event), payload=payload)


def erasures(database: Database, subject: Callable[[str], str]) -> OpenErasure:
    """Opens erasures on ``database``, which is connected as the worker role.

    ``subject`` puts the prefix before an event's name.
    """

    @asynccontextmanager
    async def open_erasure() -> AsyncIterator[ErasureTransaction]:
        async with database.transaction() as connection:
            yield PostgresErasure(connection, subject)

    return open_erasure
