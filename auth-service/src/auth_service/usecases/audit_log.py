"""The audit log as use cases write it."""

from auth_service.domain.audit_log import NO_CLIENT, AuditEntry, Event
from auth_service.domain.logins import Client
from auth_service.domain.users import User
from auth_service.store.audit_log import AuditLog
from auth_service.store.transactions import OpenSystem
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import Owned
from chassis.ids import new_id, parse_id


def entry_about(
    event: Event, subject: User | None = None, client: Client = NO_CLIENT, **fields: str
) -> AuditEntry:
    """An entry without an actor: nobody was logged in, or a command did it.

    ``subject`` is None where nobody knows whom it is about.
    """
    return AuditEntry(
        id=new_id(),
        at=utc_now(),
        event=event,
        tenant_id=None if subject is None else subject.tenant_id,
        actor_id=None,
        subject_id=None if subject is None else subject.id,
        client=client,
        fields=fields,
    )


def entry_about_owner(
    event: Event, owned: Owned, client: Client = NO_CLIENT, **fields: str
) -> AuditEntry:
    """An entry without an actor, about the owner of ``owned``."""
    return AuditEntry(
        id=new_id(),
        at=utc_now(),
        event=event,
        tenant_id=owned.tenant_id,
        actor_id=None,
        subject_id=owned.user_id,
        client=client,
        fields=fields,
    )


def entry_by(
    caller: Caller, event: Event, subject: User | None = None, **fields: str
) -> AuditEntry:
    """An entry of what ``caller`` did to ``subject``, or to themselves.

    It belongs to the subject's tenant: an operator of another tenant shows no address there.
    """
    tenant_id = caller.tenant_id if subject is None else subject.tenant_id
    return AuditEntry(
        id=new_id(),
        at=utc_now(),
        event=event,
        tenant_id=tenant_id,
        actor_id=caller.user_id,
        subject_id=caller.user_id if subject is None else subject.id,
        client=NO_CLIENT,
        fields=fields,
        sid=parse_id(caller.sid) if tenant_id == caller.tenant_id else None,
    )


async def record_told(open_transaction: OpenSystem, entry: AuditEntry) -> None:
    """Record what another service tells of, the first time that it comes."""
    async with open_transaction() as transaction:
        await AuditLog(transaction).record_once(entry)


async def record_in_own_transaction(open_transaction: OpenSystem, entry: AuditEntry) -> None:
    """Record in a transaction of its own: what failed has none."""
    async with open_transaction() as transaction:
        await AuditLog(transaction).record(entry)
