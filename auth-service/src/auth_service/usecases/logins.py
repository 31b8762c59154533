"""The caller's logins, one by one: which are open, and their end."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from auth_service.domain.audit_log import Event
from auth_service.domain.errors import LoginNotFound
from auth_service.domain.logins import EndedLogin, OpenLogin
from auth_service.domain.trust import may_still_be_used
from auth_service.store.audit_log import AuditLog
from auth_service.store.logins import Logins
from auth_service.store.transactions import OpenCaller, Transaction
from auth_service.usecases.audit_log import entry_by
from auth_service.usecases.revocations import revoke_sids
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.ids import parse_id, parse_named_id
from chassis.paging import Page, Position, page_of, parse_limit


async def list_logins(
    open_transaction: OpenCaller, caller: Caller, *, limit: int, cursor: str, count: bool
) -> Page[OpenLogin]:
    """A page of the caller's open logins, last used first, ``total`` if ``count``.

    Raises ValidationFailed.
    """
    limit = parse_limit(limit)
    after = Position.from_cursor(cursor)
    now = utc_now()
    async with open_transaction(caller) as transaction:
        logins = Logins(transaction)
        found = await logins.list_open(caller.user_id, now, after=after, limit=limit + 1)
        total = await logins.count_open(caller.user_id, now) if count else None
    return page_of(found, limit, _cursor_of, total=total)


async def revoke_login(open_transaction: OpenCaller, caller: Caller, login_id: str) -> None:
    """End one of the caller's open logins, perhaps their own. Raises LoginNotFound."""
    parsed = parse_named_id(login_id, LoginNotFound)
    now = utc_now()
    async with open_transaction(caller) as transaction:
        ended = await Logins(transaction).end_all(caller.user_id, now, only=parsed)
        if not ended:
            raise LoginNotFound()
        await revoke_ended(
            transaction, ended, now, tenant_id=caller.tenant_id, user_id=caller.user_id
        )
        await AuditLog(transaction).record(
            entry_by(caller, Event.LOGIN_REVOKED, login_id=str(parsed))
        )


async def revoke_logins(open_transaction: OpenCaller, caller: Caller) -> None:
    """End every login of the caller's, this one included."""
    now = utc_now()
    async with open_transaction(caller) as transaction:
        ended = await Logins(transaction).end_all(caller.user_id, now)
        await revoke_ended(
            transaction, ended, now, tenant_id=caller.tenant_id, user_id=caller.user_id
        )
        await AuditLog(transaction).record(
            entry_by(caller, Event.LOGINS_REVOKED, count=str(len(ended)))
        )


async def revoke_ended(
    transaction: Transaction,
    ended: Sequence[EndedLogin],
    now: datetime,
    *,
    tenant_id: UUID,
    user_id: UUID,
) -> None:
    """Revoke what may be open still of the user's logins that end with this transaction."""
    sids = [login.id for login in ended if may_still_be_used(login.last_used_at, now)]
    await revoke_sids(transaction, sids, now, tenant_id=tenant_id, user_id=user_id)


def own_login(caller: Caller) -> UUID | None:
    """The login that the caller's token belongs to, if it is a login's."""
    return parse_id(caller.sid)


def _cursor_of(login: OpenLogin) -> str:
    return Position(login.last_used_at, login.id).to_cursor()
