"""The audit log as admins read it."""

from datetime import datetime

from auth_service.domain.audit_log import AuditEntry, AuditFilter
from auth_service.domain.users import Role
from auth_service.store.audit_log import AuditLog
from auth_service.store.transactions import OpenAdmin
from auth_service.usecases.admin import open_as_admin
from chassis.caller import Caller
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import parse_id
from chassis.paging import Page, Position, page_of, parse_limit
from chassis.text import check_text
from parley.bounds import EVENT

# More entries are not counted: an audit log may have millions.
_COUNT_MAX = 10_000


async def list_audit(
    open_transaction: OpenAdmin,
    caller: Caller,
    *,
    event: str,
    user_id: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    cursor: str,
    count: bool,
) -> Page[AuditEntry]:
    """A page of what happened in the caller's tenant, for an operator in all, newest first.

    ``event`` is an event's name, or the beginning of some if it ends with a dot. If ``count``
    there is a ``total``, which stops at 10,000. Raises Forbidden, ValidationFailed.
    """
    limit = parse_limit(limit)
    before = Position.from_cursor(cursor)
    errors = check_text("event", event, maximum=EVENT.maximum)
    about = None if user_id is None else parse_id(user_id)
    if user_id is not None and about is None:
        errors.append(FieldError("user_id", "INVALID"))
    if errors:
        raise ValidationFailed(fields=errors)
    audit_filter = AuditFilter(
        tenant_id=None if caller.role == Role.OPERATOR else caller.tenant_id,
        event=event,
        user_id=about,
        since=since,
        until=until,
    )
    async with open_as_admin(open_transaction, caller) as transaction:
        audit_log = AuditLog(transaction)
        entries = await audit_log.list(audit_filter, before=before, limit=limit + 1)
        total = await audit_log.count(audit_filter, at_most=_COUNT_MAX) if count else None
    return page_of(
        entries, limit, lambda entry: Position(entry.at, entry.id).to_cursor(), total=total
    )
