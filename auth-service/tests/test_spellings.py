"""Names and addresses that look alike, or are the same in another spelling; as the gateway asks."""

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.testing import DatabaseUrls
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Mailbox = Any

REGISTER = auth_pb2.CODE_PURPOSE_REGISTER
RESET = auth_pb2.CODE_PURPOSE_PASSWORD_RESET
PASSWORD = "correct horse"
SPELLINGS = ["ada@bücher.example", "Ada@BÜCHER.example", "ada@xn--bcher-kva.example"]


class Door:
    """The calls of the gateway that take a name or an address."""

    def __init__(self, auth: Channel) -> None:
        self._auth = auth
        self._stub = auth.stub(AuthServiceStub)

    async def register(
        self, username: str, email: str = "ada@example.org", code: str | None = None
    ) -> auth_pb2.User:
        request = auth_pb2.RegisterRequest(
            username=username, email=email, password=PASSWORD, code=code
        )
        return (await self._auth.unary(self._stub.Register, request, timeout=30)).grant.user

    async def log_in(self, name: str, password: str = PASSWORD) -> auth_pb2.User:
        request = auth_pb2.LogInRequest(username=name, password=password)
        return (await self._auth.unary(self._stub.LogIn, request, timeout=30)).grant.user

    async def send_code(self, email: str, purpose: Any) -> None:
        request = auth_pb2.SendCodeRequest(email=email, purpose=purpose)
        await self._auth.unary(self._stub.SendCode, request, timeout=30)

    async def reset(self, email: str, code: str, password: str) -> None:
        request = auth_pb2.ResetPasswordRequest(email=email, code=code, new_password=password)
        await self._auth.unary(self._stub.ResetPassword, request, timeout=30)


@pytest.fixture
def door(auth: Channel) -> Door:
    return Door(auth)


async def _refused(call: Awaitable[Any]) -> RemoteError:
    with pytest.raises(RemoteError) as refused:
        await call
    return refused.value


async def test_a_name_of_several_scripts_is_refused_with_the_reason(door: Door) -> None:
    error = await _refused(door.register("аda"))  # Cyrillic а

    assert (error.kind, error.fields) == (
        Kind.INVALID,
        (FieldError("username", "MIXED_SCRIPTS"),),
    )


async def test_an_address_with_what_nobody_sees_is_refused_wherever_one_is_given(
    door: Door,
) -> None:
    unseen = "a\u200bda@example.org"
    for call in (
        door.register("ada", unseen),
        door.send_code(unseen, REGISTER),
        door.reset(unseen, "012345", "battery staple"),
    ):
        assert (await _refused(call)).fields == (FieldError("email", "INVALID_CHARACTER"),)


async def test_who_has_a_name_of_before_still_logs_in(
    door: Door, register: Register, database: DatabaseUrls
) -> None:
    user = (await register("ada")).user
    with psycopg.connect(database.admin) as admin:
        admin.execute("UPDATE users SET username = 'аda', username_key = 'аda'")

    assert (await door.log_in("аda")).id == user.id


async def test_one_mailbox_is_one_account_in_every_spelling(door: Door, mailbox: Mailbox) -> None:
    kept = SPELLINGS[0]
    await door.send_code(SPELLINGS[2], REGISTER)
    user = await door.register("ada", SPELLINGS[1].lower(), await mailbox.code(kept))

    assert (user.email, user.email_verified) == (kept, True)
    for spelling in SPELLINGS:
        assert (await door.log_in(spelling)).id == user.id
    for count, spelling in enumerate((SPELLINGS[0], SPELLINGS[2]), start=2):
        await door.send_code(spelling, REGISTER)
        code = await mailbox.code(kept, count=count)
        assert (
            await _refused(door.register(f"eve{count}", spelling, code))
        ).reason == "EMAIL_TAKEN"
    await door.send_code(SPELLINGS[2], RESET)
    await door.reset(SPELLINGS[0], await mailbox.code(kept, count=4), "battery staple")
    assert (await door.log_in(kept, "battery staple")).id == user.id


@pytest.mark.parametrize(
    ("stored", "key"),
    [
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("Ada@bücher.example", "ada@bücher.example"),
    ],
)
async def test_an_address_that_was_kept_under_an_earlier_key_is_found_and_taken(
    stored: str,
    key: str,
    door: Door,
    register: Register,
    database: DatabaseUrls,
    mailbox: Mailbox,
) -> None:
    ada = (await register("ada")).user
    with psycopg.connect(database.admin) as admin:
        admin.execute(
            "UPDATE users SET email = %s, email_key = %s, email_verified_at = now()", (stored, key)
        )

    for spelling in SPELLINGS:
        assert (await door.log_in(spelling)).id == ada.id
    await door.send_code(SPELLINGS[1], REGISTER)
    code = await mailbox.code("Ada@bücher.example")
    refusal = await _refused(door.register("eve", SPELLINGS[1], code))
    assert refusal.reason == "EMAIL_TAKEN"

    await door.send_code(SPELLINGS[0], RESET)
    await door.reset(
        SPELLINGS[2], await mailbox.code(stored, count=1 + (stored[0] == "A")), "battery staple"
    )
    assert (await door.log_in(SPELLINGS[1], "battery staple")).id == ada.id


async def test_what_an_earlier_key_took_for_one_mailbox_is_two(
    door: Door, register: Register, database: DatabaseUrls, mailbox: Mailbox
) -> None:
    ada = (await register("ada")).user
    with psycopg.connect(database.admin) as admin:
        admin.execute(
            "UPDATE users SET email = 'a@straße.example', email_key = 'a@strasse.example',"
            " email_verified_at = now()"
        )

    assert (await door.log_in("a@straße.example")).id == ada.id
    assert (await _refused(door.log_in("a@strasse.example"))).reason == "INVALID_CREDENTIALS"
