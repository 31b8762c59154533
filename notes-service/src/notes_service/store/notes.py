"""Notes in PostgreSQL."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
)

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chassis.paging import Position
from notes_service.domain.note import Note
from notes_service.store.tables import notes

# Row-level security says the same beneath: a query that forgot this would leak nothing.
_MINE = and_(notes.c.tenant_id == bindparam("tenant_id"), notes.c.user_id == bindparam("user_id"))
_THIS = and_(notes.c.id == bindparam("note_id"), _MINE)
_NOTE = select(notes.c.id, notes.c.title, notes.c.content, notes.c.created_at, notes.c.updated_at)
_BEHIND = tuple_(notes.c.updated_at, notes.c.id) < tuple_(
    bindparam("after_at"), bindparam("after_id")
)


def _page(*conditions: ColumnElement[bool]) -> Statement:
    """The newest notes until so many bytes of text were shown, with how many are `found` to the
    limit.

    PostgreSQL knows how long a text is without reading it: what is left out costs little.
    """
    sought = (
        _NOTE.add_columns(func.octet_length(notes.c.content).label("bytes"))
        .where(_MINE, *conditions)
        .order_by(notes.c.updated_at.desc(), notes.c.id.desc())
        .limit(bindparam("limit"))
        .subquery("sought")
    )
    order = (sought.c.updated_at.desc(), sought.c.id.desc())
    measured = select(
        sought,
        (func.sum(sought.c.bytes).over(order_by=order) - sought.c.bytes).label("bytes_before"),
        func.count().over().label("found"),
    ).subquery("measured")
    return Statement(
        select(measured)
        .where(measured.c.bytes_before < bindparam("most_bytes", type_=BigInteger))
        .order_by(measured.c.updated_at.desc(), measured.c.id.desc())
    )


_INSERT = Statement(insert(notes))
_FIND = Statement(_NOTE.where(_THIS))
_FIRST_PAGE = _page()
_NEXT_PAGE = _page(_BEHIND)
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


class Notes:
    """The notes of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        scope = transaction.scope
        self._mine = {"tenant_id": scope.tenant_id, "user_id": scope.user_id}

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

    async def find(self, note_id: UUID) -> Note | None:
        row = await _FIND.first(self._connection, **self._mine, note_id=note_id)
        return None if row is None else _to_note(row)

    async def list(
        self, *, after: Position | None, limit: int, most_bytes: int
    ) -> tuple[list[Note], bool]:
        """At most ``limit`` notes behind ``after``, most recently changed first, and whether there
        are more.

        The one with which their contents have ``most_bytes`` bytes of UTF-8 is the last.
        """
        sought = {**self._mine, "limit": limit + 1, "most_bytes": most_bytes}
        if after is None:
            rows = await _FIRST_PAGE.all(self._connection, **sought)
        else:
            rows = await _NEXT_PAGE.all(
                self._connection, **sought, after_at=after.at, after_id=after.id
            )
        shown = [_to_note(row) for row in rows[:limit]]
        return shown, bool(rows) and rows[0].found > len(shown)

    async def count(self) -> int:
        row = await _COUNT.first(self._connection, **self._mine)
        return 0 if row is None else row.total

    async def delete(self, note_id: UUID) -> bool:
        """Whether there was such a note to delete."""
        return await _DELETE.run(self._connection, **self._mine, note_id=note_id) == 1
