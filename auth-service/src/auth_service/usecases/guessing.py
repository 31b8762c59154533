"""Codes that somebody shows: guessed at so often and no oftener, and redeemed once."""

from collections.abc import Sequence

from auth_service.domain.audit import UNSEEN, Event
from auth_service.domain.codes import Purpose, bound_address
from auth_service.domain.emails import email_key
from auth_service.domain.limits import GUESS, GUESS_FROM, network_of
from auth_service.domain.logins import Client
from auth_service.domain.users import User
from auth_service.usecases.errors import InvalidCode
from auth_service.usecases.limiting import attempt, count
from auth_service.usecases.ports import Ports, SystemTransaction
from auth_service.usecases.trail import happened


async def guess(
    ports: Ports,
    *,
    purpose: Purpose,
    email: str,
    code: str,
    client: Client = UNSEEN,
    user: User | None = None,
) -> bool:
    """Whether ``code`` is good for the normalised address ``email``; counts as a guess.

    Who guesses is ``user``, or somebody at ``client``. Raises TooManyAttempts, and then the code
    was not looked at.
    """
    source = network_of(client.ip) if user is None else str(user.id)
    async with ports.open_system() as transaction:
        # A guess is spent even if the code is wrong: only an error takes it back.
        await count(
            transaction,
            attempt(ports.pseudonyms, GUESS_FROM, source),
            attempt(ports.pseudonyms, GUESS, purpose, email_key(email)),
        )
        good = await transaction.has_code(digests_of(ports, purpose, email, code))
        if not good:
            await transaction.record(
                happened(Event.CODE_REFUSED, user, client, purpose=purpose.value)
            )
    return good


async def redeem(
    ports: Ports, transaction: SystemTransaction, *, purpose: Purpose, email: str, code: str
) -> None:
    """Use the code up with what ``transaction`` does; raises InvalidCode if it is gone."""
    if not await transaction.redeem_code(digests_of(ports, purpose, email, code)):
        raise InvalidCode()


def digests_of(ports: Ports, purpose: Purpose, email: str, code: str) -> Sequence[bytes]:
    """What is kept of the code in place of it: now, and as long as an older key is in force."""
    return ports.pseudonyms.all_of("code", purpose, bound_address(purpose, email), code)


def subjects_of(ports: Ports, purpose: Purpose, email: str) -> Sequence[bytes]:
    """What a code is kept under, so that another one takes its place."""
    return ports.pseudonyms.all_of("code of", purpose, email_key(email))
