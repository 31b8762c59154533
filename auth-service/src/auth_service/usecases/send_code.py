"""Codes on request: the answer comes first, and a job decides afterwards whether to send one."""

from auth_service.domain.audit_log import Event
from auth_service.domain.codes import Purpose, new_code
from auth_service.domain.emails import email_key, email_problem, normalise_email
from auth_service.domain.limits import SEND, SEND_FROM, send_all
from auth_service.domain.logins import Client
from auth_service.domain.users import Account
from auth_service.store.accounts import Accounts
from auth_service.store.codes import Codes
from auth_service.store.transactions import OpenSystem
from auth_service.usecases.audit_log import entry_about, record_in_own_transaction
from auth_service.usecases.check_code import code_digests, code_subjects
from auth_service.usecases.ports import CodeJob, CodeMail, Delivery, Ports, Pseudonyms
from auth_service.usecases.rate_limit import attempt, count_attempts
from auth_service.usecases.validation import check_fields
from servicekit.rate_limits import network_of


async def request_code(ports: Ports, *, email: str, purpose: Purpose, client: Client) -> None:
    """Have a code sent to that address if there is cause to: the same work for every address.

    Raises ValidationFailed for what is no address, TooManyAttempts, TooBusy.
    """
    email = normalise_email(email)
    check_fields(email=email_problem(email))
    async with ports.open_system() as transaction:
        await count_attempts(
            transaction,
            attempt(ports.pseudonyms, SEND_FROM, network_of(client.ip)),
            attempt(ports.pseudonyms, SEND, purpose, email_key(email)),
            attempt(ports.pseudonyms, send_all(ports.codes.sends_an_hour)),
        )
        # Inside: a job that the queue refuses was not sent, and does not count.
        ports.codes.queue.add(CodeJob(purpose, email))
    ports.logger.info("code.requested", purpose=purpose.value, ip=client.ip)


async def send_code(
    open_system: OpenSystem, pseudonyms: Pseudonyms, delivery: Delivery, job: CodeJob
) -> None:
    """Make the code, and send it if there is somebody to send it to. Raises NotDelivered.

    A code is made and kept in any case: the database has the same work with every address,
    and nobody can use a code that was never sent.
    """
    code = new_code()
    async with open_system() as transaction:
        account = await Accounts(transaction).find_by_email(job.email)
        await Codes(transaction).save(
            job.purpose,
            subjects=code_subjects(pseudonyms, job.purpose, job.email),
            digest=code_digests(pseudonyms, job.purpose, job.email, code)[0],
        )
    to = _recipient(job, account)
    if to is not None:
        await delivery.deliver(CodeMail(to, job.purpose, code))
    user = None if account is None else account.user
    event = Event.CODE_WITHHELD if to is None else Event.CODE_SENT
    # Both are recorded: work after one answer slows down the next, and that can be timed.
    await record_in_own_transaction(
        open_system, entry_about(event, user, purpose=job.purpose.value)
    )


def _recipient(job: CodeJob, account: Account | None) -> str | None:
    if job.purpose is Purpose.REGISTER:
        # Also where the address is taken: who reads the mail may know.
        return job.email
    # The address that was verified, not the spelling of whoever asks.
    return None if account is None else account.user.email
