"""Retention: deletes what has expired and cannot matter any more."""

from auth_service.store.audit_log import AuditLog
from auth_service.store.expired import delete_expired
from auth_service.usecases.ports import Ports
from chassis.clock import utc_now


async def prune(ports: Ports) -> None:
    """Delete expired logins, tokens of all kinds, revocations and audit log entries."""
    now = utc_now()
    await delete_expired(ports.open_system, now)
    is_more = True
    while is_more:
        async with ports.open_system() as transaction:
            is_more = await AuditLog(transaction).prune(now - ports.audit_life)
