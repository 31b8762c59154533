"""A user's imports in PostgreSQL: from the first byte of a file to its report."""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import LargeBinary, bindparam, text

from chassis.db.pages import Pages
from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chassis.paging import Position
from chat_service.imports.domain.job import Import
from chat_service.imports.store.held import HELD_BY_USER
from chat_service.imports.store.rows import SHOWN, to_import

_INSERT = Statement(
    text("""
INSERT INTO imports (id, tenant_id, user_id, name, state, size, heard_at, created_at, with_notes)
VALUES (:id, :tenant_id, :user_id, :name, 'uploading', :size, now(), :at, :with_notes)
""")
)
# One at a time is begun: none is overlooked by another, of whichever user.
_BEGIN_ALONE = Statement(text("SELECT pg_advisory_xact_lock(hashtext('imports'), 0) AS locked"))
_ADD_PIECE = Statement(
    text("""
INSERT INTO import_pieces (import_id, number, tenant_id, user_id, packed, data)
SELECT id, :number, tenant_id, user_id, :packed, :data FROM imports
WHERE id = :id AND user_id = :user_id AND state = 'uploading' FOR NO KEY UPDATE
""").bindparams(bindparam("data", type_=LargeBinary))
)
_HEARD = Statement(
    text("""
UPDATE imports SET heard_at = now()
WHERE id = :id AND user_id = :user_id AND state = 'uploading'
""")
)
_WAIT = Statement(
    text(f"""
UPDATE imports SET state = 'waiting', size = :size, heard_at = now()
WHERE id = :id AND user_id = :user_id AND state = 'uploading'
RETURNING {SHOWN}
""")
)
_MINE: Final = f"SELECT {SHOWN} FROM imports WHERE user_id = :user_id"
_FIND = Statement(text(f"{_MINE} AND id = :id"))
_PAGES = Pages(_MINE, "imports", newest_first=True)
_COUNT = Statement(text("SELECT count(*) AS total FROM imports WHERE user_id = :user_id"))
_CANCEL = Statement(
    text("""
WITH found AS (
    SELECT id, state FROM imports
    WHERE id = :id AND user_id = :user_id AND ended_at IS NULL FOR NO KEY UPDATE)
UPDATE imports SET state = 'cancelled', ended_at = :at, owner = NULL FROM found
WHERE imports.id = found.id
RETURNING found.state AS was, imports.added, imports.messages
""")
)
_DELETE = Statement(
    text("DELETE FROM imports WHERE id = :id AND user_id = :user_id AND ended_at IS NOT NULL")
)
_DELETE_PIECES = Statement(
    text("""
DELETE FROM import_pieces WHERE user_id = :user_id AND import_id = :id AND number IN (
    SELECT number FROM import_pieces WHERE import_id = :id ORDER BY number LIMIT :most)
""")
)


@dataclass(frozen=True, slots=True)
class UsersHeld:
    """How many of a user's imports have not ended, and the bytes that are held for them."""

    under_way: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Whether its file was whole, and what had been taken of it."""

    was_whole: bool
    added: int
    messages: int


class Imports:
    """The imports of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        owner = transaction.owner
        self._tenant_id = owner.tenant_id
        self._user_id = owner.user_id

    async def begin_alone(self) -> None:
        """Wait until nobody else begins one, and keep them from it."""
        await _BEGIN_ALONE.first(self._connection)

    async def held(self) -> UsersHeld:
        """What there is of the user."""
        row = await HELD_BY_USER.first(self._connection, user_id=self._user_id)
        assert row is not None
        return UsersHeld(int(row.under_way), int(row.bytes))

    async def insert(
        self, import_id: UUID, name: str, reserved: int, at: datetime, *, with_notes: bool
    ) -> None:
        """One whose file is coming, with so many bytes set aside for it, and whether its notes are taken."""
        await _INSERT.run(
            self._connection,
            id=import_id,
            tenant_id=self._tenant_id,
            user_id=self._user_id,
            name=name,
            size=reserved,
            at=at,
            with_notes=with_notes,
        )

    async def add_piece(self, import_id: UUID, number: int, data: bytes, *, packed: bool) -> bool:
        """Stores the next piece of its file; False: it was cancelled, or given up, meanwhile."""
        added = await _ADD_PIECE.run(
            self._connection,
            id=import_id,
            user_id=self._user_id,
            number=number,
            packed=packed,
            data=data,
        )
        if added:
            await _HEARD.run(self._connection, id=import_id, user_id=self._user_id)
        return added == 1

    async def wait(self, import_id: UUID, size: int) -> Import | None:
        """Its file is whole; None: it was cancelled, or given up, meanwhile."""
        row = await _WAIT.first(self._connection, id=import_id, user_id=self._user_id, size=size)
        return None if row is None else to_import(row)

    async def find(self, import_id: UUID) -> Import | None:
        row = await _FIND.first(self._connection, id=import_id, user_id=self._user_id)
        return None if row is None else to_import(row)

    async def list(self, *, after: Position | None, limit: int) -> Sequence[Import]:
        """The newest first, behind that place."""
        rows = await _PAGES.read(self._connection, after, limit, user_id=self._user_id)
        return [to_import(row) for row in rows]

    async def count(self) -> int:
        row = await _COUNT.first(self._connection, user_id=self._user_id)
        assert row is not None
        return int(row.total)

    async def cancel(self, import_id: UUID, at: datetime) -> Cancelled | None:
        """How far it had come; None: it had ended."""
        row = await _CANCEL.first(self._connection, id=import_id, user_id=self._user_id, at=at)
        return None if row is None else Cancelled(row.was != "uploading", row.added, row.messages)

    async def delete(self, import_id: UUID) -> bool:
        """Takes away the report of one that has ended, without pieces."""
        return await _DELETE.run(self._connection, id=import_id, user_id=self._user_id) == 1

    async def delete_pieces(self, import_id: UUID, most: int) -> int:
        """Deletes so many pieces of its file; returns how many there were."""
        return await _DELETE_PIECES.run(
            self._connection, id=import_id, user_id=self._user_id, most=most
        )
