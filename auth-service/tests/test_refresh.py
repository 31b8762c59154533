"""Refresh tokens: exchanged, retried, reused, as the gateway presents them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, tzinfo

import jwt
import psycopg
import pytest
from cryptography.exceptions import InvalidTag

from auth_service.credentials.sealing import SealedSuccessors
from auth_service.usecases.grants import digest_of_refresh_token
from chassis import clock
from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]


async def _log_in(auth: Channel, username: str) -> auth_pb2.Grant:
    request = auth_pb2.LogInRequest(username=username, password="correct horse")
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


async def test_a_refresh_token_is_exchanged_for_its_successor(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    first = await register("ada")

    second = await _refresh(auth, first.refresh_token)
    third = await _refresh(auth, second.refresh_token)

    tokens = {grant.refresh_token for grant in (first, second, third)}
    assert len(tokens) == 3
    assert await _me(auth, third.access_token) == first.user == third.user
    with psycopg.connect(database.worker) as worker:
        logins = worker.execute(
            "SELECT expires_at - last_used_at, last_used_at > created_at FROM logins"
        )
        [(life, used)] = logins.fetchall()
    # One login, whose thirty days began again.
    assert (life.days, used) == (30, True)


async def test_logins_and_access_tokens_last_as_long_as_the_settings_say(
    serve: Serve, grpc_channel: OpenChannel, database: DatabaseUrls
) -> None:
    _, port = await serve(refresh_token_days=2, access_token_seconds=60)
    auth = await grpc_channel(port, "auth-service")
    request = auth_pb2.RegisterRequest(
        username="ada", email="a@b.example", password="correct horse"
    )
    first = (await auth.unary(auth.stub(AuthServiceStub).Register, request, timeout=30)).grant

    for grant in (first, await _refresh(auth, first.refresh_token)):
        claims = jwt.decode(grant.access_token, options={"verify_signature": False})
        assert (grant.expires_in, claims["exp"] - claims["iat"]) == (60, 60)
        with psycopg.connect(database.worker) as worker:
            lives = worker.execute(
                "SELECT expires_at - last_used_at FROM logins"
                " UNION ALL SELECT expires_at - created_at FROM refresh_tokens"
            ).fetchall()
        assert {life.days for (life,) in lives} == {2}


async def test_a_retry_within_10_seconds_gets_the_same_successor(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    first = await register("ada")
    others = await register("eve")
    second = await _refresh(auth, first.refresh_token)
    # What others do meanwhile is of no matter.
    await _refresh(auth, others.refresh_token)

    again = await _refresh(auth, first.refresh_token)

    assert again.refresh_token == second.refresh_token
    assert again.access_token != second.access_token
    assert await _me(auth, again.access_token) == await _me(auth, second.access_token)
    # The login goes on from there, and only from there.
    third = await _refresh(auth, again.refresh_token)
    assert (await _refresh(auth, again.refresh_token)).refresh_token == third.refresh_token


async def _fails(auth: Channel, token: str) -> None:
    error = await _refused(_refresh(auth, token))
    assert (error.kind, error.reason) == (Kind.UNAUTHENTICATED, "INVALID_REFRESH_TOKEN")


async def test_once_its_successor_was_used_a_token_is_reused_and_the_family_ends(
    auth: Channel, register: Register
) -> None:
    first, other = await register("ada"), await _log_in(auth, "ada")
    second = await _refresh(auth, first.refresh_token)
    third = await _refresh(auth, second.refresh_token)

    await _fails(auth, first.refresh_token)

    for grant in (second, third):
        await _fails(auth, grant.refresh_token)
    await eventually(lambda: _is_refused(lambda: _me(auth, third.access_token)), 5)
    # Another login of the same user is another family.
    assert await _me(auth, other.access_token) == other.user
    assert (await _refresh(auth, other.refresh_token)).user == other.user


async def test_after_10_seconds_a_used_token_ends_the_family_within_5_on_every_replica(
    auth: Channel,
    register: Register,
    database: DatabaseUrls,
    serve: Serve,
    grpc_channel: OpenChannel,
) -> None:
    _, port = await serve()
    elsewhere = await grpc_channel(port, "auth-service", as_name="gateway")
    first = await register("ada")
    second = await _refresh(auth, first.refresh_token)
    assert await _me(elsewhere, second.access_token) == second.user
    with psycopg.connect(database.worker) as worker:
        worker.execute(
            "UPDATE refresh_tokens SET rotated_at = rotated_at - interval '10.1 seconds'"
        )

    await _fails(auth, first.refresh_token)

    await _fails(elsewhere, second.refresh_token)
    await eventually(lambda: _is_refused(lambda: _me(auth, second.access_token)), 5)
    await eventually(lambda: _is_refused(lambda: _me(elsewhere, second.access_token)), 5)


@pytest.mark.parametrize("times", [2, 20])
async def test_a_token_presented_many_times_at_once_has_one_successor_on_every_replica(
    auth: Channel,
    register: Register,
    database: DatabaseUrls,
    serve: Serve,
    grpc_channel: OpenChannel,
    times: int,
) -> None:
    _, port = await serve()
    elsewhere = await grpc_channel(port, "auth-service", as_name="gateway")
    grant = await register("ada")

    granted = await asyncio.gather(
        *(
            _refresh(replica, grant.refresh_token)
            for _ in range(times)
            for replica in (auth, elsewhere)
        )
    )

    assert len({one.refresh_token for one in granted}) == 1
    assert len({one.access_token for one in granted}) == 2 * times
    with psycopg.connect(database.worker) as worker:
        assert worker.execute("SELECT count(*) FROM refresh_tokens").fetchone() == (2,)
        assert worker.execute("SELECT revoked_at IS NULL FROM logins").fetchall() == [(True,)]
    assert (await _refresh(auth, granted[0].refresh_token)).user == grant.user


async def test_whoever_has_a_used_token_and_the_table_has_no_token_that_is_good(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    first = await register("ada")
    second = await _refresh(auth, first.refresh_token)
    third = await _refresh(auth, second.refresh_token)

    with psycopg.connect(database.worker) as worker:
        rows = worker.execute(
            "SELECT digest, successor FROM refresh_tokens WHERE successor IS NOT NULL"
        ).fetchall()
    # One alone, under a token that its holder has used: nothing older leads there.
    [(kept_under, sealed)] = rows
    assert kept_under == digest_of_refresh_token(second.refresh_token)
    assert SealedSuccessors().open(sealed, under=second.refresh_token) == third.refresh_token
    for other in (first.refresh_token, third.refresh_token, "A" * 43):
        with pytest.raises(InvalidTag):
            SealedSuccessors().open(sealed, under=other)


@pytest.mark.parametrize("expired", ["refresh_tokens", "logins"])
async def test_what_has_expired_is_not_refreshed(
    auth: Channel, register: Register, database: DatabaseUrls, expired: str
) -> None:
    grant = await register("ada")
    with psycopg.connect(database.worker) as worker:
        worker.execute(f"UPDATE {expired} SET expires_at = now() - interval '1 second'")

    assert (await _refused(_refresh(auth, grant.refresh_token))).reason == "INVALID_REFRESH_TOKEN"


async def test_what_is_no_refresh_token_is_refused_alike(auth: Channel) -> None:
    for token in ("", "\0", "x", "A" * 43, "é" * 43, "A" * 1_000_000):
        error = await _refused(_refresh(auth, token))
        assert (error.reason, error.fields) == ("INVALID_REFRESH_TOKEN", ())


@pytest.mark.parametrize("ahead", [15, -600])
async def test_the_clock_of_a_replica_is_nothing_to_the_retry_rule(
    auth: Channel, register: Register, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    first = await register("ada")
    second = await _refresh(auth, first.refresh_token)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Wrong":
            return super().now(tz) + timedelta(seconds=ahead)

    # Everything in this process that asks for the time is told another one from here on.
    monkeypatch.setattr(clock, "datetime", Wrong)
    again = await _refresh(auth, first.refresh_token)
    assert again.refresh_token == second.refresh_token
    third = await _refresh(auth, second.refresh_token)
    # The successor was used: that is no retry, whatever the time.
    assert (await _refused(_refresh(auth, first.refresh_token))).reason == "INVALID_REFRESH_TOKEN"
    assert (await _refused(_refresh(auth, third.refresh_token))).reason == "INVALID_REFRESH_TOKEN"
