"""A forgotten password, set anew with a code."""

from auth_service.domain.audit_log import Event
from auth_service.domain.codes import Purpose, code_problem
from auth_service.domain.emails import email_key, email_problem, normalise_email
from auth_service.domain.errors import InvalidCode
from auth_service.domain.limits import LOGIN, LOGIN_FAMILIAR
from auth_service.domain.logins import Client
from auth_service.domain.passwords import normalise_password, password_problem
from auth_service.domain.users import username_key
from auth_service.store.accounts import Accounts
from auth_service.store.audit_log import AuditLog
from auth_service.store.logins import Logins
from auth_service.usecases.audit_log import entry_about
from auth_service.usecases.check_code import check_code, redeem_code
from auth_service.usecases.logins import revoke_ended
from auth_service.usecases.ports import Ports
from auth_service.usecases.rate_limit import attempt
from auth_service.usecases.tokens import end_tokens
from auth_service.usecases.validation import check_fields
from chassis.clock import utc_now
from servicekit.counters import Counters
from servicekit.rate_limits import network_of


async def reset_password(
    ports: Ports, *, email: str, code: str, new_password: str, client: Client
) -> None:
    """Set the password of the account with that verified address, and end all that was open.

    In one transaction: the code is used up, the password is the new one, every login has ended
    and with it every refresh token, every personal access token is gone, since whoever made it may
    be why its owner is here, and access tokens are revoked. Failed log-ins under the
    account's names, from unknown networks or from the owner's, count no more: its owner is back.
    Raises ValidationFailed, InvalidCode (also where there is no such account), TooManyAttempts,
    TooBusy.
    """
    email = normalise_email(email)
    password = normalise_password(new_password)
    check_fields(
        email=email_problem(email),
        code=code_problem(code),
        new_password=password_problem(password),
    )
    purpose = Purpose.PASSWORD_RESET
    # Reserved before the code is checked: a refusal for want of a slot spends no attempt.
    with ports.passwords.reserve_slot() as slot:
        if not await check_code(ports, purpose=purpose, email=email, code=code, client=client):
            raise InvalidCode()
        password_hash = await slot.hash(password)
    now = utc_now()
    async with ports.open_system() as transaction:
        await redeem_code(ports, transaction, purpose=purpose, email=email, code=code)
        # Locked: a log-in with the old password that is under way will find it changed.
        account = await Accounts(transaction).find_by_email(email, lock=True)
        if account is None:
            raise InvalidCode()
        user = account.user
        await Accounts(transaction).replace_password(user.id, password_hash)
        # Login by login: the one that its owner opens next, in this very second, is good.
        ended = await Logins(transaction).end_all(user.id, now)
        await revoke_ended(transaction, ended, now, tenant_id=user.tenant_id, user_id=user.id)
        tokens = await end_tokens(transaction, tenant_id=user.tenant_id, user_id=user.id)
        for name in (email_key(user.email), username_key(user.username)):
            for failures in (
                attempt(ports.pseudonyms, LOGIN, name),
                attempt(ports.pseudonyms, LOGIN_FAMILIAR, name, network_of(client.ip)),
            ):
                await Counters(transaction.connection).forget(failures.limit, failures.subject)
        await AuditLog(transaction).record(
            entry_about(
                Event.PASSWORD_RESET,
                user,
                client,
                logins_ended=str(len(ended)),
                tokens_ended=str(tokens),
            )
        )
