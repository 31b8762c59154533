"""Tenants, made and listed by operators."""

from auth_service.domain.audit_log import Event
from auth_service.domain.errors import TenantNameTaken
from auth_service.domain.tenants import Tenant, normalise_tenant_name, tenant_name_problem
from auth_service.store.audit_log import AuditLog
from auth_service.store.tenants import Tenants
from auth_service.store.transactions import OpenAdmin
from auth_service.usecases import name_cursor
from auth_service.usecases.admin import open_as_admin
from auth_service.usecases.audit_log import entry_by
from auth_service.usecases.validation import check_fields
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.idempotency import Once
from chassis.ids import new_id
from chassis.paging import Page, page_of, parse_limit


async def create_tenant(
    open_transaction: OpenAdmin, caller: Caller, *, name: str, once: Once[Tenant] | None = None
) -> Tenant:
    """Make a tenant, empty at first, ``once`` if so.

    Raises Forbidden, ValidationFailed, TenantNameTaken, also for a name that looks the same,
    IdempotencyKeyReused, RequestInProgress.
    """
    name = normalise_tenant_name(name)
    check_fields(name=tenant_name_problem(name))
    tenant = Tenant(new_id(), name, utc_now())
    lock = once is not None
    async with open_as_admin(open_transaction, caller, operator=True, lock=lock) as transaction:
        if once is not None and (earlier := await transaction.find_repeated(once, tenant)):
            return earlier
        if not await Tenants(transaction).add(tenant):
            raise TenantNameTaken()
        await AuditLog(transaction).record(
            entry_by(caller, Event.TENANT_MADE, made_tenant_id=str(tenant.id))
        )
    return tenant


async def list_tenants(
    open_transaction: OpenAdmin, caller: Caller, *, limit: int, cursor: str, count: bool
) -> Page[Tenant]:
    """A page of all tenants, by name, ``total`` if ``count``. Raises Forbidden, ValidationFailed."""
    limit = parse_limit(limit)
    after = name_cursor.from_cursor(cursor)
    async with open_as_admin(open_transaction, caller, operator=True) as transaction:
        repository = Tenants(transaction)
        tenants = await repository.list(after=after, limit=limit + 1)
        total = await repository.count() if count else None
    return page_of(
        tenants, limit, lambda tenant: name_cursor.to_cursor(tenant.name, tenant.id), total=total
    )
