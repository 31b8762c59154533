"""Admins who look at what users have used: chat-service has the numbers, the audit log who has seen them."""

from uuid import UUID

from auth_service.domain.audit_log import Event
from auth_service.store.audit_log import AuditLog
from auth_service.store.transactions import OpenAdmin
from auth_service.usecases.admin import open_as_admin, tenant_in_sight
from auth_service.usecases.audit_log import entry_by
from chassis.caller import Caller
from chassis.errors import FieldError, ValidationFailed
from chassis.text import check_text

# A day, such as 2026-11-27.
_DAY_CHARACTERS = 10


async def note_usage_read(
    open_transaction: OpenAdmin, caller: Caller, *, tenant_id: str | None, first: str, last: str
) -> UUID | None:
    """Notes who looks, at which tenant and which days; the tenant that is theirs to see, None: all.

    Raises Forbidden, TenantNotFound, also for a tenant admin who asks for another tenant,
    ValidationFailed.
    """
    errors: list[FieldError] = [
        *check_text("from", first, maximum=_DAY_CHARACTERS),
        *check_text("to", last, maximum=_DAY_CHARACTERS),
    ]
    if errors:
        raise ValidationFailed(fields=errors)
    async with open_as_admin(open_transaction, caller) as transaction:
        seen = await tenant_in_sight(transaction, caller, tenant_id)
        of_it = {} if seen is None else {"of_tenant_id": str(seen)}
        days = {"first": first, "last": last}
        await AuditLog(transaction).record(
            entry_by(caller, Event.USAGE_READ, None, **days, **of_it)
        )
    return seen
