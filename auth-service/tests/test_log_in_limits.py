"""Guessing passwords: what is refused, to whom, and what an owner notices of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import psycopg
import pytest

from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]

GOOD, BAD = "correct horse", "wrong horse"


async def _log_in(
    auth: Channel, username: str, password: str, ip: str = "192.0.2.66"
) -> auth_pb2.Grant | RemoteError:
    request = auth_pb2.LogInRequest(
        username=username, password=password, client=auth_pb2.Client(ip=ip)
    )
    try:
        return (await auth.unary(auth.stub(AuthServiceStub).LogIn, request, timeout=30)).grant
    except RemoteError as error:
        return error


def _said(outcome: auth_pb2.Grant | RemoteError) -> str:
    return outcome.reason if isinstance(outcome, RemoteError) else "granted"


async def test_of_three_hundred_guesses_at_once_ten_are_looked_at(
    auth: Channel, register: Register
) -> None:
    await register("ada")

    # Each from an address of its own: rotating those evades nothing.
    said = Counter(
        _said(outcome)
        for outcome in await asyncio.gather(
            *(_log_in(auth, "ada", BAD, f"198.51.100.{n % 250}") for n in range(300))
        )
    )

    assert said["INVALID_CREDENTIALS"] == 10
    # The rest was refused unseen: by the limit, or since the service had too much to do.
    assert said["TOO_MANY_ATTEMPTS"] >= 1
    assert said.keys() <= {"INVALID_CREDENTIALS", "TOO_MANY_ATTEMPTS", "TOO_BUSY", "DATABASE_BUSY"}


@pytest.mark.parametrize("typed", ["ada", "nobody", "ada@example.org", "nobody@example.org"])
async def test_the_limit_is_the_same_for_who_exists_and_who_does_not(
    auth: Channel, register: Register, typed: str
) -> None:
    await register("ada")

    outcomes = [await _log_in(auth, typed, BAD) for _ in range(12)]

    assert [_said(outcome) for outcome in outcomes] == ["INVALID_CREDENTIALS"] * 10 + [
        "TOO_MANY_ATTEMPTS"
    ] * 2
    last = outcomes[-1]
    assert isinstance(last, RemoteError)
    assert (last.kind, last.fields, last.metadata) == (Kind.EXHAUSTED, (), {})
    assert last.retry_after in range(590, 601)


async def test_spellings_of_a_name_share_its_limit(auth: Channel, register: Register) -> None:
    await register("ada")
    spellings = ["ada", "ADA", "ａｄａ", "Ⓐda"]

    said = [_said(await _log_in(auth, spellings[n % 4], BAD)) for n in range(12)]

    assert said.count("INVALID_CREDENTIALS") == 10


async def test_failures_from_one_network_are_counted_whatever_names_they_try(
    auth: Channel, register: Register
) -> None:
    await register("ada")

    said = [_said(await _log_in(auth, f"user{n}", BAD, f"2001:db8:0:1::{n:x}")) for n in range(102)]

    assert said == ["INVALID_CREDENTIALS"] * 100 + ["TOO_MANY_ATTEMPTS"] * 2
    assert _said(await _log_in(auth, "ada", GOOD, "2001:db8:0:1::ffff")) == "TOO_MANY_ATTEMPTS"
    assert _said(await _log_in(auth, "ada", GOOD, "2001:db8:0:2::1")) == "granted"


async def test_log_ins_that_succeed_are_not_counted(auth: Channel, register: Register) -> None:
    await register("ada")

    said = [_said(await _log_in(auth, "ada", GOOD)) for _ in range(25)]

    assert said == ["granted"] * 25


async def test_an_attackers_failures_do_not_touch_what_the_owner_has_open(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    mine = await register("ada")
    for _ in range(30):
        await _log_in(auth, "ada", BAD)
    assert _said(await _log_in(auth, "ada", GOOD, "203.0.113.1")) == "TOO_MANY_ATTEMPTS"

    stub = auth.stub(AuthServiceStub)
    token = mine.access_token
    me = await auth.unary(stub.GetMe, auth_pb2.GetMeRequest(), timeout=30, token=token)
    assert me.user == mine.user
    refresh = auth_pb2.RefreshRequest(refresh_token=mine.refresh_token)
    assert (await auth.unary(stub.Refresh, refresh, timeout=30)).grant.user == mine.user

    # After ten minutes at the most the owner can log in anew.
    _age(database, timedelta(minutes=10))
    assert _said(await _log_in(auth, "ada", GOOD, "192.0.2.7")) == "granted"


async def test_the_limit_outlives_the_service_and_holds_over_replicas(
    serve: Serve, grpc_channel: OpenChannel
) -> None:
    service, port = await serve()
    first = await grpc_channel(port, "auth-service")
    for _ in range(6):
        assert _said(await _log_in(first, "ada", BAD)) == "INVALID_CREDENTIALS"
    await service.stop()

    others = [await grpc_channel((await serve())[1], "auth-service") for _ in range(2)]
    said = [_said(await _log_in(others[n % 2], "ada", BAD)) for n in range(6)]

    assert said == ["INVALID_CREDENTIALS"] * 4 + ["TOO_MANY_ATTEMPTS"] * 2


async def test_what_is_turned_away_unseen_is_no_failure(
    serve: Serve, grpc_channel: OpenChannel
) -> None:
    _, port = await serve(password_workers=1, password_queue=0, password_memory_kib=65_536)
    busy = await grpc_channel(port, "auth-service")
    looked_at = 0
    for _ in range(4):
        outcomes = await asyncio.gather(*(_log_in(busy, "ada", BAD) for _ in range(5)))
        said = Counter(_said(outcome) for outcome in outcomes)
        assert said.keys() <= {"INVALID_CREDENTIALS", "TOO_BUSY", "TOO_MANY_ATTEMPTS"}
        looked_at += said["INVALID_CREDENTIALS"]
    while _said(await _log_in(busy, "ada", BAD)) == "INVALID_CREDENTIALS":
        looked_at += 1

    assert looked_at == 10


async def test_whoever_guesses_from_elsewhere_keeps_no_owner_out_of_home(
    auth: Channel, register: Register
) -> None:
    # From 192.0.2.7.
    await register("ada")
    await register("eve")
    # Who is at home elsewhere is so for nobody but herself.
    assert _said(await _log_in(auth, "eve", GOOD, "203.0.113.1")) == "granted"
    for number in range(11):
        await _log_in(auth, "ada", BAD, f"198.51.100.{number}")
    assert _said(await _log_in(auth, "ada", GOOD, "203.0.113.1")) == "TOO_MANY_ATTEMPTS"

    assert _said(await _log_in(auth, "ada", GOOD, "192.0.2.7")) == "granted"
    # Whoever guesses at home has ten tries of their own.
    at_home = [_said(await _log_in(auth, "ada", BAD, "192.0.2.7")) for _ in range(11)]
    assert at_home == ["INVALID_CREDENTIALS"] * 10 + ["TOO_MANY_ATTEMPTS"]


async def test_who_has_moved_and_only_goes_on_is_at_home_there(
    auth: Channel, register: Register
) -> None:
    grant = await register("ada")
    request = auth_pb2.RefreshRequest(
        refresh_token=grant.refresh_token, client=auth_pb2.Client(ip="203.0.113.1")
    )
    await auth.unary(auth.stub(AuthServiceStub).Refresh, request, timeout=30)
    for number in range(11):
        await _log_in(auth, "ada", BAD, f"198.51.100.{number}")

    # Where the login was used before, anybody may be by now.
    assert _said(await _log_in(auth, "ada", GOOD, "192.0.2.7")) == "TOO_MANY_ATTEMPTS"
    assert _said(await _log_in(auth, "ada", GOOD, "203.0.113.1")) == "granted"


@pytest.mark.parametrize("name", ["ada", "nobody"])
async def test_log_ins_under_one_name_are_bounded_whatever_comes_of_them(
    serve: Serve, grpc_channel: OpenChannel, register: Register, name: str
) -> None:
    await register("ada")
    _, port = await serve(logins_per_hour=3)
    auth = await grpc_channel(port, "auth-service")

    said = [_said(await _log_in(auth, name, GOOD)) for _ in range(5)]

    each = "granted" if name == "ada" else "INVALID_CREDENTIALS"
    assert said == [each] * 3 + ["TOO_MANY_ATTEMPTS"] * 2


async def test_one_address_registers_only_so_many(serve: Serve, grpc_channel: OpenChannel) -> None:
    _, port = await serve(registrations_per_hour=4)
    auth = await grpc_channel(port, "auth-service")

    async def register(name: str, ip: str = "192.0.2.66") -> str:
        request = auth_pb2.RegisterRequest(
            username=name,
            email="a@example.org",
            password=GOOD,
            client=auth_pb2.Client(ip=ip),
        )
        try:
            await auth.unary(auth.stub(AuthServiceStub).Register, request, timeout=30)
        except RemoteError as error:
            return error.reason
        return "made"

    said = [await register(name) for name in ("ada", "ada", "eve", "ada", "bob", "bob")]
    assert said == ["made", "USERNAME_TAKEN", "made", "USERNAME_TAKEN"] + ["TOO_MANY_ATTEMPTS"] * 2
    assert await register("bob", ip="192.0.2.67") == "made"


async def test_what_is_counted_names_nobody(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    await register("ada")
    await _log_in(auth, "ada", BAD)

    with psycopg.connect(database.worker) as worker:
        rows = worker.execute("SELECT scope, subject FROM counters ORDER BY scope").fetchall()
    scopes = ["login", "login_any", "login_from", "register_from"]
    assert [scope for scope, _ in rows] == scopes
    for _, subject in rows:
        assert len(subject) == 32
        assert not any(text in subject for text in (b"ada", b"192.0.2.66"))


def _age(database: DatabaseUrls, by: timedelta) -> None:
    with psycopg.connect(database.worker) as worker:
        worker.execute(
            "UPDATE counters SET hits = ARRAY(SELECT hit - %s FROM unnest(hits) AS hit)", [by]
        )
