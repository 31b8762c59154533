"""A user's transactions over their notes, as the app role: row-level security applies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.idempotency import find_repeated
from chassis.db.owners import lock_owner
from chassis.db.statement import Statement
from chassis.idempotency import Once
from chassis.paging import Position
from notes_service.domain.note import Note
from notes_service.store.tables import notes
from notes_service.usecases.ports import OpenTransaction, Transaction

# Row-level security says the same beneath: a query that forgot this would leak nothing.
_MINE = and_(notes.c.tenant_id == bindparam("tenant_id"), notes.c.user_id == bindparam("user_id"))
_THIS = and_(notes.c.id == bindparam("note_id"), _MINE)
_NOTE = select(notes.c.id, notes.c.title, notes.c.content, notes.c.created_at, notes.c.updated_at)
_PAGE = (
    _NOTE.where(_MINE)
    .order_by(notes.c.updated_at.desc(), notes.c.id.desc())
    .limit(bindparam("limit"))
)
_BEHIND = tuple_(notes.c.updated_at, notes.c.id) < tuple_(
    bindparam("after_at"), bindparam("after_id")
)

_INSERT = Statement(insert(notes))
_FIND = Statement(_NOTE.where(_THIS))
_FIRST_PAGE = Statement(_PAGE)
_NEXT_PAGE = Statement(_PAGE.where(_BEHIND))
_COUNT = Statement(select(func.count().label("total")).select_from(notes).where(_MINE))
_DELETE = Statement(delete(notes).where(_THIS))


def _to_note(row: Any) -> Note:
    return Note(
        id=row.id,
        title=row.title,
        content=row.content,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


class PostgresTransaction(Transaction):
    """See the port."""

    def __init__(self, connection: AsyncConnection, caller: Caller) -> None:
        self._connection = connection
        self._caller = caller
        self._mine = {"tenant_id": caller.tenant_id, "user_id": caller.user_id}

    def lock_owner(self) -> None:
        lock_owner(self._connection, self._caller)

    async def insert(self, note: Note) -> None:
        await _INSERT.run(
            self._connection,
            **self._mine,
            id=note.id,
            title=note.title,
            content=note.content,
            created_at=note.created_at,
            updated_at=note.updated_at,
        )

    async def find_repeated(self, once: Once[Note], note: Note) -> Note | None:
        return await find_repeated(self._connection, self._caller, once, note)

    async def find(self, note_id: UUID) -> Note | None:
        row = await _FIND.first(self._connection, **self._mine, note_id=note_id)
        return None if row is None else _to_note(row)

    async def list(self, *, after: Position | None, limit: int) -> list[Note]:
        if after is None:
            rows = await _FIRST_PAGE.all(self._connection, **self._mine, limit=limit)
        else:
            rows = await _NEXT_PAGE.all(
                self._connection, **self._mine, limit=limit, after_at=after.at, after_id=after.id
            )
        return [_to_note(row) for row in rows]

    async def count(self) -> int:
        row = await _COUNT.first(self._connection, **self._mine)
        return 0 if row is None else row.total

    async def delete(self, note_id: UUID) -> bool:
        return await _DELETE.run(self._connection, **self._mine, note_id=note_id) == 1


def transactions(database: Database) -> OpenTransaction:
    """Opens transactions on ``database``, which is connected as the app role."""

    @asynccontextmanager
    async def open_transaction(caller: Caller) -> AsyncIterator[Transaction]:
        async with database.transaction(caller) as connection:
            yield PostgresTransaction(connection, caller)

    return open_transaction
