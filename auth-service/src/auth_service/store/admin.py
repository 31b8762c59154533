"""An admin's transaction, as the app role: row-level security looks at the role in the token."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service.domain.audit_log import AuditEntry, AuditFilter
from auth_service.domain.tenants import Tenant
from auth_service.domain.users import NamePosition, User
from auth_service.store.audit_log import count_entries, find_entries
from auth_service.store.caller import CallerTransaction
from auth_service.store.tables import tenants
from auth_service.store.transactions import Effects
from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.statement import Statement
from chassis.paging import Position

_SET_ROLE = Statement(text("SELECT set_config('parley.role', :role, true)"))
_ACT_FOR = Statement(
    text(
        "SELECT set_config('parley.tenant_id', :tenant_id, true),"
        " set_config('parley.user_id', :user_id, true)"
    )
)
_TENANT = select(tenants.c.id, tenants.c.name, tenants.c.created_at)


class AdminTransaction(CallerTransaction):
    """One transaction for an admin: row-level security shows what their role lets them see.

    A tenant admin sees the users and the audit log of their tenant, an operator everybody's. What
    is a user's own (logins, tokens) can be seen and changed only after ``act_for``.
    """

    async def act_for(self, user: User) -> None:
        """From here on see and change what is this user's own, and nothing else."""
        await _ACT_FOR.run(self._connection, tenant_id=str(user.tenant_id), user_id=str(user.id))

    async def audit_entries(
        self, audit_filter: AuditFilter, *, before: Position | None, limit: int
    ) -> Sequence[AuditEntry]:
        return await find_entries(self._connection, audit_filter, before=before, limit=limit)

    async def count_entries(self, audit_filter: AuditFilter, *, at_most: int) -> int:
        return await count_entries(self._connection, audit_filter, at_most=at_most)

    async def add_tenant(self, tenant: Tenant) -> bool:
        result = await self._connection.execute(
            upsert(tenants)
            .values(id=tenant.id, name=tenant.name, created_at=tenant.created_at)
            .on_conflict_do_nothing()
            .returning(tenants.c.id)
        )
        return result.one_or_none() is not None

    async def tenant(self, tenant_id: UUID) -> Tenant | None:
        row = (
            await self._connection.execute(_TENANT.where(tenants.c.id == tenant_id))
        ).one_or_none()
        return None if row is None else Tenant(**row._mapping)

    async def tenants(self, *, after: NamePosition | None, limit: int) -> Sequence[Tenant]:
        query = _TENANT.order_by(tenants.c.name, tenants.c.id).limit(limit)
        if after is not None:
            query = query.where(tuple_(tenants.c.name, tenants.c.id) > tuple_(*after))
        return [Tenant(**row._mapping) for row in await self._connection.execute(query)]

    async def count_tenants(self) -> int:
        query = select(func.count()).select_from(tenants)
        return (await self._connection.execute(query)).scalar_one()


OpenAdmin = Callable[[Caller], AbstractAsyncContextManager[AdminTransaction]]


def admin_transactions(database: Database, effects: Effects) -> OpenAdmin:
    """Opens transactions on ``database``, which is connected as the app role."""

    async def ignore(_: object) -> None:
        """The value that was set is not read."""

    @asynccontextmanager
    async def open_admin(caller: Caller) -> AsyncIterator[AdminTransaction]:
        async with database.transaction(caller) as connection:
            # For this transaction alone: in their others an admin is a user like any other.
            _SET_ROLE.defer(connection, ignore, role=caller.role)
            transaction = AdminTransaction(connection, effects, caller)
            yield transaction
        transaction.changes.announce()

    return open_admin
