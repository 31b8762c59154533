"""What both kinds of transaction write, and what follows once it is committed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, update

from auth_service.domain.audit_log import AuditEntry
from auth_service.domain.erasures import Erasure
from auth_service.store.anonymise import PostgresAnonymisation
from auth_service.store.audit_log import record
from auth_service.store.tables import service_erasures
from auth_service.store.transactions import Transaction
from chassis.outbox import enqueue


class PostgresEffects(PostgresAnonymisation, Transaction):
    """The part of a transaction that others hear of."""

    async def record(self, entry: AuditEntry) -> None:
        await record(self._connection, entry)
        self.changes.recorded.append(entry)

    async def confirm_erasure(self, erasure_id: UUID, service: str, at: datetime) -> bool:
        result = await self._connection.execute(
            update(service_erasures)
            .where(
                service_erasures.c.erasure_id == erasure_id,
                service_erasures.c.service == service,
            )
            .values(erased_at=func.coalesce(service_erasures.c.erased_at, at))
        )
        return result.rowcount == 1

    async def publish_deleted(self, erasure: Erasure) -> None:
        await enqueue(
            self._connection,
            subject=self.changes.effects.deleted_subject,
            payload=self.changes.effects.encode_deleted(erasure),
        )
        self.changes.published = True
