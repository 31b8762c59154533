"""Codes are checked under a rate limit, and redeemed once."""

from collections.abc import Sequence

from auth_service.domain.audit_log import NO_CLIENT, Event
from auth_service.domain.codes import Purpose, bound_address
from auth_service.domain.emails import email_key
from auth_service.domain.errors import InvalidCode
from auth_service.domain.limits import GUESS, GUESS_FROM
from auth_service.domain.logins import Client
from auth_service.domain.users import User
from auth_service.store.audit_log import AuditLog
from auth_service.store.codes import Codes
from auth_service.store.transactions import SystemTransaction
from auth_service.usecases.audit_log import entry_about
from auth_service.usecases.ports import Ports, Pseudonyms
from auth_service.usecases.rate_limit import attempt, count_attempts
from servicekit.rate_limits import network_of


async def check_code(
    ports: Ports,
    *,
    purpose: Purpose,
    email: str,
    code: str,
    client: Client = NO_CLIENT,
    user: User | None = None,
) -> bool:
    """Whether ``code`` is valid for the normalised address ``email``; counts as an attempt.

    The attempt is by ``user``, or by somebody at ``client``. Raises TooManyAttempts, and then the
    code was not checked.
    """
    source = network_of(client.ip) if user is None else str(user.id)
    async with ports.open_system() as transaction:
        # The attempt counts even if the code is wrong: only an error rolls it back.
        await count_attempts(
            transaction,
            attempt(ports.pseudonyms, GUESS_FROM, source),
            attempt(ports.pseudonyms, GUESS, purpose, email_key(email)),
        )
        valid = await Codes(transaction).has(code_digests(ports.pseudonyms, purpose, email, code))
        if not valid:
            await AuditLog(transaction).record(
                entry_about(Event.CODE_REFUSED, user, client, purpose=purpose.value)
            )
    return valid


async def redeem_code(
    ports: Ports, transaction: SystemTransaction, *, purpose: Purpose, email: str, code: str
) -> None:
    """Redeem the code in ``transaction``; raises InvalidCode if it is gone."""
    if not await Codes(transaction).redeem(code_digests(ports.pseudonyms, purpose, email, code)):
        raise InvalidCode()


def code_digests(
    pseudonyms: Pseudonyms, purpose: Purpose, email: str, code: str
) -> Sequence[bytes]:
    """The keyed digests that stand for the code, under each signing key in force."""
    return pseudonyms.all_of("code", purpose, bound_address(purpose, email), code)


def code_subjects(pseudonyms: Pseudonyms, purpose: Purpose, email: str) -> Sequence[bytes]:
    """The keyed digests of purpose and address, by which a new code replaces the old one."""
    return pseudonyms.all_of("code of", purpose, email_key(email))
