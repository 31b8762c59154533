"""Erasures and their receipts in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, insert, select, update

from auth_service.domain.erasures import THIS_SERVICE, Erasure, Receipt, ServiceErasure
from auth_service.store.tables import erasures, service_erasures
from auth_service.store.transactions import Transaction
from chassis.db.statement import Statement
from chassis.outbox import enqueue

_CLAIM_TO_ANONYMISE = Statement(
    select(erasures.c.id, erasures.c.tenant_id, erasures.c.user_id, erasures.c.requested_at)
    .join(service_erasures, service_erasures.c.erasure_id == erasures.c.id)
    .where(service_erasures.c.service == THIS_SERVICE, service_erasures.c.erased_at.is_(None))
    .order_by(erasures.c.requested_at)
    .limit(1)
    .with_for_update(of=service_erasures, skip_locked=True)
)


class Erasures:
    """Erasures, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._changes = transaction.changes

    async def add(self, erasure: Erasure, *, services: Sequence[str]) -> None:
        """Open the erasure's receipt, every one of ``services`` still to confirm."""
        await self._connection.execute(
            insert(erasures).values(
                id=erasure.id,
                tenant_id=erasure.tenant_id,
                user_id=erasure.user_id,
                requested_at=erasure.requested_at,
                sent_at=erasure.requested_at,
            )
        )
        await self._connection.execute(
            insert(service_erasures),
            [
                {
                    "erasure_id": erasure.id,
                    "service": service,
                    "tenant_id": erasure.tenant_id,
                    "user_id": erasure.user_id,
                }
                for service in services
            ],
        )

    async def publish_deleted(self, erasure: Erasure) -> None:
        """Tell all services to erase the user, once this transaction is committed."""
        await enqueue(
            self._connection,
            subject=self._changes.effects.deleted_subject,
            payload=self._changes.effects.encode_deleted(erasure),
        )
        self._changes.published = True

    async def confirm(self, erasure_id: UUID, service: str, at: datetime) -> bool:
        """Note that ``service`` holds nothing more, the first time only; False: no such row."""
        result = await self._connection.execute(
            update(service_erasures)
            .where(
                service_erasures.c.erasure_id == erasure_id,
                service_erasures.c.service == service,
            )
            .values(erased_at=func.coalesce(service_erasures.c.erased_at, at))
        )
        return result.rowcount == 1

    async def receipt(self, erasure_id: UUID) -> Receipt | None:
        query = (
            select(service_erasures.c.service, service_erasures.c.erased_at)
            .where(service_erasures.c.erasure_id == erasure_id)
            .order_by(service_erasures.c.service)
        )
        rows = (await self._connection.execute(query)).all()
        if not rows:
            return None
        return Receipt(tuple(ServiceErasure(row.service, row.erased_at) for row in rows))

    async def claim_unconfirmed(
        self, *, sent_before: datetime, at: datetime, limit: int
    ) -> Sequence[Erasure]:
        """Erasures that some service has not confirmed and whose event was last sent before
        ``sent_before``, now noted as sent ``at``; those another replica has claimed are skipped.
        """
        unconfirmed = exists().where(
            service_erasures.c.erasure_id == erasures.c.id,
            service_erasures.c.erased_at.is_(None),
        )
        claimed = (
            select(erasures.c.id)
            .where(unconfirmed, erasures.c.sent_at < sent_before)
            .order_by(erasures.c.sent_at)
            .limit(limit)
            .with_for_update(of=erasures, skip_locked=True)
        )
        result = await self._connection.execute(
            update(erasures)
            .where(erasures.c.id.in_(claimed.scalar_subquery()))
            .values(sent_at=at)
            .returning(
                erasures.c.id, erasures.c.tenant_id, erasures.c.user_id, erasures.c.requested_at
            )
        )
        return [Erasure(**row._mapping) for row in result]

    async def claim_to_anonymise(self) -> Erasure | None:
        """The oldest erasure that this service has yet to confirm and that no other transaction
        has locked; locked until this one ends.
        """
        row = await _CLAIM_TO_ANONYMISE.first(self._connection)
        return None if row is None else Erasure(**row._asdict())
