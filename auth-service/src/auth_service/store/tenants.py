"""Tenants in PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service.domain.tenants import Tenant
from auth_service.domain.users import NamePosition
from auth_service.store.tables import look_of, tenants
from auth_service.store.transactions import Transaction

_TENANT = select(tenants.c.id, tenants.c.name, tenants.c.created_at)


class Tenants:
    """Tenants, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    async def ensure(self, name: str, *, new_id: UUID) -> UUID:
        """The id of the tenant called ``name``, made with ``new_id`` by its first use."""
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

    async def add(self, tenant: Tenant) -> bool:
        """Store a new tenant unless its name, or one that looks the same, is taken."""
        result = await self._connection.execute(
            upsert(tenants)
            .values(id=tenant.id, name=tenant.name, created_at=tenant.created_at)
            .on_conflict_do_nothing()
            .returning(tenants.c.id)
        )
        return result.one_or_none() is not None

    async def find(self, tenant_id: UUID) -> Tenant | None:
        row = (
            await self._connection.execute(_TENANT.where(tenants.c.id == tenant_id))
        ).one_or_none()
        return None if row is None else Tenant(**row._mapping)

    async def list(self, *, after: NamePosition | None, limit: int) -> Sequence[Tenant]:
        """Tenants by name, those behind ``after`` (a name and an id)."""
        query = _TENANT.order_by(tenants.c.name, tenants.c.id).limit(limit)
        if after is not None:
            query = query.where(tuple_(tenants.c.name, tenants.c.id) > tuple_(*after))
        return [Tenant(**row._mapping) for row in await self._connection.execute(query)]

    async def count(self) -> int:
        query = select(func.count()).select_from(tenants)
        return (await self._connection.execute(query)).scalar_one()
