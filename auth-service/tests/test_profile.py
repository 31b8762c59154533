"""What users change of themselves: how they are called, their address and whose it is."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.testing import DatabaseUrls
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Mailbox = Any
Register = Callable[[str], Awaitable[auth_pb2.Grant]]
REGISTER = auth_pb2.CODE_PURPOSE_REGISTER
GOOD = "correct horse"
NEW = "lovelace@example.org"


async def _update(auth: Channel, grant: auth_pb2.Grant, **changes: str) -> auth_pb2.User:
    request = auth_pb2.UpdateMeRequest(**changes)
    stub = auth.stub(AuthServiceStub)
    answer = await auth.unary(stub.UpdateMe, request, timeout=30, token=grant.access_token)
    return answer.user


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


async def _code(auth: Channel, mailbox: Mailbox, email: str, count: int = 1) -> str:
    request = auth_pb2.SendCodeRequest(email=email, purpose=REGISTER)
    await auth.unary(auth.stub(AuthServiceStub).SendCode, request, timeout=30)
    code: str = await mailbox.code(email, count=count)
    return code


async def _log_in(auth: Channel, name: str, password: str = GOOD) -> auth_pb2.Grant:
    request = auth_pb2.LogInRequest(username=name, password=password)
    return (await auth.unary(auth.stub(AuthServiceStub).LogIn, request, timeout=30)).grant


async def test_a_display_name_is_set_and_taken_away_and_nothing_else_changes(
    auth: Channel, register: Register
) -> None:
    grant = await register("ada")

    named = await _update(auth, grant, display_name="  Ada, Countess of Lovelace ")
    assert named.display_name == "Ada, Countess of Lovelace"
    named.display_name = ""
    assert named == grant.user
    assert await _update(auth, grant, display_name="小雪") == await _update(auth, grant)
    assert await _update(auth, grant, display_name="") == grant.user


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"display_name": "x" * 65}, "display_name", "TOO_LONG"),
        ({"display_name": "x" * 1_000_000}, "display_name", "TOO_LONG"),
        ({"display_name": "a\u202eb"}, "display_name", "INVALID_CHARACTER"),
        ({"display_name": "a\0b"}, "display_name", "INVALID_CHARACTER"),
        ({"display_name": "a\nb"}, "display_name", "INVALID_CHARACTER"),
        ({"email": "nowhere", "password": GOOD}, "email", "INVALID"),
        ({"email": "a@b.c\r\nbcc: x@y.z", "password": GOOD}, "email", "INVALID"),
        ({"email": NEW}, "password", "REQUIRED"),
        ({"code": "abc"}, "code", "INVALID"),
    ],
)
async def test_what_is_not_acceptable_is_named_and_changes_nothing(
    auth: Channel, register: Register, changes: dict[str, str], field: str, reason: str
) -> None:
    grant = await register("ada")

    error = await _refused(_update(auth, grant, **{"display_name": "Ada", **changes}))

    longest = 64 if reason == "TOO_LONG" else None
    assert error.fields == (FieldError(field, reason, maximum=longest),)
    assert await _update(auth, grant) == grant.user


async def test_another_address_needs_the_password_and_is_not_verified_by_it(
    auth: Channel, register: Register, mailbox: Mailbox
) -> None:
    grant = await register("ada")
    code = await _code(auth, mailbox, grant.user.email)
    assert (await _update(auth, grant, code=code)).email_verified

    error = await _refused(_update(auth, grant, email=NEW, password="wrong horse"))
    assert (error.kind, error.reason) == (Kind.FORBIDDEN, "WRONG_PASSWORD")
    moved = await _update(auth, grant, email=NEW, password=GOOD)

    assert (moved.email, moved.email_verified) == (NEW, False)
    # Neither leads to the account any more.
    for name in (NEW, grant.user.email):
        assert await _outcome(_log_in(auth, name)) == "INVALID_CREDENTIALS"


async def test_the_present_address_said_again_changes_nothing_and_needs_no_password(
    auth: Channel, register: Register, mailbox: Mailbox
) -> None:
    grant = await register("ada")
    email = grant.user.email
    await _update(auth, grant, code=await _code(auth, mailbox, email))

    user = await _update(auth, grant, email=email, display_name="Ada")

    assert (user.email, user.email_verified, user.display_name) == (email, True, "Ada")


async def test_another_address_with_its_code_is_verified_at_once(
    auth: Channel, register: Register, mailbox: Mailbox
) -> None:
    grant = await register("ada")
    code = await _code(auth, mailbox, NEW)

    moved = await _update(auth, grant, email=NEW, password=GOOD, code=code)

    assert (moved.email, moved.email_verified) == (NEW, True)
    assert (await _log_in(auth, NEW)).user.id == grant.user.id
    assert await _outcome(_update(auth, grant, code=code)) == "INVALID_CODE"


async def test_a_code_of_another_address_verifies_nothing(
    auth: Channel, register: Register, mailbox: Mailbox
) -> None:
    grant = await register("ada")
    code = await _code(auth, mailbox, "mine@example.org")

    assert await _outcome(_update(auth, grant, code=code, display_name="A")) == "INVALID_CODE"
    changes = {"email": "victim@example.org", "password": GOOD, "code": code}
    assert await _outcome(_update(auth, grant, **changes)) == "INVALID_CODE"
    assert await _update(auth, grant) == grant.user


async def test_an_address_that_was_verified_by_another_is_taken_for_its_holder_alone(
    auth: Channel, register: Register, mailbox: Mailbox
) -> None:
    ada, eve = await register("ada"), await register("eve")
    await _update(auth, ada, code=await _code(auth, mailbox, ada.user.email))

    # Unverified, it is a word like any other.
    moved = await _update(auth, eve, email=ada.user.email, password=GOOD)
    assert (moved.email, moved.email_verified) == (ada.user.email, False)
    code = await _code(auth, mailbox, ada.user.email, count=2)
    error = await _refused(_update(auth, eve, code=code, display_name="Eve"))
    assert (error.kind, error.reason) == (Kind.CONFLICT, "EMAIL_TAKEN")
    # All of it or nothing: neither the name nor the code has gone.
    assert (await _update(auth, eve)).display_name == ""
    assert (await _log_in(auth, ada.user.email)).user.id == ada.user.id


async def test_of_many_who_verify_one_address_at_once_it_is_ones(
    auth: Channel, register: Register, mailbox: Mailbox, database: DatabaseUrls
) -> None:
    users = [await register(f"user{n}") for n in range(5)]
    code = await _code(auth, mailbox, NEW)

    said = Counter(
        await asyncio.gather(
            *(_outcome(_update(auth, user, email=NEW, password=GOOD, code=code)) for user in users)
        )
    )

    assert said == {"done": 1, "INVALID_CODE": 4}
    with psycopg.connect(database.worker) as worker:
        query = "SELECT count(*) FROM users WHERE email_key IS NOT NULL"
        assert worker.execute(query).fetchone() == (1,)


async def test_codes_are_guessed_at_no_oftener_by_who_is_logged_in(
    auth: Channel, register: Register
) -> None:
    grant = await register("ada")

    said = Counter([await _outcome(_update(auth, grant, code="000000")) for _ in range(8)])

    assert said == {"INVALID_CODE": 5, "TOO_MANY_ATTEMPTS": 3}


async def test_who_guesses_at_codes_of_many_addresses_keeps_nobody_else_from_theirs(
    auth: Channel, register: Register
) -> None:
    grant, other = await register("ada"), await register("eve")

    async def guess(number: int) -> str:
        changes = {"email": f"user{number}@example.org", "password": GOOD, "code": "000000"}
        return await _outcome(_update(auth, grant, **changes))

    said = Counter([await guess(number) for number in range(52)])

    assert said == {"INVALID_CODE": 50, "TOO_MANY_ATTEMPTS": 2}
    assert await _outcome(_update(auth, other, code="000000")) == "INVALID_CODE"


async def test_a_stolen_token_is_no_way_to_guess_the_password(
    auth: Channel, register: Register
) -> None:
    grant, other = await register("ada"), await register("eve")

    said = Counter(
        await asyncio.gather(
            *(
                _outcome(_update(auth, grant, email=NEW, password=f"guess number {n}"))
                for n in range(30)
            )
        )
    )

    assert said["WRONG_PASSWORD"] == 10
    assert said.keys() == {"WRONG_PASSWORD", "TOO_MANY_ATTEMPTS"}
    # It counts against what they take for the password, not against logging in, nor against others.
    assert (await _log_in(auth, "ada")).user.id == grant.user.id
    assert (await _update(auth, other, email=NEW, password=GOOD)).email == NEW


async def test_a_deleted_account_leaves_neither_name_nor_address_behind(
    auth: Channel, register: Register, mailbox: Mailbox, database: DatabaseUrls
) -> None:
    grant = await register("ada")
    email = grant.user.email
    code = await _code(auth, mailbox, email)
    await _update(auth, grant, code=code, display_name="Countess")

    stub = auth.stub(AuthServiceStub)
    request = auth_pb2.DeleteMeRequest(password=GOOD)
    await auth.unary(stub.DeleteMe, request, timeout=30, token=grant.access_token)

    with psycopg.connect(database.worker) as worker:
        [(row,)] = worker.execute("SELECT to_jsonb(users)::text FROM users").fetchall()
    # Between quotes: an id in hexadecimal may well have these letters.
    assert not any(word in row for word in ('"ada"', "ada@"))
    assert "Countess" not in row
    # And the address is free again.
    code = await _code(auth, mailbox, email, count=2)
    again = auth_pb2.RegisterRequest(username="ada", email=email, password=GOOD, code=code)
    assert (await auth.unary(stub.Register, again, timeout=30)).grant.user.email_verified


async def test_what_changes_nothing_is_not_recorded(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    grant = await register("ada")
    for _ in range(3):
        await _update(auth, grant, display_name="Countess", email=grant.user.email)
        await _update(auth, grant)

    with psycopg.connect(database.worker) as worker:
        query = "SELECT count(*) FROM audit WHERE event = 'profile.changed'"
        assert worker.execute(query).fetchone() == (1,)


async def test_a_profile_is_changed_sixty_times_an_hour_and_no_oftener(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    grant, other = await register("ada"), await register("eve")

    said = Counter([await _outcome(_update(auth, grant, display_name=f"{n}")) for n in range(63)])

    assert said == {"done": 60, "TOO_MANY_ATTEMPTS": 3}
    await _update(auth, other, display_name="Eve")
    with psycopg.connect(database.worker) as worker:
        worker.execute(
            "UPDATE counters SET hits = ARRAY(SELECT hit - interval '1 hour' FROM unnest(hits) hit)"
        )
    await _update(auth, grant, display_name="Ada")
