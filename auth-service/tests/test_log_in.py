"""Register, log in, refresh, log out: as the gateway calls them."""

import asyncio
from collections.abc import Awaitable, Callable

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel, Signer, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]


async def _register(
    auth: Channel, username: str, email: str = "a@example.org", password: str = "correct horse"
) -> auth_pb2.Grant:
    request = auth_pb2.RegisterRequest(username=username, email=email, password=password)
    return (await auth.unary(auth.stub(AuthServiceStub).Register, request, timeout=30)).grant


async def _log_in(
    auth: Channel, username: str, password: str = "correct horse", user_agent: str = ""
) -> auth_pb2.Grant:
    request = auth_pb2.LogInRequest(
        username=username, password=password, client=auth_pb2.Client(user_agent=user_agent)
    )
    return (await auth.unary(auth.stub(AuthServiceStub).LogIn, request, timeout=30)).grant


async def _refresh(auth: Channel, refresh_token: str) -> auth_pb2.Grant:
    request = auth_pb2.RefreshRequest(refresh_token=refresh_token)
    return (await auth.unary(auth.stub(AuthServiceStub).Refresh, request, timeout=30)).grant


async def _me(auth: Channel, token: str) -> auth_pb2.User:
    stub = auth.stub(AuthServiceStub)
    return (await auth.unary(stub.GetMe, auth_pb2.GetMeRequest(), timeout=30, token=token)).user


async def _refused(attempt: Awaitable[object]) -> RemoteError:
    with pytest.raises(RemoteError) as refused:
        await attempt
    return refused.value


async def _is_refused(attempt: Callable[[], Awaitable[object]]) -> bool:
    try:
        await attempt()
    except RemoteError as error:
        return error.kind is Kind.UNAUTHENTICATED
    return False


async def test_who_registers_is_logged_in(auth: Channel, register: Register) -> None:
    grant = await register("Ada")

    assert grant.token_type == "Bearer"
    assert grant.expires_in == 300
    assert grant.user.username == "Ada"
    assert grant.user.email == "Ada@example.org"
    assert grant.user.role == auth_pb2.ROLE_USER
    assert grant.user.HasField("last_login_at")
    assert await _me(auth, grant.access_token) == grant.user


async def test_all_fields_that_are_refused_are_named_at_once_and_no_value_is(
    auth: Channel,
) -> None:
    error = await _refused(_register(auth, "no spaces", "nowhere.example", "pass\0word"))

    assert (error.kind, error.reason) == (Kind.INVALID, "VALIDATION")
    assert error.fields == (
        FieldError("username", "INVALID_CHARACTER"),
        FieldError("email", "INVALID"),
        FieldError("password", "INVALID_CHARACTER"),
    )
    said = f"{error.detail} {error.fields} {error.metadata}"
    assert not any(value in said for value in ("no spaces", "nowhere", "pass\0"))


async def test_a_name_that_looks_the_same_is_taken(auth: Channel, register: Register) -> None:
    await register("Ada")
    for other in ("Ada", "ada", "ADA", "ａｄａ"):
        error = await _refused(_register(auth, other))
        assert (error.kind, error.reason) == (Kind.CONFLICT, "USERNAME_TAKEN")


async def test_two_may_claim_the_same_address_as_neither_has_proved_it(auth: Channel) -> None:
    first = await _register(auth, "ada", "same@example.org")
    second = await _register(auth, "eve", "same@example.org")
    assert first.user.email == second.user.email


async def test_of_many_that_register_one_name_at_once_one_succeeds_in_the_one_tenant(
    auth: Channel, database: DatabaseUrls
) -> None:
    outcomes = await asyncio.gather(
        *(_register(auth, "ada") for _ in range(6)),
        *(_register(auth, f"user{number}") for number in range(6)),
        return_exceptions=True,
    )

    same, others = outcomes[:6], outcomes[6:]
    assert sum(isinstance(outcome, auth_pb2.Grant) for outcome in same) == 1
    assert all(isinstance(outcome, auth_pb2.Grant) for outcome in others)
    with psycopg.connect(database.worker) as worker:
        assert worker.execute("SELECT name FROM tenants").fetchall() == [("default",)]


async def test_a_newcomer_joins_the_tenant_of_the_setting(
    serve: Serve, grpc_channel: OpenChannel, database: DatabaseUrls
) -> None:
    _, port = await serve(tenant="acme")
    grant = await _register(await grpc_channel(port, "auth-service"), "ada")

    with psycopg.connect(database.worker) as worker:
        tenants = worker.execute("SELECT id::text, name FROM tenants").fetchall()
    assert tenants == [(grant.user.tenant_id, "acme")]


