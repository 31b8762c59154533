"""A mail server that remembers what it took in, and mail to it."""

import asyncio
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Any

from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from auth_service.delivery.smtp import MailServer, SmtpMail
from auth_service.domain.codes import Purpose
from auth_service.usecases.ports import CodeMail
from chassis.embedded.ports import free_port

SENDER = "parley@mail.example"
MAIL = CodeMail("ada@example.org", Purpose.REGISTER, "012345")


class Post:
    """What an SMTP server took in, and what it is told to say: at RCPT and at DATA."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: list[Envelope] = []
        self.logged_in: list[bool] = []
        self.tries = 0
        self.at_recipient: list[str] = []
        self.at_data: list[str] = []
        self.hold = False

    @property
    def messages(self) -> list[EmailMessage]:
        return [
            message_from_bytes(envelope.content, policy=SMTPUTF8)
            for envelope in self.taken
            if isinstance(envelope.content, bytes)
        ]

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.tries += 1
        if self.at_recipient:
            return self.at_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.hold:
            await asyncio.Event().wait()
        if self.at_data:
            return self.at_data.pop(0)
        self.taken.append(envelope)
        self.logged_in.append(bool(session.authenticated))
        return "250 OK"


def mail_to(post: Post, **changes: Any) -> SmtpMail:
    server: dict[str, Any] = {
        "host": "localhost",
        "port": post.port,
        "security": "none",
        "username": None,
        "password": None,
        "ca_file": None,
        "seconds": 5.0,
    }
    return SmtpMail(MailServer(**{**server, **changes}), sender=SENDER, pauses=(0.01, 0.01))


def only_ada(
    server: object, session: object, envelope: object, mechanism: str, data: object
) -> AuthResult:
    good = isinstance(data, LoginPassword) and data == LoginPassword(b"ada", b"pass phrase")
    return AuthResult(success=good, handled=False)
