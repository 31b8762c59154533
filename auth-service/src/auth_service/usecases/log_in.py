"""Register, log in, log out."""

from dataclasses import replace
from datetime import datetime

from auth_service.domain.audit_log import Event
from auth_service.domain.codes import Purpose, code_problem
from auth_service.domain.emails import email_key, email_problem, normalise_email
from auth_service.domain.errors import (
    CodeRequired,
    EmailTaken,
    InvalidCode,
    InvalidCredentials,
    UsernameTaken,
)
from auth_service.domain.limits import LOGIN, LOGIN_FAMILIAR, LOGIN_FROM
from auth_service.domain.logins import LOGINS_MAX, Client
from auth_service.domain.passwords import normalise_password, password_problem
from auth_service.domain.trust import permanent_revocation
from auth_service.domain.users import (
    Account,
    Role,
    Status,
    User,
    normalise_username,
    username_key,
    username_problem,
)
from auth_service.store.accounts import Accounts
from auth_service.store.audit_log import AuditLog
from auth_service.store.logins import Logins
from auth_service.store.revocations import Revocations
from auth_service.store.tenants import Tenants
from auth_service.store.transactions import OpenCaller, SystemTransaction
from auth_service.usecases.audit_log import entry_about, entry_by, record_in_own_transaction
from auth_service.usecases.check_code import check_code, redeem_code
from auth_service.usecases.grants import Grant, open_login
from auth_service.usecases.logins import revoke_ended
from auth_service.usecases.ports import Ports
from auth_service.usecases.rate_limit import Attempt, attempt, count_attempts, take_back
from auth_service.usecases.validation import check_fields
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import new_id, parse_id
from parley.bounds import LOG_IN_NAME, PASSWORD
from servicekit.rate_limits import network_of


async def register(
    ports: Ports,
    *,
    username: str,
    email: str,
    password: str,
    client: Client,
    code: str | None = None,
) -> Grant:
    """Create a user in the newcomers' tenant and log them in.

    With a code that was sent to it the address is verified, and the code redeemed in the same
    transaction; without one the address is only shown. Raises ValidationFailed naming every field
    that is not acceptable, CodeRequired, UsernameTaken, InvalidCode, EmailTaken (only after a valid
    code), TooManyAttempts, TooBusy.
    """
    username = normalise_username(username)
    email = normalise_email(email)
    password = normalise_password(password)
    check_fields(
        username=username_problem(username),
        email=email_problem(email),
        password=password_problem(password),
        code=None if code is None else code_problem(code),
    )
    if code is None and ports.codes.required_to_register:
        raise CodeRequired()
    with ports.passwords.reserve_slot() as slot:
        await _check_name_is_free(ports, username=username, client=client)
        if code is not None and not await check_code(
            ports, purpose=Purpose.REGISTER, email=email, code=code, client=client
        ):
            raise InvalidCode()
        password_hash = await slot.hash(password)
    now = utc_now()
    async with ports.open_system() as transaction:
        if code is not None:
            await redeem_code(ports, transaction, purpose=Purpose.REGISTER, email=email, code=code)
        user = User(
            id=new_id(),
            tenant_id=await Tenants(transaction).ensure(ports.tenant, new_id=new_id()),
            username=username,
            email=email,
            role=Role.USER,
            created_at=now,
            last_login_at=now,
            email_verified_at=None if code is None else now,
        )
        account = Account(user, password_hash, password_set_at=now)
        # Checked before: the database does not see an address under a key of earlier rules.
        taken = code is not None and await Accounts(transaction).is_email_taken(email)
        if taken or not await Accounts(transaction).add(account, key=username_key(username)):
            # Or has been since.
            if taken or (code is not None and await Accounts(transaction).is_email_taken(email)):
                raise EmailTaken()
            raise UsernameTaken()
        grant = await open_login(ports, transaction, user, client, now)
        await AuditLog(transaction).record(entry_about(Event.USER_REGISTERED, user, client))
    return grant


