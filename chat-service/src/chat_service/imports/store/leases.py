"""Imports that are to be read, in the worker's role: any number of replicas take them from one list.

Who reads one says so every few seconds. One of which nothing was heard for longer is taken by another, which
reads the file from its beginning and finds what the first has stored.
"""

# ruff: noqa: S608 - all of them are made of constants

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from chassis.db.engine import Database, RowOwner
from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.audit import Audit, Deed
from chat_service.imports.domain.job import Report
from chat_service.imports.domain.waiting import Awaited
from chat_service.imports.store.rows import counts_of

#: Of one that is read, and of one whose file is coming, after which nobody is believed to be at it.
UNHEARD_SECONDS: Final = 30
_UNHEARD_UPLOAD_SECONDS: Final = 120
_REPORT_DAYS: Final = 30

_TAKE = Statement(
    text(f"""
UPDATE imports SET state = 'reading', owner = :owner, heard_at = now(), attempts = attempts + 1, waits_for = NULL,
    done = 0, added = 0, existing = 0, skipped = 0, messages = 0, personas = 0, notes = 0, files = 0,
    left_out = '{{}}', problems = '[]'
WHERE id = (
    SELECT id FROM imports
    WHERE ended_at IS NULL AND (
        state = 'waiting' AND heard_at <= now()
        OR state = 'reading' AND heard_at < now() - make_interval(secs => {UNHEARD_SECONDS}))
    -- By turns, so that nobody's many files keep others waiting: whose last one ended longest ago.
    ORDER BY (
        SELECT coalesce(max(ended.ended_at), '-infinity') FROM imports AS ended
        WHERE ended.user_id = imports.user_id), heard_at
    LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, tenant_id, user_id, size, attempts, with_notes
""")
)
_HEARTBEAT = Statement(
    text("""
UPDATE imports SET heard_at = now(), format = coalesce(CAST(:format AS text), format), done = :done,
    added = :added, existing = :existing, skipped = :skipped, messages = :messages,
    personas = :personas, notes = :notes, files = :files,
    left_out = CAST(:left_out AS jsonb), problems = CAST(:problems AS jsonb)
WHERE id = :id AND owner = :owner AND state = 'reading'
""")
)
_END = Statement(
    text("""
UPDATE imports SET state = :state, reason = :reason, ended_at = :at, owner = NULL
WHERE id = :id AND owner = :owner AND state = 'reading'
RETURNING added, messages
""")
)
_RELEASE = Statement(
    text("""
UPDATE imports SET state = 'waiting', owner = NULL, waits_for = :waits_for,
    heard_at = now() + make_interval(secs => CAST(:after AS double precision)),
    attempts = attempts - CAST(:forgiven AS integer)
WHERE id = :id AND owner = :owner AND state = 'reading'
""")
)
_PIECE = Statement(
    text("SELECT packed, data FROM import_pieces WHERE import_id = :id AND number = :number")
)
_GIVE_UP_UPLOADS = Statement(
    text(f"""
UPDATE imports SET state = 'failed', reason = 'UPLOAD_GIVEN_UP', ended_at = now()
WHERE state = 'uploading' AND ended_at IS NULL
    AND heard_at < now() - make_interval(secs => {_UNHEARD_UPLOAD_SECONDS})
""")
)
# Of those that have ended no piece is needed.
_DELETE_PIECES = Statement(
    text("""
DELETE FROM import_pieces WHERE (import_id, number) IN (
    SELECT pieces.import_id, pieces.number
    FROM imports JOIN import_pieces AS pieces ON pieces.import_id = imports.id
    WHERE imports.ended_at IS NOT NULL LIMIT :most FOR UPDATE OF pieces SKIP LOCKED)
""")
)
_DELETE_REPORTS = Statement(
    text(f"""
DELETE FROM imports WHERE id IN (
    SELECT id FROM imports
    WHERE ended_at < now() - make_interval(days => {_REPORT_DAYS})
        AND NOT EXISTS (SELECT FROM import_pieces WHERE import_id = imports.id)
    ORDER BY ended_at LIMIT :most FOR UPDATE SKIP LOCKED)
""")
)


@dataclass(frozen=True, slots=True)
class Taken:
    """An import that this replica reads: whose it is, how large its file, how often it was begun, and whether
    its notes are taken.
    """

    id: UUID
    tenant_id: UUID
    user_id: UUID
    size: int
    attempts: int
    with_notes: bool


class Leases:
    """The imports of all users, as `owner`."""

    def __init__(self, worker: Database, owner: str, audit: Audit) -> None:
        self._audit = audit
        self._worker = worker
        self._owner = owner

    async def take(self) -> Taken | None:
        """The one that has waited longest; None: there is none."""
        row = await self._worker.first(None, _TAKE, owner=self._owner)
        if row is None:
            return None
        return Taken(row.id, row.tenant_id, row.user_id, row.size, row.attempts, row.with_notes)

    async def heartbeat(
        self, taken: Taken, report: Report, *, format_: str | None, done: float
    ) -> bool:
        """Says how far it is; False: it was cancelled, or is somebody else's by now."""
        told = [{"title": one.title, "reason": one.reason} for one in report.problems]
        return (
            await self._worker.run(
                None,
                _HEARTBEAT,
                id=taken.id,
                owner=self._owner,
                format=format_,
                done=done,
                added=report.added,
                existing=report.existing,
                skipped=report.skipped,
                messages=report.messages,
                personas=report.personas,
                notes=report.notes,
                files=report.files,
                left_out=json.dumps(counts_of(report)),
                problems=json.dumps(told),
            )
            == 1
        )

    async def end(self, taken: Taken, state: str, reason: str | None, at: datetime) -> None:
        """Of no effect on what is somebody else's by now."""
        user = RowOwner(tenant_id=taken.tenant_id, user_id=taken.user_id)
        async with self._worker.transaction(user) as connection:
            ended = await _END.first(
                connection, id=taken.id, owner=self._owner, state=state, reason=reason, at=at
            )
            if ended is not None:
                await self._audit.note(
                    *(Transaction(connection, user), Deed.IMPORT_ENDED, None),
                    import_id=taken.id,
                    state=state,
                    added=ended.added,
                    messages=ended.messages,
                )

    async def release(
        self,
        taken: Taken,
        *,
        forgiven: bool,
        after: float = 0.0,
        waits_for: Awaited | None = None,
    ) -> None:
        """Somebody else is to go on with it, in so many seconds. An attempt that is forgiven is none of the few
        there are.
        """
        await self._worker.run(
            *(None, _RELEASE),
            id=taken.id,
            owner=self._owner,
            forgiven=int(forgiven),
            after=after,
            waits_for=waits_for,
        )

    async def piece(self, taken: Taken, number: int) -> tuple[bool, bytes] | None:
        """Whether it is packed, and its bytes; None: there are no more."""
        row = await self._worker.first(None, _PIECE, id=taken.id, number=number)
        return None if row is None else (row.packed, row.data)

    async def sweep(self, most: int) -> Sequence[int]:
        """Takes away what nobody needs: uploads that were given up, pieces, old reports; how many."""
        await self._worker.run(None, _GIVE_UP_UPLOADS)
        return (
            await self._worker.run(None, _DELETE_PIECES, most=most),
            await self._worker.run(None, _DELETE_REPORTS, most=most),
        )
