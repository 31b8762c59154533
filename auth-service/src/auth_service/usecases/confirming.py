"""The password of somebody who is logged in, asked for once more."""

from auth_service.domain.audit import Event
from auth_service.domain.limits import PASSWORD
from auth_service.domain.passwords import normalise_password
from auth_service.domain.users import Account
from auth_service.usecases.errors import TooBusy, WrongPassword
from auth_service.usecases.limiting import attempt, count, take_back
from auth_service.usecases.ports import Ports
from auth_service.usecases.trail import happened, record_alone


async def confirm_password(ports: Ports, account: Account, password: str) -> None:
    """Return if it is the account's password; failures count, so that a stolen token is no
    way to guess it.

    Raises WrongPassword, TooManyAttempts, TooBusy.
    """
    async with ports.open_system() as transaction:
        counted = await count(
            transaction, attempt(ports.pseudonyms, PASSWORD, str(account.user.id))
        )
    failed = True
    try:
        failed = not await ports.passwords.verify(
            normalise_password(password), account.password_hash
        )
    except TooBusy:
        # It was not looked at.
        failed = False
        raise
    finally:
        if not failed:
            async with ports.open_system() as transaction:
                await take_back(transaction, counted)
    if failed:
        await record_alone(ports, happened(Event.PASSWORD_REFUSED, account.user))
        raise WrongPassword()