async def log_in(ports: Ports, *, username: str, password: str, client: Client) -> Grant:
    """Open a new login for the user of that name, or of that verified e-mail address.

    Raises InvalidCredentials, after the same work, whatever of the two was wrong; TooBusy;
    TooManyAttempts, whether or not there is such a user: failures count, by the name and by
    the client's address. Text that can be neither a name nor a password raises
    ValidationFailed.
    """
    password = normalise_password(password)
    _check_shape(username, password)
    with ports.passwords.reserve_slot() as slot:
        async with ports.open_system() as transaction:
            known = await _find(transaction, username)
            # A disabled account is treated as unknown; the audit log alone names it.
            account = known if known is not None and known.user.status is Status.ACTIVE else None
            name_attempt = await _name_attempt(ports, transaction, account, username, client)
            # Counted before the password is checked: of a thousand at once, ten are checked.
            *failures, _ = await count_attempts(
                transaction,
                attempt(ports.pseudonyms, LOGIN_FROM, network_of(client.ip)),
                name_attempt,
                attempt(ports.pseudonyms, ports.log_ins, _key(username)),
            )
        # No connection is held while the hash is computed.
        matches = await slot.verify(password, account.password_hash if account else None)
        renewed = None
        if account and matches and ports.passwords.is_outdated(account.password_hash):
            renewed = await slot.hash(password)
    if account is None or not matches:
        user = known.user if known else None
        await record_in_own_transaction(
            ports.open_system, entry_about(Event.LOGIN_REFUSED, user, client)
        )
        raise InvalidCredentials()
    now = utc_now()
    async with ports.open_system() as transaction:
        current = await Accounts(transaction).find(account.user.id, lock=True)
        # Deleted, or given another password, while the hash was computed.
        if current is None or current.password_set_at != account.password_set_at:
            raise InvalidCredentials()
        await take_back(transaction, failures)
        await Accounts(transaction).set_last_login(current.user.id, password_hash=renewed, at=now)
        user = replace(current.user, last_login_at=now)
        await _end_excess_logins(transaction, user, now)
        grant = await open_login(ports, transaction, user, client, now)
        await AuditLog(transaction).record(entry_about(Event.LOGIN_OPENED, user, client))
    return grant


async def log_out(open_transaction: OpenCaller, caller: Caller) -> None:
    """End the caller's login: its refresh token at once, its access tokens within seconds."""
    now = utc_now()
    login_id = parse_id(caller.sid)
    async with open_transaction(caller) as transaction:
        if login_id is not None:
            await Logins(transaction).end(login_id, now)
        await Revocations(transaction).add(
            permanent_revocation(
                new_id(),
                tenant_id=caller.tenant_id,
                user_id=caller.user_id,
                sid=caller.sid,
                now=now,
            )
        )
        await AuditLog(transaction).record(entry_by(caller, Event.LOGIN_CLOSED))


async def _check_name_is_free(ports: Ports, *, username: str, client: Client) -> None:
    """Raises UsernameTaken before a code is checked or a hash computed: names are no secret."""
    source = attempt(ports.pseudonyms, ports.registrations, network_of(client.ip))
    async with ports.open_system() as transaction:
        await count_attempts(transaction, source)
        taken = await Accounts(transaction).find_by_key(username_key(username)) is not None
    # Outside: the attempt stays counted.
    if taken:
        raise UsernameTaken()


async def _name_attempt(
    ports: Ports,
    transaction: SystemTransaction,
    account: Account | None,
    username: str,
    client: Client,
) -> Attempt:
    """What failures under that name count as; for an unknown name after the same work."""
    network = network_of(client.ip)
    if (
        await Logins(transaction).has_used_network(
            account.user.id if account else new_id(), network
        )
        and network
    ):
        return attempt(ports.pseudonyms, LOGIN_FAMILIAR, _key(username), network)
    return attempt(ports.pseudonyms, LOGIN, _key(username))


async def _end_excess_logins(transaction: SystemTransaction, user: User, now: datetime) -> None:
    """End the oldest logins of the user, so that the next one makes LOGINS_MAX."""
    ended = await Logins(transaction).end_oldest(user.id, now, but=LOGINS_MAX - 1)
    await revoke_ended(transaction, ended, now, tenant_id=user.tenant_id, user_id=user.id)
    if ended:
        await AuditLog(transaction).record(
            entry_about(Event.LOGINS_REVOKED, user, count=str(len(ended)), because="too many")
        )


def _key(typed: str) -> str:
    """What finds the user; a name never has an ``@``, an address always."""
    return email_key(typed) if "@" in typed else username_key(typed)


async def _find(transaction: SystemTransaction, typed: str) -> Account | None:
    """The account, also one that is disabled."""
    if "@" in typed:
        return await Accounts(transaction).find_by_email(typed, disabled=True)
    return await Accounts(transaction).find_by_key(_key(typed), disabled=True)


def _check_shape(username: str, password: str) -> None:
    fields = []
    for name, text, maximum in (
        ("username", username, LOG_IN_NAME.maximum),
        ("password", password, PASSWORD.maximum),
    ):
        if len(text) > maximum:
            fields.append(FieldError(name, "TOO_LONG", maximum=maximum))
        elif "\0" in text:
            fields.append(FieldError(name, "INVALID_CHARACTER"))
    if fields:
        raise ValidationFailed(fields=fields)
