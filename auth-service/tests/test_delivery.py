"""Codes by mail, handed to a real SMTP server."""

import asyncio
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from pydantic import SecretStr, ValidationError

from auth_service.delivery.console import Console
from auth_service.delivery.message import compose
from auth_service.delivery.smtp import MailServer, SmtpMail
from auth_service.domain.codes import Purpose
from auth_service.domain.errors import NotDelivered
from auth_service.settings import Settings
from auth_service.usecases.ports import CodeMail
from chassis.embedded.ports import free_port
from chassis.grpc.client import Channel
from chassis.testing import OpenChannel, eventually
from chassis.tls import issue
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

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


Open = Callable[..., Post]


@pytest.fixture
def open_post() -> Iterator[Open]:
    """``open_post(enable_SMTPUTF8=True)``: an SMTP server in a thread of its own."""
    with ExitStack() as stack:

        def start(**options: Any) -> Post:
            post = Post()
            controller = Controller(
                post, hostname="127.0.0.1", port=post.port, server_hostname="post", **options
            )
            controller.start()
            stack.callback(controller.stop)
            return post

        yield start


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``ca.pem`` and the certificate of ``localhost``."""
    folder = tmp_path_factory.mktemp("mail")
    issue(folder, ["localhost"])
    return folder


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "localhost.pem", certificate / "localhost.key")
    return context


def _mail(post: Post, **changes: Any) -> SmtpMail:
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


def _only_ada(
    server: object, session: object, envelope: object, mechanism: str, data: object
) -> AuthResult:
    good = isinstance(data, LoginPassword) and data == LoginPassword(b"ada", b"pass phrase")
    return AuthResult(success=good, handled=False)


async def test_a_code_arrives_as_a_mail_that_says_what_it_is_for(open_post: Open) -> None:
    post = open_post()

    await _mail(post).deliver(MAIL)
    await _mail(post).deliver(CodeMail("eve@example.org", Purpose.PASSWORD_RESET, "999999"))

    envelope, _ = post.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, ["ada@example.org"])
    first, second = post.messages
    assert (first["From"], first["To"]) == (f"Parley <{SENDER}>", "ada@example.org")
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"].endswith("@mail.example>")
    text = first.get_content()
    assert text.splitlines()[0] == "012345"
    assert "10 minutes" in text
    assert "this e-mail address is yours" in text
    assert "set a new password" in second.get_content()
    # Shown on a locked screen by many.
    assert "012345" not in first["Subject"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_and_password_go_over_tls_to_a_server_that_shows_its_certificate(
    open_post: Open, server_tls: ssl.SSLContext, certificate: Path, security: str
) -> None:
    options: dict[str, Any] = {"authenticator": _only_ada}
    if security == "tls":
        # It does not see the TLS below it.
        options |= {"ssl_context": server_tls, "auth_require_tls": False}
    else:
        options |= {"tls_context": server_tls, "require_starttls": True, "auth_required": True}
    post = open_post(**options)
    login = {"username": "ada", "password": "pass phrase", "security": security}

    await _mail(post, **login, ca_file=certificate / "ca.pem").deliver(MAIL)

    assert len(post.taken) == 1
    assert post.logged_in == [True]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_whose_certificate_is_not_good_gets_no_mail(
    open_post: Open, server_tls: ssl.SSLContext, certificate: Path, security: str
) -> None:
    kind = "ssl_context" if security == "tls" else "tls_context"
    post = open_post(**{kind: server_tls})

    # Signed by nobody we know; and by somebody we know, for another name.
    for changes in ({}, {"ca_file": certificate / "ca.pem", "host": "127.0.0.1"}):
        with pytest.raises(NotDelivered):
            await _mail(post, security=security, **changes).deliver(MAIL)
    assert (post.taken, post.tries) == ([], 0)


async def test_where_somebody_has_taken_starttls_away_nothing_is_sent(open_post: Open) -> None:
    post = open_post()
    with pytest.raises(NotDelivered):
        await _mail(post, security="starttls").deliver(MAIL)
    assert (post.taken, post.tries) == ([], 0)


async def test_a_wrong_password_is_tried_once(
    open_post: Open, server_tls: ssl.SSLContext, certificate: Path, mailbox: Any
) -> None:
    post = open_post(
        tls_context=server_tls, auth_required=True, authenticator=_only_ada, require_starttls=True
    )
    mail = _mail(
        post,
        security="starttls",
        ca_file=certificate / "ca.pem",
        username="ada",
        password="swordfish",
    )
    with pytest.raises(NotDelivered):
        await mail.deliver(MAIL)

    [line] = [line for line in mailbox.read() if line["event"].startswith("mail.")]
    assert (line["event"], line["status"]) == ("mail.refused", 535)
    assert "swordfish" not in json.dumps(line)
    assert "swordfish" not in repr(mail._server)


async def test_what_is_refused_for_now_is_tried_three_times(open_post: Open) -> None:
    post = open_post()
    post.at_recipient = ["451 busy"]
    post.at_data = ["452 full"]

    await _mail(post).deliver(MAIL)

    assert (post.tries, len(post.taken)) == (3, 1)
    post.at_data = ["451 busy"] * 5
    with pytest.raises(NotDelivered):
        await _mail(post).deliver(MAIL)
    assert (post.tries, len(post.taken)) == (6, 1)


async def test_what_is_refused_for_good_is_not_tried_again_and_its_words_are_not_logged(
    open_post: Open, mailbox: Any
) -> None:
    post = open_post()
    post.at_recipient = ["550 no such user <ada@example.org>"]
    with pytest.raises(NotDelivered):
        await _mail(post).deliver(MAIL)
    assert post.tries == 1
    post.at_data = ["554 spam from ada@example.org: 012345"]
    with pytest.raises(NotDelivered):
        await _mail(post).deliver(MAIL)

    assert post.tries == 2
    lines = [line for line in mailbox.read() if line["event"].startswith("mail.")]
    assert [line["status"] for line in lines] == [550, 554]
    assert not any(secret in json.dumps(lines) for secret in ("ada", "example", "012345"))


async def test_a_server_that_is_away_or_stands_still_is_given_up_in_time(open_post: Open) -> None:
    silent = open_post()
    silent.hold = True
    nowhere = Post()

    async with asyncio.timeout(30):
        for post in (silent, nowhere):
            with pytest.raises(NotDelivered):
                await _mail(post, seconds=0.2).deliver(MAIL)
    assert silent.tries == 3


async def test_a_server_that_drips_is_given_up_in_time() -> None:
    dripping: list[asyncio.Task[Any] | None] = []

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Never a whole line, and never silent.
        dripping.append(asyncio.current_task())
        try:
            while True:
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(0.01)
        except OSError:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    post = Post()
    post.port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(30):
        with pytest.raises(NotDelivered):
            await _mail(post, host="127.0.0.1", seconds=0.2).deliver(MAIL)
    server.close()
    # Each notices that its client has gone.
    assert len(dripping) == 3
    await eventually(lambda: all(task is not None and task.done() for task in dripping))


@pytest.mark.parametrize(
    ("to", "on_the_wire", "needs_utf8"),
    [
        ("用户@例子.中国", "用户@xn--fsqu00a.xn--fiqs8s", True),
        ("ädä@exämple.org", "ädä@xn--exmple-cua.org", True),
        ("ada@exämple.org", "ada@xn--exmple-cua.org", False),
    ],
)
async def test_addresses_of_any_script_are_reached_through_a_server_that_can(
    open_post: Open, to: str, on_the_wire: str, needs_utf8: bool
) -> None:
    post = open_post(enable_SMTPUTF8=True)

    await _mail(post).deliver(CodeMail(to, Purpose.REGISTER, "012345"))

    [envelope] = post.taken
    assert envelope.rcpt_tos == [on_the_wire]
    assert envelope.smtp_utf8 == needs_utf8
    assert str(post.messages[0]["To"]) == on_the_wire


async def test_a_domain_of_any_script_is_reached_through_a_server_that_knows_ascii_alone(
    open_post: Open,
) -> None:
    post = open_post(enable_SMTPUTF8=False)
    await _mail(post).deliver(CodeMail("ada@bücher.example", Purpose.REGISTER, "012345"))

    assert post.taken[0].rcpt_tos == ["ada@xn--bcher-kva.example"]
    assert post.messages[0]["To"] == "ada@xn--bcher-kva.example"


async def test_a_server_that_cannot_is_not_asked_three_times(open_post: Open, mailbox: Any) -> None:
    post = open_post(enable_SMTPUTF8=False)
    with pytest.raises(NotDelivered):
        await _mail(post).deliver(CodeMail("用户@例子.中国", Purpose.REGISTER, "012345"))
    assert [line["error"] for line in mailbox.read() if line["event"] == "mail.refused"] == [
        "SMTPNotSupported"
    ]
    assert post.tries == 0


@pytest.mark.parametrize(
    "to",
    [
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\nSubject: hello",
        "ada\r\n@example.org",
        "ada@example.org>\r\nRCPT TO:<eve@example.org",
        "ada@example.org, eve@example.org",
        "ada@example.org> SIZE=1 <eve@example.org",
    ],
)
async def test_no_address_becomes_a_header_a_command_or_a_second_recipient(
    open_post: Open, to: str
) -> None:
    # The use cases let no such address come so far; if one did, it would end here.
    post = open_post()
    with pytest.raises(ValueError, match="not an address"):
        await _mail(post).deliver(CodeMail(to, Purpose.REGISTER, "012345"))
    assert post.tries == 0


def test_the_code_is_in_the_text_alone() -> None:
    message = compose(MAIL, SENDER)
    assert not any("012345" in str(value) for value in message.values())
    assert "012345" not in repr(MAIL)


async def test_the_console_says_the_code_in_one_line_that_redaction_leaves_alone(
    mailbox: Any,
) -> None:
    await Console().deliver(CodeMail("ada@example.org", Purpose.PASSWORD_RESET, "012345"))

    [line] = [line for line in mailbox.read() if line["event"] == "code.on_console"]
    told = {name: line[name] for name in ("event", "level", "to", "purpose", "code")}
    assert told == {
        "event": "code.on_console",
        "level": "warning",
        "to": "ada@example.org",
        "purpose": "password_reset",
        "code": "012345",
    }


async def test_a_service_with_mail_sends_its_codes_there_and_says_none(
    serve: Any, grpc_channel: OpenChannel, open_post: Open, mailbox: Any
) -> None:
    post = open_post()
    _, port = await serve(
        delivery="smtp",
        smtp_host="localhost",
        smtp_port=post.port,
        smtp_security="none",
        smtp_sender=SENDER,
    )
    auth: Channel = await grpc_channel(port, "auth-service")
    stub = auth.stub(AuthServiceStub)
    request = auth_pb2.SendCodeRequest(
        email="ada@example.org", purpose=auth_pb2.CODE_PURPOSE_REGISTER
    )
    await auth.unary(stub.SendCode, request, timeout=30)
    await eventually(lambda: post.taken)

    [message] = post.messages
    code = message.get_content()[:6]
    verify = auth_pb2.VerifyCodeRequest(
        email="ada@example.org", code=code, purpose=auth_pb2.CODE_PURPOSE_REGISTER
    )
    assert (await auth.unary(stub.VerifyCode, verify, timeout=30)).valid
    assert code not in json.dumps([line.get("code") for line in mailbox.read()])
    assert mailbox.codes("ada@example.org") == []


async def test_a_mail_server_that_is_away_is_not_noticed_by_who_asks(
    serve: Any, grpc_channel: OpenChannel, mailbox: Any
) -> None:
    _, port = await serve(
        delivery="smtp",
        smtp_host="127.0.0.1",
        smtp_port=free_port(),
        smtp_security="none",
        smtp_sender=SENDER,
    )
    auth: Channel = await grpc_channel(port, "auth-service")
    request = auth_pb2.SendCodeRequest(
        email="ada@example.org", purpose=auth_pb2.CODE_PURPOSE_REGISTER
    )
    await auth.unary(auth.stub(AuthServiceStub).SendCode, request, timeout=1)

    def told() -> bool:
        return any(
            line["event"] == "code.not_sent" and line["reason"] == "NOT_DELIVERED"
            for line in mailbox.read()
        )

    await eventually(told, 15)
    # Not `ada` alone: an id in hexadecimal may well have it.
    assert "ada@" not in json.dumps(mailbox.lines)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"smtp_sender": SENDER}, "smtp_host"),
        ({"smtp_host": "mail.example"}, "smtp_sender"),
        ({"smtp_host": "mail.example", "smtp_sender": "not an address"}, "smtp_sender"),
        ({"smtp_username": "ada"}, "smtp_password"),
        ({"smtp_password": SecretStr("swordfish")}, "smtp_password"),
        ({"smtp_username": "ada", "smtp_password": SecretStr("")}, "smtp_password"),
        (
            {
                "smtp_username": "ada",
                "smtp_password": SecretStr("swordfish"),
                "smtp_security": "none",
            },
            "smtp_password",
        ),
    ],
)
def test_settings_for_mail_that_cannot_work_are_refused_by_name(
    settings: Settings, given: dict[str, Any], field: str
) -> None:
    mail = {"smtp_host": "mail.example", "smtp_sender": SENDER}
    complete = mail if field == "smtp_password" else {}
    with pytest.raises(ValidationError) as refused:
        Settings(**{**settings.model_dump(), "delivery": "smtp", **complete, **given})
    assert [error["loc"] for error in refused.value.errors()] == [(field,)]
    assert "swordfish" not in str(refused.value)