async def test_what_is_stored_holds_no_password_and_no_token(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    grant = await register("ada")

    with psycopg.connect(database.admin) as admin:
        rows = [
            str(row)
            for table in ("users", "logins", "refresh_tokens")
            for row in admin.execute(f"SELECT to_jsonb({table}) FROM {table}")
        ]
    assert rows
    assert not any(
        secret in row
        for row in rows
        for secret in ("correct horse", grant.access_token, grant.refresh_token)
    )
    assert any("$argon2id$" in row for row in rows)


async def test_a_user_logs_in_by_any_spelling_of_their_name(
    auth: Channel, register: Register
) -> None:
    before = await register("Ada")
    for name in ("Ada", "ada", "ＡＤＡ"):
        grant = await _log_in(auth, name)

        assert grant.user.id == before.user.id
        assert grant.user.last_login_at.ToDatetime() > before.user.last_login_at.ToDatetime()
        assert await _me(auth, grant.access_token) == grant.user
        before = grant


async def test_an_unknown_user_a_wrong_password_and_an_address_are_refused_alike(
    auth: Channel, register: Register
) -> None:
    await register("ada")

    refusals = [
        await _refused(_log_in(auth, username, password))
        for username, password in (
            ("ada", "wrong horse"),
            ("nobody", "correct horse"),
            ("ada@example.org", "correct horse"),
            ("nobody@example.org", "correct horse"),
            ("", ""),
        )
    ]

    assert refusals[0].kind is Kind.UNAUTHENTICATED
    assert refusals[0].reason == "INVALID_CREDENTIALS"
    said = {(e.kind, e.reason, e.detail, e.fields, repr(e.metadata)) for e in refusals}
    assert len(said) == 1


async def test_what_can_be_nobodys_is_said_to_be_so(auth: Channel, register: Register) -> None:
    await register("ada")
    for username, password, field in (
        ("a\0da", "correct horse", FieldError("username", "INVALID_CHARACTER")),
        ("ada", "correct\0horse", FieldError("password", "INVALID_CHARACTER")),
        ("a" * 255, "correct horse", FieldError("username", "TOO_LONG", maximum=254)),
        ("ada", "p" * 1_000_000, FieldError("password", "TOO_LONG", maximum=256)),
    ):
        assert (await _refused(_log_in(auth, username, password))).fields == (field,)


async def test_a_hash_of_old_parameters_is_made_anew_at_the_next_log_in(
    serve: Serve,
    auth: Channel,
    grpc_channel: OpenChannel,
    register: Register,
    database: DatabaseUrls,
) -> None:
    await register("ada")
    _, port = await serve(password_iterations=2)
    stronger = await grpc_channel(port, "auth-service")

    await _log_in(stronger, "ada")

    with psycopg.connect(database.worker) as worker:
        (password_hash,) = worker.execute("SELECT password_hash FROM users").fetchone() or ("",)
    assert "t=2" in password_hash
    assert (await _log_in(auth, "ada")).user.username == "ada"


async def test_log_ins_at_once_all_succeed_while_the_hash_is_made_anew(
    serve: Serve, grpc_channel: OpenChannel, register: Register, database: DatabaseUrls
) -> None:
    await register("ada")
    _, port = await serve(password_iterations=2)
    stronger = await grpc_channel(port, "auth-service")

    await asyncio.gather(*(_log_in(stronger, "ada") for _ in range(8)))

    with psycopg.connect(database.worker) as worker:
        [(password_hash, failures)] = worker.execute(
            "SELECT password_hash, (SELECT hits FROM counters WHERE scope = 'login') FROM users"
        ).fetchall()
    assert "t=2" in password_hash
    # None of them was taken for a failure.
    assert failures == []


async def test_too_many_passwords_at_once_are_turned_away_with_a_time_to_come_back(
    serve: Serve, grpc_channel: OpenChannel
) -> None:
    _, port = await serve(password_workers=1, password_queue=0, password_memory_kib=65_536)
    busy = await grpc_channel(port, "auth-service")

    outcomes = await asyncio.gather(
        *(_register(busy, f"user{number}") for number in range(5)), return_exceptions=True
    )

    refused = [outcome for outcome in outcomes if isinstance(outcome, RemoteError)]
    assert any(isinstance(outcome, auth_pb2.Grant) for outcome in outcomes)
    assert refused
    assert {(e.kind, e.reason, e.retry_after) for e in refused} == {
        (Kind.UNAVAILABLE, "TOO_BUSY", 1)
    }


async def test_where_a_login_came_from_is_kept_but_not_without_end(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    await register("ada")
    await _log_in(auth, "ada", user_agent="Mozilla\0" + "x" * 5000)

    with psycopg.connect(database.worker) as worker:
        seen = worker.execute("SELECT ip, user_agent FROM logins ORDER BY id").fetchall()
    assert seen == [("192.0.2.7", "a browser of the tests"), ("", "Mozilla" + "x" * 249)]


async def test_logging_out_ends_this_login_and_no_other(auth: Channel, register: Register) -> None:
    here, there = await register("ada"), await _log_in(auth, "ada")

    stub = auth.stub(AuthServiceStub)
    await auth.unary(stub.LogOut, auth_pb2.LogOutRequest(), timeout=30, token=here.access_token)

    assert (await _refused(_refresh(auth, here.refresh_token))).reason == "INVALID_REFRESH_TOKEN"
    await eventually(lambda: _is_refused(lambda: _me(auth, here.access_token)), 5)
    assert await _me(auth, there.access_token) == there.user
    assert (await _refresh(auth, there.refresh_token)).user == there.user


async def test_a_token_with_an_unknown_role_is_refused_and_none_can_be_stored(
    auth: Channel,
    register: Register,
    database: DatabaseUrls,
    private_key: Ed25519PrivateKey,
) -> None:
    grant = await register("ada")
    header = jwt.get_unverified_header(grant.access_token)
    forger = Signer(kid=header["kid"], private_key=private_key)
    user = grant.user
    claims = jwt.decode(grant.access_token, options={"verify_signature": False})

    assert await _me(auth, forger.sign(claims)) == user
    error = await _refused(_me(auth, forger.sign({**claims, "role": "root"})))
    assert error.kind is Kind.UNAUTHENTICATED
    with (
        psycopg.connect(database.worker) as worker,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        worker.execute("UPDATE users SET role = 'root'")
