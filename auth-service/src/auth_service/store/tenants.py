"""Tenants in PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service.domain.tenants import Tenant, tenant_name_key
from auth_service.domain.users import NamePosition
from auth_service.store.tables import look_of, tenants
from auth_service.store.transactions import Transaction

_TENANT = select(tenants.c.id, tenants.c.name, tenants.c.created_at)
_WITHOUT_KEY = (
    select(tenants.c.id, tenants.c.name)
    .where(tenants.c.name_key.is_(None))
    .order_by(tenants.c.created_at, tenants.c.id)
)
# Whoever looks which names there are, to add one, does so alone.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('names of tenants', 0))")


class Tenants:
    """Tenants, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    async def ensure(self, name: str, *, new_id: UUID) -> UUID:
        """The id of the tenant called ``name``, made with ``new_id`` by its first use."""
        # As they look, not as they are spelt: nobody can make another one that looks the same.
        key = tenant_name_key(name)
        query = select(tenants.c.id).where(tenants.c.name_key == key)
        found: UUID | None = await self._connection.scalar(query)
        if found is None:
            await self._know_keys()
            await self._connection.execute(
                upsert(tenants).values(id=new_id, name=name, name_key=key).on_conflict_do_nothing()
            )
            # Ours, or that of another who was first: it may be a release that knows no key.
            query = (
                select(tenants.c.id)
                .where(or_(tenants.c.name_key == key, tenants.c.look == look_of(name)))
                .order_by(tenants.c.name_key.is_(None))
                .limit(1)
            )
            found = (await self._connection.execute(query)).scalar_one()
        return found

    async def add(self, tenant: Tenant) -> bool:
        """Store a new tenant unless its name, or one that looks the same, is taken."""
        await self._know_keys()
        result = await self._connection.execute(
            upsert(tenants)
            .values(
                id=tenant.id,
                name=tenant.name,
                name_key=tenant_name_key(tenant.name),
                created_at=tenant.created_at,
            )
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

    async def _know_keys(self) -> None:
        """Give those their key that a release before it has made, of two that look the same the first."""
        await self._connection.execute(_ALONE)
        for row in (await self._connection.execute(_WITHOUT_KEY)).all():
            key = tenant_name_key(row.name)
            taken = select(tenants.c.id).where(tenants.c.name_key == key)
            if await self._connection.scalar(taken) is None:
                await self._connection.execute(
                    update(tenants).where(tenants.c.id == row.id).values(name_key=key)
                )
