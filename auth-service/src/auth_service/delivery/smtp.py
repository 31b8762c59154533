"""Codes by e-mail, handed to one SMTP server."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Literal, cast

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from auth_service.delivery.message import compose, domain_of
from auth_service.domain.emails import wire_address
from auth_service.domain.errors import NotDelivered
from auth_service.usecases.ports import CodeMail
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

Security = Literal["starttls", "tls", "none"]

# Between the three tries, seconds: a server that starts again is back by the last.
_PAUSES = (1.0, 4.0)
_QUIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. ``ca_file``: whom its certificate is from, if not the system's.

    ``starttls`` and ``tls`` mean a certificate that is good for ``host``, or no mail; ``seconds``
    bound each try as a whole.
    """

    host: str
    port: int
    security: Security
    username: str | None
    password: str | None = field(repr=False)
    ca_file: Path | None
    seconds: float


class SmtpMail:
    """Hands each mail to ``server``, from the address ``sender``; see the port Delivery.

    Three tries, a connection for each. What the server refuses for good (5xx) is not tried
    again. A mail that was accepted though the answer got lost arrives twice, with one code. Domains
    are written in ASCII: a server need not know SMTPUTF8 for them.
    """

    def __init__(
        self, server: MailServer, *, sender: str, pauses: Sequence[float] = _PAUSES
    ) -> None:
        self._server = server
        self._sender = sender
        self._pauses = tuple(pauses)
        self._tls = None if server.security == "none" else _context(server.ca_file)

    async def deliver(self, mail: CodeMail) -> None:
        to = wire_address(mail.to)
        message = compose(replace(mail, to=to), self._sender)
        for pause in (*self._pauses, None):
            try:
                await self._try(message, to)
                return
            except (SMTPException, OSError) as error:
                # By its kind alone: servers quote addresses in what they say.
                _log.warning("mail.not_sent", error=type(error).__name__, again=pause is not None)
            if pause is not None:
                await asyncio.sleep(pause)
        raise NotDelivered()

    async def _try(self, message: EmailMessage, to: str) -> None:
        """Raises NotDelivered where the server would say the same the next time."""
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            # Said in the greeting; by default a name that has to be looked up first.
            local_hostname=domain_of(self._sender),
            timeout=server.seconds,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=self._tls,
        )
        transport: asyncio.BaseTransport | None = None
        try:
            async with asyncio.timeout(server.seconds):
                await client.connect()
                transport = client.transport
                if server.username is not None and server.password is not None:
                    await client.login(server.username, server.password)
                await client.send_message(message, sender=self._sender, recipients=[to])
        except SMTPNotSupported as error:
            _log.error("mail.refused", error=type(error).__name__)
            raise NotDelivered() from None
        except (SMTPResponseException, SMTPRecipientsRefused) as error:
            code = _code(error)
            if code < 500:
                raise
            _log.error("mail.refused", error=type(error).__name__, status=code)
            raise NotDelivered() from None
        else:
            with suppress(SMTPException, OSError):
                await client.quit(timeout=_QUIT_SECONDS)
        finally:
            client.close()
            if transport is not None:
                # All is said: nobody waits for the server's farewell to TLS.
                cast(asyncio.Transport, transport).abort()


def _context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _code(error: SMTPResponseException | SMTPRecipientsRefused) -> int:
    if isinstance(error, SMTPRecipientsRefused):
        return max(refused.code for refused in error.recipients)
    return error.code
