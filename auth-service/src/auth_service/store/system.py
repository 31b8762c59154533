"""Transactions before there is a caller, and those of the background: as the worker role."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service.domain.erasures import Erasure, Receipt, ServiceErasure
from auth_service.store.anonymise import PostgresUnanonymised
from auth_service.store.audit_log import prune_before
from auth_service.store.effects import PostgresEffects
from auth_service.store.tables import (
    codes,
    counters,
    erasures,
    logins,
    look_of,
    refresh_tokens,
    revocations,
    service_erasures,
    tenants,
    tokens,
)
from auth_service.store.transactions import Effects
from chassis.db.engine import Database

# What a log-in writes goes out with the statement behind it, or with the COMMIT.


class SystemTransaction(
    PostgresEffects,
    PostgresUnanonymised,
):
    """One transaction on nobody's behalf: before a log-in there is no caller yet."""

    async def ensure_tenant(self, name: str, *, new_id: UUID) -> UUID:
        # As they look, not as they are spelt: nobody can make another one that looks the same.
        query = select(tenants.c.id).where(tenants.c.look == look_of(name))
        found: UUID | None = await self._connection.scalar(query)
        if found is None:
            await self._connection.execute(
                upsert(tenants).values(id=new_id, name=name).on_conflict_do_nothing()
            )
            # Ours, or that of another who was first.
            found = (await self._connection.execute(query)).scalar_one()
        return found

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

    async def prune_audit(self, before: datetime) -> bool:
        return await prune_before(self._connection, before)

    async def prune(self, now: datetime) -> None:
        for table in (refresh_tokens, logins, revocations, tokens):
            await self._connection.execute(delete(table).where(table.c.expires_at < now))
        for table in (counters, codes):
            await self._connection.execute(delete(table).where(table.c.expires_at < func.now()))


OpenSystem = Callable[[], AbstractAsyncContextManager[SystemTransaction]]


def system_transactions(database: Database, effects: Effects) -> OpenSystem:
    """Opens transactions on ``database``, which is connected as the worker role."""

    @asynccontextmanager
    async def open_system() -> AsyncIterator[SystemTransaction]:
        async with database.transaction() as connection:
            transaction = SystemTransaction(connection, effects)
            yield transaction
        transaction.changes.announce()

    return open_system
