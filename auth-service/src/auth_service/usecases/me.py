"""The caller's own account: read it, delete it."""

from uuid import UUID

from auth_service.domain.audit_log import Event
from auth_service.domain.errors import AccountDeleted, WrongPassword
from auth_service.domain.users import User
from auth_service.store.audit_log import AuditLog
from auth_service.store.transactions import OpenCaller
from auth_service.store.users import Users
from auth_service.usecases.audit_log import entry_by, record_in_own_transaction
from auth_service.usecases.confirm_password import confirm_password, lock_confirmed, own_account
from auth_service.usecases.erasures import begin_erasure
from auth_service.usecases.ports import Ports
from chassis.caller import Caller
from chassis.ids import new_id


async def get_me(open_transaction: OpenCaller, caller: Caller) -> User:
    """The caller; raises AccountDeleted in the seconds before their token is refused."""
    async with open_transaction(caller) as transaction:
        user = await Users(transaction).find(caller.user_id)
    if user is None:
        raise AccountDeleted()
    return user


async def delete_me(ports: Ports, caller: Caller, *, password: str) -> UUID:
    """Delete the caller's account for good and return the id of the erasure's receipt.

    In one transaction: nothing personal is left here, every login has ended, access tokens
    are revoked, and the event for the other services is on its way. The username is free
    again. Raises WrongPassword, TooManyAttempts, AccountDeleted, TooBusy.
    """
    account = await own_account(ports.open_caller, caller)
    try:
        await confirm_password(ports, account, password)
    except WrongPassword:
        await record_in_own_transaction(
            ports.open_system, entry_by(caller, Event.USER_DELETE_REFUSED)
        )
        raise
    erasure_id = new_id()
    async with ports.open_caller(caller) as transaction:
        current = await lock_confirmed(transaction, account)
        await AuditLog(transaction).record(
            entry_by(caller, Event.USER_DELETED, erasure_id=str(erasure_id))
        )
        await begin_erasure(transaction, current.user, erasure_id)
    return erasure_id
