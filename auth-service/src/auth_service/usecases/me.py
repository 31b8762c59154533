"""The caller's own account: read it, delete it."""

from uuid import UUID

from auth_service.domain.erasures import ERASING_SERVICES, THIS_SERVICE, Erasure
from auth_service.domain.trust import end_for_good
from auth_service.domain.users import User
from auth_service.usecases.confirming import confirm_password
from auth_service.usecases.errors import AccountDeleted, WrongPassword
from auth_service.usecases.ports import Ports
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.ids import new_id


async def get_me(ports: Ports, caller: Caller) -> User:
    """The caller; raises AccountDeleted in the seconds before their token is refused."""
    async with ports.open_caller(caller) as transaction:
        user = await transaction.user(caller.user_id)
    if user is None:
        raise AccountDeleted()
    return user


async def delete_me(ports: Ports, caller: Caller, *, password: str) -> UUID:
    """Delete the caller's account for good and return the id of the erasure's receipt.

    In one transaction: nothing personal is left here, every login has ended, access tokens
    are revoked, and the event for the other services is on its way. The username is free
    again. Raises WrongPassword, TooManyAttempts, AccountDeleted, TooBusy.
    """
    async with ports.open_caller(caller) as transaction:
        account = await transaction.account(caller.user_id)
    if account is None:
        raise AccountDeleted()
    await confirm_password(ports, account, password)
    now = utc_now()
    erasure = Erasure(new_id(), caller.tenant_id, caller.user_id, requested_at=now)
    async with ports.open_caller(caller) as transaction:
        current = await transaction.account(caller.user_id, lock=True)
        if current is None:
            raise AccountDeleted()
        if current.password_hash != account.password_hash:
            raise WrongPassword()
        await transaction.entomb(caller.user_id, now)
        await transaction.revoke(
            end_for_good(
                new_id(),
                tenant_id=caller.tenant_id,
                user_id=caller.user_id,
                sid=None,
                now=now,
            )
        )
        await transaction.add_erasure(erasure, services=ERASING_SERVICES)
        await transaction.confirm_erasure(erasure.id, THIS_SERVICE, now)
        await transaction.publish_deleted(erasure)
    ports.journal.info("user.deleted", user_id=str(caller.user_id), erasure_id=str(erasure.id))
    return erasure.id
