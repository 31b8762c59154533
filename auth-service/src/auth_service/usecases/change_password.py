"""A new password for whoever knows the old one."""

from auth_service.domain.audit import Event
from auth_service.domain.passwords import normalise_password, password_problem
from auth_service.usecases.confirming import confirm_password
from auth_service.usecases.errors import AccountDeleted, WrongPassword
from auth_service.usecases.logins import own_login, revoke_ended
from auth_service.usecases.ports import Ports
from auth_service.usecases.trail import done_by
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import FieldError, ValidationFailed


async def change_password(
    ports: Ports, caller: Caller, *, old_password: str, new_password: str
) -> None:
    """Set the caller's password. In the same transaction every login but theirs ends: its refresh
    token at once, its access tokens within seconds. No log-in with the old one is under way after.

    Raises ValidationFailed, WrongPassword, TooManyAttempts, AccountDeleted, TooBusy.
    """
    new_password = normalise_password(new_password)
    if problem := password_problem(new_password):
        raise ValidationFailed(fields=[FieldError("new_password", problem)])
    async with ports.open_caller(caller) as transaction:
        account = await transaction.account(caller.user_id)
    if account is None:
        raise AccountDeleted()
    # No connection is held while hashes are computed.
    await confirm_password(ports, account, old_password)
    password_hash = await ports.passwords.hash(new_password)
    now = utc_now()
    async with ports.open_caller(caller) as transaction:
        current = await transaction.account(caller.user_id, lock=True)
        if current is None:
            raise AccountDeleted()
        if current.password_hash != account.password_hash:
            # Another change was first: what was presented is the old password no more.
            raise WrongPassword()
        await transaction.replace_password(caller.user_id, password_hash)
        ended = await transaction.end_logins(caller.user_id, now, but=own_login(caller))
        await revoke_ended(transaction, caller, ended, now)
        await transaction.record(
            done_by(caller, Event.PASSWORD_CHANGED, logins_ended=str(len(ended)))
        )
