"""Confirm the password of a caller who is logged in."""

from auth_service.domain.audit_log import Event
from auth_service.domain.errors import AccountDeleted, WrongPassword
from auth_service.domain.limits import PASSWORD
from auth_service.domain.passwords import normalise_password
from auth_service.domain.users import Account
from auth_service.store.accounts import Accounts
from auth_service.store.transactions import CallerTransaction, OpenCaller
from auth_service.usecases.audit_log import entry_about, record_in_own_transaction
from auth_service.usecases.ports import Ports
from auth_service.usecases.rate_limit import attempt, count_attempts, take_back
from chassis.caller import Caller


async def own_account(open_transaction: OpenCaller, caller: Caller) -> Account:
    """The caller's account as it is now. Raises AccountDeleted."""
    async with open_transaction(caller) as transaction:
        account = await Accounts(transaction).find(caller.user_id)
    if account is None:
        raise AccountDeleted()
    return account


async def lock_confirmed(transaction: CallerTransaction, confirmed: Account) -> Account:
    """The account, locked, whose password was confirmed when it was ``confirmed``.

    Raises AccountDeleted, and WrongPassword if it has another one by now.
    """
    current = await Accounts(transaction).find(confirmed.user.id, lock=True)
    if current is None:
        raise AccountDeleted()
    if current.password_set_at != confirmed.password_set_at:
        raise WrongPassword()
    return current


async def confirm_password(ports: Ports, account: Account, password: str) -> None:
    """Return if it is the account's password; failures count, so that a stolen token is no
    way to guess it.

    Raises WrongPassword, TooManyAttempts, TooBusy.
    """
    with ports.passwords.reserve_slot() as slot:
        async with ports.open_system() as transaction:
            counted = await count_attempts(
                transaction, attempt(ports.pseudonyms, PASSWORD, str(account.user.id))
            )
        matches = await slot.verify(normalise_password(password), account.password_hash)
    if not matches:
        await record_in_own_transaction(
            ports.open_system, entry_about(Event.PASSWORD_REFUSED, account.user)
        )
        raise WrongPassword()
    async with ports.open_system() as transaction:
        await take_back(transaction, counted)
