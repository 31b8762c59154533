"""Register, log in, log out."""

from dataclasses import replace

from auth_service.domain.audit import Event
from auth_service.domain.emails import email_problem, normalise_email
from auth_service.domain.logins import Client
from auth_service.domain.passwords import PASSWORD_MAX, normalise_password, password_problem
from auth_service.domain.trust import end_for_good
from auth_service.domain.users import (
    Account,
    Role,
    User,
    normalise_username,
    username_key,
    username_problem,
)
from auth_service.usecases.errors import InvalidCredentials, TooBusy, UsernameTaken
from auth_service.usecases.granting import Grant, open_login
from auth_service.usecases.ports import Ports
from auth_service.usecases.trail import done_by, happened, record_alone
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import new_id, parse_id

# A name or an e-mail address; more is nobody's.
_IDENTIFIER_MAX = 254


async def register(
    ports: Ports, *, username: str, email: str, password: str, client: Client
) -> Grant:
    """Create a user in the newcomers' tenant and log them in.

    Raises ValidationFailed naming every field that is not acceptable, UsernameTaken, TooBusy.
    """
    username = normalise_username(username)
    email = normalise_email(email)
    password = normalise_password(password)
    problems = {
        "username": username_problem(username),
        "email": email_problem(email),
        "password": password_problem(password),
    }
    if fields := [FieldError(name, reason) for name, reason in problems.items() if reason]:
        raise ValidationFailed(fields=fields)
    password_hash = await ports.passwords.hash(password)
    now = utc_now()
    async with ports.open_system() as transaction:
        user = User(
            id=new_id(),
            tenant_id=await transaction.ensure_tenant(ports.tenant, new_id=new_id()),
            username=username,
            email=email,
            role=Role.USER,
            created_at=now,
            last_login_at=now,
        )
        account = Account(user, password_hash)
        if not await transaction.add_account(account, key=username_key(username)):
            raise UsernameTaken()
        grant = await open_login(ports, transaction, user, client, now)
        await transaction.record(happened(Event.USER_REGISTERED, user, client))
    return grant


async def log_in(ports: Ports, *, username: str, password: str, client: Client) -> Grant:
    """Open a new login for the user of that name.

    Raises InvalidCredentials, after the same work, whatever of the two was wrong; TooBusy.
    Text that can be neither a name nor a password raises ValidationFailed.
    """
    password = normalise_password(password)
    _check_shape(username, password)
    async with ports.open_system() as transaction:
        account = await transaction.account_by_key(username_key(username))
    # No connection is held while the hash is computed.
    matches = await ports.passwords.verify(password, account.password_hash if account else None)
    if account is None or not matches:
        user = account.user if account else None
        await record_alone(ports, happened(Event.LOGIN_REFUSED, user, client))
        raise InvalidCredentials()
    password_hash = await _renewed_hash(ports, password, account)
    now = utc_now()
    async with ports.open_system() as transaction:
        current = await transaction.account(account.user.id, lock=True)
        # Deleted, or given another password, while the hash was computed.
        if current is None or current.password_hash != account.password_hash:
            raise InvalidCredentials()
        await transaction.note_login(current.user.id, password_hash=password_hash, at=now)
        user = replace(current.user, last_login_at=now)
        grant = await open_login(ports, transaction, user, client, now)
        await transaction.record(happened(Event.LOGIN_OPENED, user, client))
    return grant


async def log_out(ports: Ports, caller: Caller) -> None:
    """End the caller's login: its refresh token at once, its access tokens within seconds."""
    now = utc_now()
    login_id = parse_id(caller.sid)
    async with ports.open_caller(caller) as transaction:
        if login_id is not None:
            await transaction.end_login(login_id, now)
        await transaction.revoke(
            end_for_good(
                new_id(),
                tenant_id=caller.tenant_id,
                user_id=caller.user_id,
                sid=caller.sid,
                now=now,
            )
        )
        await transaction.record(done_by(caller, Event.LOGIN_CLOSED))


def _check_shape(username: str, password: str) -> None:
    fields = []
    for name, text, maximum in (
        ("username", username, _IDENTIFIER_MAX),
        ("password", password, PASSWORD_MAX),
    ):
        if len(text) > maximum:
            fields.append(FieldError(name, "TOO_LONG"))
        elif "\0" in text:
            fields.append(FieldError(name, "INVALID_CHARACTER"))
    if fields:
        raise ValidationFailed(fields=fields)


async def _renewed_hash(ports: Ports, password: str, account: Account) -> str:
    """The account's hash, made anew if its parameters are not today's."""
    if not ports.passwords.is_outdated(account.password_hash):
        return account.password_hash
    try:
        return await ports.passwords.hash(password)
    except TooBusy:
        # There will be another log-in; this one has succeeded.
        return account.password_hash
