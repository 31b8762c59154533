"""Authorisation of admins: who they are, and whom they may change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from auth_service.domain.authority import may_change
from auth_service.domain.errors import NotYourself, TenantNotFound, UserNotFound
from auth_service.domain.users import Role, Status, User
from auth_service.store.tenants import Tenants
from auth_service.store.transactions import AdminTransaction, OpenAdmin
from auth_service.store.users import Users
from chassis.caller import Caller
from chassis.errors import Forbidden
from chassis.ids import parse_id, parse_named_id

_ADMINS = frozenset({Role.TENANT_ADMIN, Role.OPERATOR})
_OPERATORS = frozenset({Role.OPERATOR})


@asynccontextmanager
async def open_as_admin(
    open_transaction: OpenAdmin, caller: Caller, *, operator: bool = False, lock: bool = False
) -> AsyncIterator[AdminTransaction]:
    """A transaction with what ``caller``'s role lets them see.

    With ``lock`` nobody deletes the caller before it ends: for what is kept under their id.
    Raises Forbidden for whoever is no admin (no ``operator``, if it takes one), by their token
    or, in the seconds before that is revoked, by now.
    """
    if caller.role not in (_OPERATORS if operator else _ADMINS):
        raise Forbidden()
    async with open_transaction(caller) as transaction:
        users = Users(transaction)
        if lock:
            present = next(iter(await users.lock([caller.user_id])), None)
        else:
            present = await users.find(caller.user_id)
        _check_still_admin(caller, present)
        yield transaction


async def lock_target(
    transaction: AdminTransaction, caller: Caller, user_id: str, *, role: Role | None = None
) -> User:
    """The user that is to be changed, perhaps to ``role``; others wait until it is done.

    Raises UserNotFound, also for those out of sight, NotYourself, Forbidden.
    """
    parsed = parse_named_id(user_id, UserNotFound)
    if parsed == caller.user_id:
        raise NotYourself()
    # Both at once: of two admins who remove each other, the second is none any more.
    locked = {user.id: user for user in await Users(transaction).lock([caller.user_id, parsed])}
    _check_still_admin(caller, locked.get(caller.user_id))
    target = locked.get(parsed)
    if target is None:
        raise UserNotFound()
    if not may_change(Role(caller.role), target, role=role):
        raise Forbidden()
    return target


async def tenant_in_sight(
    transaction: AdminTransaction, caller: Caller, tenant_id: str | None
) -> UUID | None:
    """The tenant to look in; None: in all of them.

    Raises TenantNotFound, also for a tenant admin who asks for another tenant.
    """
    if caller.role != Role.OPERATOR:
        if tenant_id not in {None, str(caller.tenant_id)}:
            raise TenantNotFound()
        return caller.tenant_id
    if tenant_id is None:
        return None
    parsed = parse_id(tenant_id)
    if parsed is None or await Tenants(transaction).find(parsed) is None:
        raise TenantNotFound()
    return parsed


def _check_still_admin(caller: Caller, present: User | None) -> None:
    if present is None or present.status is not Status.ACTIVE or present.role != caller.role:
        raise Forbidden()
