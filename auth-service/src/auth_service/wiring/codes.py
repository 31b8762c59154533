"""What codes are sent by: the job queue, and mail or the log."""

from functools import partial

from auth_service.delivery.console import Console
from auth_service.delivery.job_queue import JobQueue
from auth_service.delivery.smtp import MailServer, SmtpMail
from auth_service.settings import Settings
from auth_service.store.transactions import OpenSystem
from auth_service.usecases.ports import Delivery, Pseudonyms
from auth_service.usecases.send_code import send_code
from chassis.settings import UnusableSetting, variable_of

# Fewer than there are connections: a request for a code must not wait for the jobs before it.
_WORKERS = 4


def code_queue(settings: Settings, open_system: OpenSystem, pseudonyms: Pseudonyms) -> JobQueue:
    """The job queue of codes to send. Raises UnusableSetting."""
    return JobQueue(
        partial(send_code, open_system, pseudonyms, _delivery(settings)),
        workers=_WORKERS,
        size=settings.code_queue,
        delay=settings.code_delay_seconds,
    )


def _delivery(settings: Settings) -> Delivery:
    if settings.delivery == "console":
        return Console()
    assert settings.smtp_host is not None
    assert settings.smtp_sender is not None
    password = settings.smtp_password
    server = MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=None if password is None else password.get_secret_value(),
        ca_file=settings.smtp_ca_file,
        seconds=settings.smtp_timeout_seconds,
    )
    try:
        return SmtpMail(server, sender=settings.smtp_sender)
    except OSError as error:  # ssl's own errors are of this kind
        raise UnusableSetting(
            variable_of(Settings, "smtp_ca_file"), f"no certificates in PEM: {error.strerror}"
        ) from None
