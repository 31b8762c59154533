"""A user's files in PostgreSQL."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from chassis.db.pages import Pages
from chassis.db.statement import Statement, columns_of
from chassis.db.transactions import Transaction
from chassis.paging import Position
from chat_service.files.domain.file import UNHEARD, UNUSED, File, FileState
from chat_service.tables import files as table

_SHOWN: Final = columns_of(table)
# Row-level security says the same beneath: a query that forgot this would leak nothing.
_MINE: Final = "files.tenant_id = :tenant_id AND files.user_id = :user_id"
_READY: Final = f"SELECT {_SHOWN} FROM files WHERE {_MINE} AND files.state = 'ready'"  # noqa: S608 - made of constants
# Looked at again and again, it is written seldom.
_LEAST_HOLD: Final = UNUSED - timedelta(minutes=10)

_USED = Statement(
    text(f"""
    SELECT coalesce(sum(files.size + coalesce(files.text_size, 0)), 0)::bigint AS bytes, count(*) AS files,
        count(*) FILTER (WHERE files.state = 'uploading') AS uploads
    FROM files WHERE {_MINE} AND files.state <> 'deleting'
        AND (files.state <> 'uploading' OR files.held_until > now())
    """)  # noqa: S608 - made of constants
)
_BEGIN = Statement(
    text(
        "INSERT INTO files (id, tenant_id, user_id, name, size, state, created_at, held_until)"
        " VALUES (:id, :tenant_id, :user_id, :name, :size, 'uploading', :created_at,"
        " now() + CAST(:hold AS interval))"
    )
)
_HOLD_UPLOAD = Statement(
    text(
        f"UPDATE files SET held_until = now() + CAST(:hold AS interval),"  # noqa: S608 - made of constants
        f" size = coalesce(CAST(:size AS bigint), files.size)"
        f" WHERE files.id = :id AND files.state = 'uploading' AND {_MINE}"
    )
)
_COMPLETE = Statement(
    text(f"""
    UPDATE files SET kind = :kind, size = :size, sha256 = :sha256, text_size = CAST(:text_size AS bigint),
        facts = CAST(:facts AS jsonb), state = 'ready', held_until = now() + CAST(:hold AS interval)
    WHERE files.id = :id AND files.state = 'uploading' AND {_MINE}
    """)  # noqa: S608 - made of constants
)
_STATE = Statement(text(f"SELECT files.state FROM files WHERE files.id = :id AND {_MINE}"))  # noqa: S608 - made of constants
_FIND = Statement(text(f"{_READY} AND files.id = :id"))
_HOLD = Statement(
    text(
        f"UPDATE files SET held_until = now() + CAST(:hold AS interval)"  # noqa: S608 - made of constants
        f" WHERE files.id = :id AND files.state = 'ready' AND {_MINE}"
    )
)
_NEEDS_HOLD = Statement(
    text(
        f"SELECT files.held_until < now() + CAST(:least AS interval) AS needed FROM files"  # noqa: S608 - made of constants
        f" WHERE files.id = :id AND {_MINE}"
    )
)
_PAGES = Pages(_READY, "files", newest_first=True)
_COUNT = Statement(
    text(f"SELECT count(*) AS total FROM files WHERE {_MINE} AND files.state = 'ready'")  # noqa: S608 - made of constants
)
_GIVE_UP = Statement(
    text(
        f"UPDATE files SET state = 'deleting' WHERE files.id = :id"  # noqa: S608 - made of constants
        f" AND files.state = ANY (CAST(:states AS text[])) AND {_MINE}"
    )
)
_FORGET = Statement(
    text(f"DELETE FROM files WHERE files.id = :id AND files.state = 'deleting' AND {_MINE}")  # noqa: S608 - made of constants
)


@dataclass(frozen=True, slots=True)
class Used:
    """What a user has, what is set aside for uploads included: bytes, those of texts kept beside files too, files,
    and uploads under way.
    """

    bytes: int
    files: int
    uploads: int


class Files:
    """The files of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._mine = transaction.owner.columns

    async def used(self) -> Used:
        row = await _USED.first(self._connection, **self._mine)
        assert row is not None
        return Used(row.bytes, row.files, row.uploads)

    async def begin(self, file_id: UUID, name: str, size: int, *, at: datetime) -> None:
        """Set so many bytes aside for an upload, which is to be held from now on."""
        await _BEGIN.run(
            self._connection,
            **self._mine,
            id=file_id,
            name=name,
            size=size,
            created_at=at,
            hold=UNHEARD,
        )

    async def hold_upload(self, file_id: UUID, size: int | None = None) -> bool:
        """Whether it is still an upload; it is held for UNHEARD from now on, and `size` bytes are set aside for it,
        if that is said.
        """
        held = await _HOLD_UPLOAD.run(
            self._connection, **self._mine, id=file_id, hold=UNHEARD, size=size
        )
        return held == 1

    async def complete(self, file: File) -> bool:
        """Whether it was still an upload; it is a file from now on."""
        completed = await _COMPLETE.run(
            self._connection,
            **self._mine,
            id=file.id,
            kind=file.kind,
            size=file.size,
            sha256=file.sha256,
            text_size=file.text_size,
            facts=json.dumps(dict(file.facts)),
            hold=UNUSED,
        )
        return completed == 1

    async def state(self, file_id: UUID) -> FileState | None:
        """None: there is no such file."""
        row = await _STATE.first(self._connection, **self._mine, id=file_id)
        return None if row is None else FileState(row.state)

    async def find(self, file_id: UUID) -> File | None:
        row = await _FIND.first(self._connection, **self._mine, id=file_id)
        return None if row is None else to_file(row)

    async def needs_hold(self, file_id: UUID) -> bool:
        """Whether it is not held for about UNUSED anyway."""
        row = await _NEEDS_HOLD.first(self._connection, **self._mine, id=file_id, least=_LEAST_HOLD)
        return row is not None and row.needed

    async def hold(self, file_id: UUID) -> None:
        """It is kept for UNUSED from now on, whether anything refers to it or not."""
        await _HOLD.run(self._connection, **self._mine, id=file_id, hold=UNUSED)

    async def list(self, *, after: Position | None, limit: int) -> list[File]:
        """At most `limit` behind `after`, the newest first."""
        rows = await _PAGES.read(self._connection, after, limit, **self._mine)
        return [to_file(row) for row in rows]

    async def count(self) -> int:
        row = await _COUNT.first(self._connection, **self._mine)
        return 0 if row is None else row.total

    async def give_up(self, file_id: UUID, *states: FileState) -> bool:
        """Whether there was one in one of these states; its bytes are to be taken away, then its row."""
        names = [state.value for state in states]
        given = await _GIVE_UP.run(self._connection, **self._mine, id=file_id, states=names)
        return given == 1

    async def forget(self, file_id: UUID) -> None:
        """Its bytes are gone: so is its row."""
        await _FORGET.run(self._connection, **self._mine, id=file_id)


def to_file(row: Any) -> File:
    return File(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        kind=row.kind,
        size=row.size,
        sha256=bytes(row.sha256),
        created_at=row.created_at,
        text_size=row.text_size,
        facts=row.facts,
    )
