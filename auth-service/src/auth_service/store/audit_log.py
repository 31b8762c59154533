"""The audit log: every kind of transaction writes it, admins read it."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, text, tuple_

from auth_service.domain.audit_log import AuditEntry, AuditFilter
from auth_service.domain.erasures import Erasure
from auth_service.domain.logins import Client
from auth_service.store.anonymise import anonymise_batch
from auth_service.store.tables import audit
from auth_service.store.transactions import Transaction
from chassis.db.statement import Statement
from chassis.paging import Position

_PRUNED = 5000
# An entry about a user who is deleted, or is being deleted, gets no address: either the deletion
# waits for this row and anonymises it, or this row sees the deletion, which holds a skipped lock.
_INSERT = (
    "INSERT INTO audit"
    " (id, at, tenant_id, actor_id, subject_id, event, ip, user_agent, fields)"
    " SELECT CAST(:id AS uuid), CAST(:at AS timestamptz), CAST(:tenant_id AS uuid),"
    " CAST(:actor_id AS uuid), CAST(:subject_id AS uuid), CAST(:event AS text),"
    " CASE WHEN living.all_of_them THEN COALESCE(seen.ip, CAST(:ip AS text)) ELSE '' END,"
    " CASE WHEN living.all_of_them"
    " THEN COALESCE(seen.user_agent, CAST(:user_agent AS text)) ELSE '' END,"
    " CAST(:fields AS jsonb)"
    " FROM (SELECT CAST(:persons AS uuid[]) <@ COALESCE(array_agg(id), '{}') AS all_of_them FROM ("
    "SELECT id FROM users WHERE id = ANY(CAST(:persons AS uuid[])) AND status <> 'deleted'"
    " FOR KEY SHARE SKIP LOCKED) AS person) AS living"
    " LEFT JOIN logins AS seen ON seen.id = CAST(:sid AS uuid)"
    " AND seen.user_id = CAST(:actor_id AS uuid)"
)
_RECORD = Statement(text(_INSERT))
_RECORD_ONCE = Statement(text(f"{_INSERT} ON CONFLICT (id) DO NOTHING"))


class AuditLog:
    """The audit log, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._changes = transaction.changes

    async def record(self, entry: AuditEntry) -> None:
        """Store ``entry`` with this transaction, and log it after the commit.

        Where its login is in sight, its address and agent are the login's; an entry about a deleted
        user gets none.
        """
        await self._insert(_RECORD, entry)
        self._changes.recorded.append(entry)

    async def record_once(self, entry: AuditEntry) -> None:
        """The same of an entry that may come again: it is stored, and logged, the first time."""
        if await self._insert(_RECORD_ONCE, entry):
            self._changes.recorded.append(entry)

    async def _insert(self, statement: Statement, entry: AuditEntry) -> int:
        persons = {person for person in (entry.actor_id, entry.subject_id) if person is not None}
        return await statement.run(
            self._connection,
            id=entry.id,
            at=entry.at,
            tenant_id=entry.tenant_id,
            actor_id=entry.actor_id,
            subject_id=entry.subject_id,
            event=entry.event,
            ip=entry.client.ip,
            user_agent=entry.client.user_agent,
            fields=json.dumps(dict(entry.fields)),
            persons=[*persons],
            sid=entry.sid,
        )

    async def list(
        self, audit_filter: AuditFilter, *, before: Position | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Entries that match, newest first, those behind ``before``."""
        query = (
            select(audit)
            .where(*_matching(audit_filter))
            .order_by(audit.c.at.desc(), audit.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(tuple_(audit.c.at, audit.c.id) < tuple_(before.at, before.id))
        return [_to_entry(row._mapping) for row in await self._connection.execute(query)]

    async def count(self, audit_filter: AuditFilter, *, at_most: int) -> int:
        """How many match; no more than ``at_most`` are counted."""
        matching = select(audit.c.id).where(*_matching(audit_filter)).limit(at_most).subquery()
        query = select(func.count()).select_from(matching)
        return (await self._connection.execute(query)).scalar_one()

    async def prune(self, before: datetime) -> bool:
        """Delete the oldest entries of before then, so many that no statement takes long; whether
        there may be more.
        """
        oldest = select(audit.c.id).where(audit.c.at < before).order_by(audit.c.at).limit(_PRUNED)
        result = await self._connection.execute(delete(audit).where(audit.c.id.in_(oldest)))
        return result.rowcount == _PRUNED

    async def anonymise(self, erasure: Erasure) -> bool:
        """Take addresses and agents out of the next few thousand entries about the user, or by
        them; True if these were the last. To be called once the user is a tombstone.
        """
        return await anonymise_batch(self._connection, erasure)


def _matching(audit_filter: AuditFilter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if audit_filter.tenant_id is not None:
        conditions.append(audit.c.tenant_id == audit_filter.tenant_id)
    if audit_filter.event.endswith("."):
        conditions.append(audit.c.event.startswith(audit_filter.event, autoescape=True))
    elif audit_filter.event:
        conditions.append(audit.c.event == audit_filter.event)
    if audit_filter.user_id is not None:
        conditions.append(
            or_(
                audit.c.subject_id == audit_filter.user_id, audit.c.actor_id == audit_filter.user_id
            )
        )
    if audit_filter.since is not None:
        conditions.append(audit.c.at >= audit_filter.since)
    if audit_filter.until is not None:
        conditions.append(audit.c.at < audit_filter.until)
    return conditions


def _to_entry(row: Any) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        event=row["event"],
        tenant_id=row["tenant_id"],
        actor_id=row["actor_id"],
        subject_id=row["subject_id"],
        client=Client(row["ip"], row["user_agent"]),
        fields=row["fields"],
    )
