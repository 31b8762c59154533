"""Codes by mail, handed to a real SMTP server."""

import asyncio
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auth_service.delivery.message import compose
from auth_service.domain.codes import Purpose
from auth_service.domain.errors import NotDelivered
from auth_service.usecases.ports import CodeMail
from chassis.testing import eventually

from .post import MAIL, SENDER, Post, mail_to, only_ada

Open = Callable[..., Post]


async def test_a_code_arrives_as_a_mail_that_says_what_it_is_for(open_post: Open) -> None:
    post = open_post()

    await mail_to(post).deliver(MAIL)
    await mail_to(post).deliver(CodeMail("eve@example.org", Purpose.PASSWORD_RESET, "999999"))

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
    options: dict[str, Any] = {"authenticator": only_ada}
    if security == "tls":
        # It does not see the TLS below it.
        options |= {"ssl_context": server_tls, "auth_require_tls": False}
    else:
        options |= {"tls_context": server_tls, "require_starttls": True, "auth_required": True}
    post = open_post(**options)
    login = {"username": "ada", "password": "pass phrase", "security": security}

    await mail_to(post, **login, ca_file=certificate / "ca.pem").deliver(MAIL)

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
            await mail_to(post, security=security, **changes).deliver(MAIL)
    assert (post.taken, post.tries) == ([], 0)


async def test_where_somebody_has_taken_starttls_away_nothing_is_sent(open_post: Open) -> None:
    post = open_post()
    with pytest.raises(NotDelivered):
        await mail_to(post, security="starttls").deliver(MAIL)
    assert (post.taken, post.tries) == ([], 0)


async def test_a_wrong_password_is_tried_once(
    open_post: Open, server_tls: ssl.SSLContext, certificate: Path, mailbox: Any
) -> None:
    post = open_post(
        tls_context=server_tls, auth_required=True, authenticator=only_ada, require_starttls=True
    )
    mail = mail_to(
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

    await mail_to(post).deliver(MAIL)

    assert (post.tries, len(post.taken)) == (3, 1)
    post.at_data = ["451 busy"] * 5
    with pytest.raises(NotDelivered):
        await mail_to(post).deliver(MAIL)
    assert (post.tries, len(post.taken)) == (6, 1)


async def test_what_is_refused_for_good_is_not_tried_again_and_its_words_are_not_logged(
    open_post: Open, mailbox: Any
) -> None:
    post = open_post()
    post.at_recipient = ["550 no such user <ada@example.org>"]
    with pytest.raises(NotDelivered):
        await mail_to(post).deliver(MAIL)
    assert post.tries == 1
    post.at_data = ["554 spam from ada@example.org: 012345"]
    with pytest.raises(NotDelivered):
        await mail_to(post).deliver(MAIL)

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
                await mail_to(post, seconds=0.2).deliver(MAIL)
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
            await mail_to(post, host="127.0.0.1", seconds=0.2).deliver(MAIL)
    server.close()
    # Each notices that its client has gone.
    assert len(dripping) == 3
    await eventually(lambda: all(task is not None and task.done() for task in dripping))


def test_the_code_is_in_the_text_alone() -> None:
    message = compose(MAIL, SENDER)
    assert not any("012345" in str(value) for value in message.values())
    assert "012345" not in repr(MAIL)
