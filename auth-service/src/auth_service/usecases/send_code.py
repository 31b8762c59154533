"""Codes on request: the answer comes first, the decision whether there is one to send behind it."""

from auth_service.domain.audit import Event
from auth_service.domain.codes import Purpose, new_code
from auth_service.domain.emails import email_key, email_problem, normalise_email
from auth_service.domain.limits import SEND, SEND_FROM, network_of, send_all
from auth_service.domain.logins import Client
from auth_service.domain.users import Account
from auth_service.usecases.code_ports import CodeMail, Errand
from auth_service.usecases.guessing import digests_of, subjects_of
from auth_service.usecases.limiting import attempt, count
from auth_service.usecases.ports import Ports
from auth_service.usecases.trail import happened, record_alone
from auth_service.usecases.validating import refuse


async def request_code(ports: Ports, *, email: str, purpose: Purpose, client: Client) -> None:
    """Have a code sent to that address if there is cause to: the same work for every address.

    Raises ValidationFailed for what is no address, TooManyAttempts, TooBusy.
    """
    email = normalise_email(email)
    refuse(email=email_problem(email))
    async with ports.open_system() as transaction:
        await count(
            transaction,
            attempt(ports.pseudonyms, SEND_FROM, network_of(client.ip)),
            attempt(ports.pseudonyms, SEND, purpose, email_key(email)),
            attempt(ports.pseudonyms, send_all(ports.codes.sends_an_hour)),
        )
        # Inside: what is turned away has not been sent, and does not count.
        ports.codes.errands.take(Errand(purpose, email))
    ports.journal.info("code.requested", purpose=purpose.value, ip=client.ip)


async def send_code(ports: Ports, errand: Errand) -> None:
    """Make the code, and send it if there is somebody to send it to. Raises NotDelivered.

    A code is made and kept in any case: the database has the same work with every address,
    and a code that nobody was told is as good as none.
    """
    code = new_code()
    async with ports.open_system() as transaction:
        account = await transaction.account_by_email(errand.email)
        await transaction.save_code(
            errand.purpose,
            subjects=subjects_of(ports, errand.purpose, errand.email),
            digest=digests_of(ports, errand.purpose, errand.email, code)[0],
        )
    to = _recipient(errand, account)
    if to is not None:
        await ports.codes.delivery.deliver(CodeMail(to, errand.purpose, code))
    user = None if account is None else account.user
    event = Event.CODE_WITHHELD if to is None else Event.CODE_SENT
    # Both: what is done behind one answer slows down the next, and that can be timed.
    await record_alone(ports, happened(event, user, purpose=errand.purpose.value))


def _recipient(errand: Errand, account: Account | None) -> str | None:
    if errand.purpose is Purpose.REGISTER:
        # Also where the address is taken: who reads the mail may know.
        return errand.email
    # The address that was verified, not the spelling of whoever asks.
    return None if account is None else account.user.email
