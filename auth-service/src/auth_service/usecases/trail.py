"""How use cases tell the audit trail what happened."""

from typing import Protocol
from uuid import UUID

from auth_service.domain.audit import UNSEEN, Entry, Event
from auth_service.domain.logins import Client
from auth_service.usecases.ports import Ports
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.ids import new_id, parse_id


class HasOwner(Protocol):
    """What belongs to a user: a login, a token, the user's scope."""

    @property
    def tenant_id(self) -> UUID: ...

    @property
    def user_id(self) -> UUID: ...


class IsUser(Protocol):
    """Somebody."""

    @property
    def id(self) -> UUID: ...

    @property
    def tenant_id(self) -> UUID: ...


def happened(
    event: Event, subject: IsUser | None = None, client: Client = UNSEEN, **fields: str
) -> Entry:
    """What somebody did who was not logged in, or a command; ``subject`` None: to nobody known."""
    return Entry(
        id=new_id(),
        at=utc_now(),
        event=event,
        tenant_id=None if subject is None else subject.tenant_id,
        actor_id=None,
        subject_id=None if subject is None else subject.id,
        client=client,
        fields=fields,
    )


def happened_to(event: Event, owned: HasOwner, client: Client = UNSEEN, **fields: str) -> Entry:
    """The same, to the owner of ``owned``."""
    return Entry(
        id=new_id(),
        at=utc_now(),
        event=event,
        tenant_id=owned.tenant_id,
        actor_id=None,
        subject_id=owned.user_id,
        client=client,
        fields=fields,
    )


def done_by(caller: Caller, event: Event, subject: IsUser | None = None, **fields: str) -> Entry:
    """What ``caller`` did, to ``subject`` or to themselves.

    It is the subject's tenant's: where an operator of another one sits is not told there.
    """
    tenant_id = caller.tenant_id if subject is None else subject.tenant_id
    return Entry(
        id=new_id(),
        at=utc_now(),
        event=event,
        tenant_id=tenant_id,
        actor_id=caller.user_id,
        subject_id=caller.user_id if subject is None else subject.id,
        client=UNSEEN,
        fields=fields,
        sid=parse_id(caller.sid) if tenant_id == caller.tenant_id else None,
    )


async def record_alone(ports: Ports, entry: Entry) -> None:
    """Record what has no transaction of its own: it failed."""
    async with ports.open_system() as transaction:
        await transaction.record(entry)
