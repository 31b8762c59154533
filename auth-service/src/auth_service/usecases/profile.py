"""Users change their profile: display name and e-mail address."""

from dataclasses import dataclass

from auth_service.domain.audit_log import Event
from auth_service.domain.codes import Purpose, code_problem
from auth_service.domain.emails import email_problem, normalise_email
from auth_service.domain.errors import AccountDeleted, InvalidCode, WrongPassword
from auth_service.domain.limits import PROFILE
from auth_service.domain.profiles import display_name_problem, normalise_display_name
from auth_service.domain.users import Account, User
from auth_service.store.accounts import Accounts
from auth_service.store.audit_log import AuditLog
from auth_service.store.transactions import Transaction
from auth_service.usecases.audit_log import entry_by
from auth_service.usecases.check_code import check_code, redeem_code
from auth_service.usecases.confirm_password import confirm_password, own_account
from auth_service.usecases.ports import Ports
from auth_service.usecases.rate_limit import attempt, count_attempts
from auth_service.usecases.validation import check_fields
from chassis.caller import Caller
from chassis.clock import utc_now


async def update_me(
    ports: Ports,
    caller: Caller,
    *,
    display_name: str | None = None,
    email: str | None = None,
    password: str | None = None,
    code: str | None = None,
) -> User:
    """Change what is given, all of it or nothing, and return the user as they are now.

    Counts against the rate limit PROFILE: each change is an entry in the audit log.

    Another address needs the password, and is unverified unless ``code`` was sent to it; a
    code without an address verifies the present one. Raises ValidationFailed, WrongPassword,
    InvalidCode, EmailTaken (only after a valid code), TooManyAttempts,
    AccountDeleted, TooBusy.
    """
    if display_name is not None:
        display_name = normalise_display_name(display_name)
    if email is not None:
        email = normalise_email(email)
    check_fields(
        display_name=None if display_name is None else display_name_problem(display_name),
        email=None if email is None else email_problem(email),
        code=None if code is None else code_problem(code),
    )
    async with ports.open_system() as transaction:
        await count_attempts(transaction, attempt(ports.pseudonyms, PROFILE, str(caller.user_id)))
    account = await own_account(ports.open_caller, caller)
    present = account.user.email
    address = present if email is None else email
    if address != present:
        check_fields(password="REQUIRED" if password is None else None)
        await confirm_password(ports, account, password or "")
    change = _Change(account, display_name, address, verified=code is not None)
    if code is None:
        async with ports.open_caller(caller) as transaction:
            return await _apply(transaction, caller, change)
    return await _apply_with_code(ports, caller, change, code)


@dataclass(frozen=True, slots=True)
class _Change:
    """What shall be, and the account as it was when the password was confirmed for it."""

    before: Account
    display_name: str | None
    email: str
    verified: bool

    @property
    def changes_email(self) -> bool:
        return self.email != self.before.user.email


async def _apply_with_code(ports: Ports, caller: Caller, change: _Change, code: str) -> User:
    purpose, user = Purpose.REGISTER, change.before.user
    if not await check_code(ports, purpose=purpose, email=change.email, code=code, user=user):
        raise InvalidCode()
    # A code is nobody's row: whoever redeems one does it as the worker.
    async with ports.open_system() as transaction:
        await redeem_code(ports, transaction, purpose=purpose, email=change.email, code=code)
        return await _apply(transaction, caller, change)


async def _apply(transaction: Transaction, caller: Caller, change: _Change) -> User:
    before = change.before
    user_id = before.user.id
    current = await Accounts(transaction).find(user_id, lock=True)
    if current is None:
        raise AccountDeleted()
    # Confirmed by a password, or a code for an address, that is another by now.
    if change.changes_email and current.password_set_at != before.password_set_at:
        raise WrongPassword()
    if change.verified and current.user.email != before.user.email:
        raise InvalidCode()
    name = change.display_name if change.display_name != current.user.display_name else None
    if name is None and not change.changes_email and not change.verified:
        return current.user
    if change.changes_email or change.verified:
        verified_at = utc_now() if change.verified else None
        await Accounts(transaction).set_email(user_id, change.email, verified_at=verified_at)
    if name is not None:
        await Accounts(transaction).set_display_name(user_id, name)
    await AuditLog(transaction).record(
        entry_by(
            caller,
            Event.PROFILE_CHANGED,
            address_changed=str(change.changes_email),
            address_verified=str(change.verified),
        )
    )
    changed = await Accounts(transaction).find(user_id)
    assert changed is not None
    return changed.user
