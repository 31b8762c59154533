"""A forgotten password: what a code gives back, and what it ends."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.testing import DatabaseUrls, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Mailbox = Any
OLD, NEW = "correct horse", "battery staple"
ADA = "ada@example.org"
RESET = auth_pb2.CODE_PURPOSE_PASSWORD_RESET
REGISTER = auth_pb2.CODE_PURPOSE_REGISTER


async def _refused(call: Awaitable[Any]) -> RemoteError:
    with pytest.raises(RemoteError) as refused:
        await call
    return refused.value


async def _outcome(call: Awaitable[Any]) -> str:
    try:
        await call
    except RemoteError as error:
        return error.reason
    return "done"


class Ada:
    """A user whose address is verified."""

    def __init__(self, auth: Channel, mailbox: Mailbox) -> None:
        self.auth = auth
        self.mailbox = mailbox
        self.stub = auth.stub(AuthServiceStub)

    async def register(self) -> auth_pb2.Grant:
        request = auth_pb2.RegisterRequest(
            username="ada", email=ADA, password=OLD, code=await self.code(REGISTER, 1)
        )
        return (await self.auth.unary(self.stub.Register, request, timeout=30)).grant

    async def code(self, purpose: Any, count: int) -> str:
        request = auth_pb2.SendCodeRequest(email=ADA, purpose=purpose)
        await self.auth.unary(self.stub.SendCode, request, timeout=30)
        code: str = await self.mailbox.code(ADA, count=count)
        return code

    async def reset(self, code: str, password: str = NEW, email: str = ADA, ip: str = "") -> None:
        request = auth_pb2.ResetPasswordRequest(
            email=email, code=code, new_password=password, client=auth_pb2.Client(ip=ip)
        )
        await self.auth.unary(self.stub.ResetPassword, request, timeout=30)

    async def log_in(self, password: str, name: str = "ada", ip: str = "") -> auth_pb2.Grant:
        request = auth_pb2.LogInRequest(
            username=name, password=password, client=auth_pb2.Client(ip=ip)
        )
        return (await self.auth.unary(self.stub.LogIn, request, timeout=30)).grant

    async def refresh(self, grant: auth_pb2.Grant) -> auth_pb2.Grant:
        request = auth_pb2.RefreshRequest(refresh_token=grant.refresh_token)
        return (await self.auth.unary(self.stub.Refresh, request, timeout=30)).grant

    async def me(self, grant: auth_pb2.Grant) -> auth_pb2.User:
        token = grant.access_token
        answer = await self.auth.unary(
            self.stub.GetMe, auth_pb2.GetMeRequest(), timeout=30, token=token
        )
        return answer.user


@pytest.fixture
def ada(auth: Channel, mailbox: Mailbox) -> Ada:
    return Ada(auth, mailbox)


async def test_a_reset_sets_the_password_and_ends_every_login_and_its_tokens(ada: Ada) -> None:
    opened = [await ada.register(), await ada.log_in(OLD), await ada.log_in(OLD)]

    await ada.reset(await ada.code(RESET, 2))

    assert await _outcome(ada.log_in(OLD)) == "INVALID_CREDENTIALS"
    for grant in opened:
        assert await _outcome(ada.refresh(grant)) == "INVALID_REFRESH_TOKEN"

        async def is_refused(grant: auth_pb2.Grant = grant) -> bool:
            return await _outcome(ada.me(grant)) == "UNAUTHENTICATED"

        await eventually(is_refused, 5)


async def test_a_reset_takes_away_the_tokens_that_somebody_may_have_made(ada: Ada) -> None:
    opened = await ada.register()
    request = auth_pb2.CreateTokenRequest(name="a script", scopes=["notes:read"])
    made = await ada.auth.unary(
        ada.stub.CreateToken, request, timeout=30, token=opened.access_token
    )
    exchange = auth_pb2.ExchangeTokenRequest(secret=made.secret)
    await ada.auth.unary(ada.stub.ExchangeToken, exchange, timeout=30)

    await ada.reset(await ada.code(RESET, 2))

    again = await _refused(ada.auth.unary(ada.stub.ExchangeToken, exchange, timeout=30))
    assert again.reason == "INVALID_TOKEN"


async def test_who_logs_in_the_moment_after_a_reset_keeps_their_login(ada: Ada) -> None:
    old = await ada.register()
    await ada.reset(await ada.code(RESET, 2))
    # In the same second: a revocation by time would take this one too.
    new = await ada.log_in(NEW)

    async def old_is_refused() -> bool:
        return await _outcome(ada.me(old)) == "UNAUTHENTICATED"

    await eventually(old_is_refused, 5)
    assert (await ada.me(new)).id == old.user.id
    assert (await ada.refresh(new)).user.id == old.user.id


async def test_a_reset_leaves_other_users_alone(
    ada: Ada, register: Callable[[str], Awaitable[auth_pb2.Grant]]
) -> None:
    await ada.register()
    eve = await register("eve")
    await ada.reset(await ada.code(RESET, 2))

    assert (await ada.refresh(eve)).user == eve.user


async def test_of_fifty_resets_with_one_code_exactly_one_happens(ada: Ada) -> None:
    await ada.register()
    code = await ada.code(RESET, 2)
    passwords = [f"battery staple {n}" for n in range(50)]

    said = Counter(
        await asyncio.gather(*(_outcome(ada.reset(code, password)) for password in passwords))
    )

    assert said["done"] == 1
    assert said.keys() <= {
        "done",
        "INVALID_CODE",
        "TOO_MANY_ATTEMPTS",
        "TOO_BUSY",
        "DATABASE_BUSY",
    }


async def test_a_log_in_with_the_old_password_never_outlives_a_reset_beside_it(
    ada: Ada, database: DatabaseUrls
) -> None:
    await ada.register()
    code = await ada.code(RESET, 2)

    async def log_in() -> auth_pb2.Grant | None:
        try:
            return await ada.log_in(OLD)
        except RemoteError:
            return None

    *grants, _ = await asyncio.gather(*(log_in() for _ in range(8)), ada.reset(code))

    for grant in grants:
        if grant is not None:
            assert await _outcome(ada.refresh(grant)) == "INVALID_REFRESH_TOKEN"
    with psycopg.connect(database.worker) as worker:
        query = "SELECT count(*) FROM logins WHERE revoked_at IS NULL"
        assert worker.execute(query).fetchone() == (0,)


async def test_a_refresh_never_outlives_a_reset_beside_it(ada: Ada) -> None:
    grant = await ada.register()
    code = await ada.code(RESET, 2)

    async def refresh() -> auth_pb2.Grant:
        try:
            return await ada.refresh(grant)
        except RemoteError:
            return grant

    newest, _ = await asyncio.gather(refresh(), ada.reset(code))

    assert await _outcome(ada.refresh(newest)) == "INVALID_REFRESH_TOKEN"

    async def is_refused() -> bool:
        return await _outcome(ada.me(newest)) == "UNAUTHENTICATED"

    await eventually(is_refused, 5)


async def test_a_reset_forgets_failures_where_the_owner_is_at_home(ada: Ada) -> None:
    # Registered from no address at all, which is nobody's home; the next login is at one.
    await ada.register()
    await ada.log_in(OLD, ip="192.0.2.7")
    for _ in range(10):
        assert await _outcome(ada.log_in("wrong horse", ip="192.0.2.7")) == "INVALID_CREDENTIALS"
    assert await _outcome(ada.log_in(OLD, ip="192.0.2.7")) == "TOO_MANY_ATTEMPTS"

    await ada.reset(await ada.code(RESET, 2), ip="192.0.2.7")

    await ada.log_in(NEW, ip="192.0.2.7")


async def test_a_wrong_code_and_an_unknown_address_are_refused_alike(
    ada: Ada, register: Callable[[str], Awaitable[auth_pb2.Grant]]
) -> None:
    await ada.register()
    await register("eve")
    code = await ada.code(RESET, 2)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"

    refusals = [
        await _refused(ada.reset(wrong)),
        await _refused(ada.reset(code, email="nobody@example.org")),
        # Eve has not shown that the address is hers.
        await _refused(ada.reset(code, email="eve@example.org")),
    ]

    assert {(e.kind, e.reason, e.detail, e.fields, repr(e.metadata)) for e in refusals} == {
        (Kind.INVALID, "INVALID_CODE", refusals[0].detail, (), "{}")
    }
    assert (await ada.log_in(OLD)).user.username == "ada"


async def test_even_the_right_guess_for_an_address_without_an_account_resets_nothing(
    ada: Ada, database: DatabaseUrls
) -> None:
    await ada.register()
    code = await ada.code(RESET, 2)
    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE users SET email_key = NULL, email_verified_at = NULL")

    assert await _outcome(ada.reset(code)) == "INVALID_CODE"
    assert (await ada.log_in(OLD)).user.username == "ada"


async def test_a_password_that_is_not_acceptable_costs_neither_a_guess_nor_the_code(
    ada: Ada,
) -> None:
    await ada.register()
    code = await ada.code(RESET, 2)

    for _ in range(6):
        error = await _refused(ada.reset(code, "password"))
        assert error.fields == (FieldError("new_password", "TOO_COMMON"),)
    await ada.reset(code)
    assert await _outcome(ada.reset(code)) == "INVALID_CODE"


async def test_every_field_that_is_refused_is_named(auth: Channel) -> None:
    request = auth_pb2.ResetPasswordRequest(email="nobody", code="12345x", new_password="short")
    refused = await _refused(
        auth.unary(auth.stub(AuthServiceStub).ResetPassword, request, timeout=30)
    )
    assert refused.reason == "VALIDATION"
    assert {field.field for field in refused.fields} == {"email", "code", "new_password"}


async def test_whoever_kept_guessing_the_owner_is_back_after_a_reset(ada: Ada) -> None:
    await ada.register()
    for name in ("ada", ADA):
        for _ in range(12):
            await _outcome(ada.log_in("wrong horse", name))
        assert await _outcome(ada.log_in(OLD, name)) == "TOO_MANY_ATTEMPTS"

    await ada.reset(await ada.code(RESET, 2))

    for name in ("ada", ADA):
        assert (await ada.log_in(NEW, name)).user.username == "ada"


async def test_a_code_that_is_late_resets_nothing(ada: Ada, database: DatabaseUrls) -> None:
    await ada.register()
    code = await ada.code(RESET, 2)
    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE codes SET expires_at = expires_at - %s", [timedelta(minutes=10)])

    assert await _outcome(ada.reset(code)) == "INVALID_CODE"
