"""A new password for whoever knows the old one."""

from auth_service.domain.audit_log import Event
from auth_service.domain.passwords import normalise_password, password_problem
from auth_service.store.accounts import Accounts
from auth_service.store.audit_log import AuditLog
from auth_service.store.logins import Logins
from auth_service.usecases.audit_log import entry_by
from auth_service.usecases.confirm_password import confirm_password, lock_confirmed, own_account
from auth_service.usecases.logins import own_login, revoke_ended
from auth_service.usecases.ports import Ports
from auth_service.usecases.validation import check_fields
from chassis.caller import Caller
from chassis.clock import utc_now


async def change_password(
    ports: Ports, caller: Caller, *, old_password: str, new_password: str
) -> None:
    """Set the caller's password. In the same transaction every login but theirs ends: its refresh
    token at once, its access tokens within seconds. No log-in with the old one is under way after.

    Raises ValidationFailed, WrongPassword, TooManyAttempts, AccountDeleted, TooBusy.
    """
    new_password = normalise_password(new_password)
    check_fields(new_password=password_problem(new_password))
    account = await own_account(ports.open_caller, caller)
    # No connection is held while hashes are computed.
    await confirm_password(ports, account, old_password)
    with ports.passwords.reserve_slot() as slot:
        password_hash = await slot.hash(new_password)
    now = utc_now()
    async with ports.open_caller(caller) as transaction:
        await lock_confirmed(transaction, account)
        await Accounts(transaction).replace_password(caller.user_id, password_hash)
        ended = await Logins(transaction).end_all(caller.user_id, now, but=own_login(caller))
        await revoke_ended(
            transaction, ended, now, tenant_id=caller.tenant_id, user_id=caller.user_id
        )
        await AuditLog(transaction).record(
            entry_by(caller, Event.PASSWORD_CHANGED, logins_ended=str(len(ended)))
        )
