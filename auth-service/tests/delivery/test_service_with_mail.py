"""What a service does with the delivery that it was set to."""

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from auth_service.delivery.console import Console
from auth_service.domain.codes import Purpose
from auth_service.settings import Settings
from auth_service.usecases.ports import CodeMail
from chassis.embedded.ports import free_port
from chassis.grpc.client import Channel
from chassis.testing import OpenChannel, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

from .post import SENDER, Post, only_ada

Open = Callable[..., Post]


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


async def _send_code(auth: Channel, timeout: float = 30) -> None:
    request = auth_pb2.SendCodeRequest(
        email="ada@example.org", purpose=auth_pb2.CODE_PURPOSE_REGISTER
    )
    await auth.unary(auth.stub(AuthServiceStub).SendCode, request, timeout=timeout)


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
    await _send_code(auth)
    await eventually(lambda: post.taken)

    [message] = post.messages
    code = message.get_content()[:6]
    verify = auth_pb2.VerifyCodeRequest(
        email="ada@example.org", code=code, purpose=auth_pb2.CODE_PURPOSE_REGISTER
    )
    assert (await auth.unary(stub.VerifyCode, verify, timeout=30)).valid
    assert code not in json.dumps([line.get("code") for line in mailbox.read()])
    assert mailbox.codes("ada@example.org") == []


async def test_a_mail_server_that_asks_for_tls_and_a_password_is_given_them_as_they_are_set(
    serve: Any,
    grpc_channel: OpenChannel,
    open_post: Open,
    server_tls: ssl.SSLContext,
    certificate: Path,
) -> None:
    post = open_post(
        tls_context=server_tls, require_starttls=True, auth_required=True, authenticator=only_ada
    )
    _, port = await serve(
        delivery="smtp",
        smtp_host="localhost",
        smtp_port=post.port,
        smtp_sender=SENDER,
        smtp_username="ada",
        smtp_password=SecretStr("pass phrase"),
        smtp_ca_file=certificate / "ca.pem",
    )
    await _send_code(await grpc_channel(port, "auth-service"))

    await eventually(lambda: post.taken)
    assert post.logged_in == [True]


async def test_a_mail_server_that_is_away_or_has_no_tls_gets_no_code_and_who_asks_does_not_notice(
    serve: Any, grpc_channel: OpenChannel, open_post: Open, mailbox: Any
) -> None:
    # It asks nobody who they are; the mail would go in the clear, which an operator has to ask for.
    post = open_post()
    for port, security in ((free_port(), {"smtp_security": "none"}), (post.port, {})):
        _, served = await serve(
            delivery="smtp", smtp_host="localhost", smtp_port=port, smtp_sender=SENDER, **security
        )
        await _send_code(await grpc_channel(served, "auth-service"), timeout=1)

    def told() -> bool:
        reasons = [line["reason"] for line in mailbox.read() if line["event"] == "code.not_sent"]
        return reasons == ["NOT_DELIVERED"] * 2

    await eventually(told, 15)
    assert (post.taken, post.tries) == ([], 0)
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
