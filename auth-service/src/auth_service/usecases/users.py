"""Users as their admins see them: listed, changed, disabled, deleted."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from auth_service.domain.audit_log import Event
from auth_service.domain.authority import is_demotion
from auth_service.domain.users import Role, Status, User, UserFilter, username_key
from auth_service.store.accounts import Accounts
from auth_service.store.audit_log import AuditLog
from auth_service.store.logins import Logins
from auth_service.store.transactions import AdminTransaction, OpenAdmin, OpenSystem
from auth_service.store.users import Users
from auth_service.usecases import name_cursor
from auth_service.usecases.admin import lock_target, open_as_admin, tenant_in_sight
from auth_service.usecases.audit_log import entry_about, entry_by
from auth_service.usecases.erasures import begin_erasure
from auth_service.usecases.logins import revoke_ended
from auth_service.usecases.tokens import end_tokens
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import new_id, parse_id
from chassis.paging import Page, parse_limit
from chassis.text import check_text
from parley.bounds import MAX_USER_IDS, USER_QUERY


async def list_users(
    open_transaction: OpenAdmin,
    caller: Caller,
    *,
    query: str,
    status: Status | None,
    tenant_id: str | None,
    ids: Sequence[str],
    limit: int,
    cursor: str,
    count: bool,
) -> Page[User]:
    """A page of the users of the caller's tenant, for an operator of all, by name.

    ``query`` is part of a name or an address, whatever the case; of ``ids``, if there are any, those
    that are in sight. Raises Forbidden,
    TenantNotFound, also for a tenant admin who asks for another tenant, ValidationFailed.
    """
    limit = parse_limit(limit)
    after = name_cursor.from_cursor(cursor)
    errors = check_text("query", query, maximum=USER_QUERY.maximum)
    wanted = [user_id for text in ids if (user_id := parse_id(text)) is not None]
    if len(ids) > MAX_USER_IDS:
        errors.append(FieldError("ids", "TOO_MANY", maximum=MAX_USER_IDS))
    elif len(wanted) < len(ids):
        errors.append(FieldError("ids", "INVALID"))
    if errors:
        raise ValidationFailed(fields=errors)
    async with open_as_admin(open_transaction, caller) as transaction:
        user_filter = UserFilter(
            tenant_id=await tenant_in_sight(transaction, caller, tenant_id),
            query=username_key(query),
            status=status,
            ids=wanted or None,
        )
        users = Users(transaction)
        found = await users.list(user_filter, after=after, limit=limit + 1)
        total = await users.count(user_filter) if count else None
    shown = tuple(user for _, user in found[:limit])
    if len(found) <= limit:
        return Page(shown, total=total)
    key, last = found[limit - 1]
    return Page(shown, name_cursor.to_cursor(key, last.id), total)


async def update_user(
    open_transaction: OpenAdmin,
    caller: Caller,
    user_id: str,
    *,
    role: Role | None,
    status: Status | None,
) -> User:
    """Give a user another role or status; what is None stays. Returns the user as changed.

    Whoever loses something loses every login with it, in the same transaction; with their status
    also every personal access token, and nothing of that comes back with it.
    Raises UserNotFound, NotYourself, Forbidden.
    """
    async with open_as_admin(open_transaction, caller) as transaction:
        target = await lock_target(transaction, caller, user_id, role=role)
        changed = replace(target, role=role or target.role, status=status or target.status)
        if changed.role != target.role:
            await AuditLog(transaction).record(
                entry_by(
                    caller, Event.USER_ROLE_CHANGED, target, before=target.role, after=changed.role
                )
            )
        if changed.status != target.status:
            disabled = changed.status is Status.DISABLED
            event = Event.USER_DISABLED if disabled else Event.USER_ENABLED
            await AuditLog(transaction).record(entry_by(caller, event, target))
        await transaction.act_for(target)
        if changed.role != target.role:
            await Users(transaction).set_role(target.id, changed.role)
        if changed.status != target.status:
            await Users(transaction).set_status(target.id, changed.status)
        loses_status = changed.status != target.status and changed.status is Status.DISABLED
        if loses_status:
            await end_tokens(transaction, tenant_id=target.tenant_id, user_id=target.id)
        if loses_status or is_demotion(target.role, changed.role):
            await end_logins(transaction, target)
    return changed


async def end_logins(transaction: AdminTransaction, user: User) -> None:
    """End all the user's logins; one that is opened next, in this very second, is good.

    So the user as such is not revoked. What a personal access token has been exchanged for may bear
    the role that was for two minutes more: it opens nothing that a role does.
    """
    now = utc_now()
    ended = await Logins(transaction).end_all(user.id, now)
    await revoke_ended(transaction, ended, now, tenant_id=user.tenant_id, user_id=user.id)


async def delete_user(open_transaction: OpenAdmin, caller: Caller, user_id: str) -> UUID:
    """Delete a user's account as they could themselves; the id of the erasure's receipt.

    Raises UserNotFound, NotYourself, Forbidden.
    """
    async with open_as_admin(open_transaction, caller) as transaction:
        target = await lock_target(transaction, caller, user_id)
        erasure_id = new_id()
        await AuditLog(transaction).record(
            entry_by(caller, Event.USER_DELETED, target, erasure_id=str(erasure_id))
        )
        await transaction.act_for(target)
        await begin_erasure(transaction, target, erasure_id)
    return erasure_id


async def make_operator(open_system: OpenSystem, name: str) -> User | None:
    """Make the active user of that name an operator; None when there is none."""
    async with open_system() as transaction:
        found = await Accounts(transaction).promote(username_key(name), Role.OPERATOR)
        if found is None:
            return None
        user, before = found
        if before is not Role.OPERATOR:
            await AuditLog(transaction).record(
                entry_about(Event.USER_ROLE_CHANGED, user, before=before, after=Role.OPERATOR)
            )
    return user
