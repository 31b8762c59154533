"""Addresses that mail is sent to."""

from collections.abc import Callable
from typing import Any

import pytest

from auth_service.domain.codes import Purpose
from auth_service.domain.errors import NotDelivered
from auth_service.usecases.ports import CodeMail

from .post import Post, mail_to

Open = Callable[..., Post]


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

    await mail_to(post).deliver(CodeMail(to, Purpose.REGISTER, "012345"))

    [envelope] = post.taken
    assert envelope.rcpt_tos == [on_the_wire]
    assert envelope.smtp_utf8 == needs_utf8
    assert str(post.messages[0]["To"]) == on_the_wire


async def test_a_domain_of_any_script_is_reached_through_a_server_that_knows_ascii_alone(
    open_post: Open,
) -> None:
    post = open_post(enable_SMTPUTF8=False)
    await mail_to(post).deliver(CodeMail("ada@bücher.example", Purpose.REGISTER, "012345"))

    assert post.taken[0].rcpt_tos == ["ada@xn--bcher-kva.example"]
    assert post.messages[0]["To"] == "ada@xn--bcher-kva.example"


async def test_a_server_that_cannot_is_not_asked_three_times(open_post: Open, mailbox: Any) -> None:
    post = open_post(enable_SMTPUTF8=False)
    with pytest.raises(NotDelivered):
        await mail_to(post).deliver(CodeMail("用户@例子.中国", Purpose.REGISTER, "012345"))
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
        await mail_to(post).deliver(CodeMail(to, Purpose.REGISTER, "012345"))
    assert post.tries == 0
