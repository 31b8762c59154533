"""The e-mail that a code is sent in."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime, make_msgid

from auth_service.domain.codes import CODE_LIFE, Purpose
from auth_service.domain.emails import email_problem
from auth_service.usecases.ports import CodeMail

_SUBJECT = "Your code for Parley"
_FOR = {
    Purpose.REGISTER: "confirms that this e-mail address is yours",
    Purpose.PASSWORD_RESET: "lets you set a new password",
}
_TEXT = """\
{code}

This code {effect}. It is good for {minutes} minutes, once.

If you did not ask for it, somebody may have typed your address: there is
nothing to do, and without the code nothing happens. Nobody from Parley will
ever ask you for it.
"""


def compose(mail: CodeMail, sender: str) -> EmailMessage:
    """The message from ``sender`` to whom it is for. The code stands in its text alone.

    Raises ValueError for what is no address of ours, whatever a header would make of it.
    """
    message = EmailMessage(SMTP)
    message["From"] = _address("Parley", sender)
    message["To"] = _address("", mail.to)
    message["Subject"] = _SUBJECT
    message["Date"] = localtime()
    # Fixed before the first try: what arrives twice is seen to be one.
    message["Message-ID"] = make_msgid(domain=domain_of(sender))
    # RFC 3834: nobody's absence is to be answered to us.
    message["Auto-Submitted"] = "auto-generated"
    minutes = int(CODE_LIFE.total_seconds()) // 60
    message.set_content(_TEXT.format(code=mail.code, effect=_FOR[mail.purpose], minutes=minutes))
    return message


def domain_of(email: str) -> str:
    return email.rpartition("@")[2]


def _address(name: str, email: str) -> Address:
    if email_problem(email):
        raise ValueError("not an address that mail can be sent to")
    local, _, domain = email.rpartition("@")
    return Address(name, username=local, domain=domain)
