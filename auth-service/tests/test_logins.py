"""Logins one by one, and the password that ends all but one."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import jwt
import psycopg
import pytest

from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]


class As:
    """What the holder of an access token may ask of auth-service."""

    def __init__(self, auth: Channel, token: str) -> None:
        self._auth = auth
        self._token = token

    async def _call(self, method: str, request: Any) -> Any:
        stub = getattr(self._auth.stub(AuthServiceStub), method)
        return await self._auth.unary(stub, request, timeout=30, token=self._token)

    async def me(self) -> Any:
        return await self._call("GetMe", auth_pb2.GetMeRequest())

    async def logins(self, **query: Any) -> Any:
        return await self._call("ListLogins", auth_pb2.ListLoginsRequest(**query))

    async def revoke(self, login_id: str) -> None:
        await self._call("RevokeLogin", auth_pb2.RevokeLoginRequest(id=login_id))

    async def revoke_all(self) -> None:
        await self._call("RevokeLogins", auth_pb2.RevokeLoginsRequest())

    async def change_password(self, old: str, new: str) -> None:
        request = auth_pb2.ChangePasswordRequest(old_password=old, new_password=new)
        await self._call("ChangePassword", request)


async def _log_in(
    auth: Channel, username: str, password: str = "correct horse", **client: str
) -> auth_pb2.Grant:
    request = auth_pb2.LogInRequest(
        username=username, password=password, client=auth_pb2.Client(**client)
    )
    return (await auth.unary(auth.stub(AuthServiceStub).LogIn, request, timeout=30)).grant


async def _refresh(auth: Channel, refresh_token: str) -> auth_pb2.Grant:
    request = auth_pb2.RefreshRequest(refresh_token=refresh_token)
    return (await auth.unary(auth.stub(AuthServiceStub).Refresh, request, timeout=30)).grant


async def _reason(attempt: Awaitable[object]) -> str:
    with pytest.raises(RemoteError) as refused:
        await attempt
    return refused.value.reason


async def _falls(auth: Channel, grant: auth_pb2.Grant) -> None:
    """Neither of the grant's tokens is good any more, the access token within 5 seconds."""
    assert await _reason(_refresh(auth, grant.refresh_token)) == "INVALID_REFRESH_TOKEN"

    async def refused() -> bool:
        try:
            await As(auth, grant.access_token).me()
        except RemoteError as error:
            return error.kind is Kind.UNAUTHENTICATED
        return False

    await eventually(refused, 5)


async def test_logins_are_listed_last_used_first_with_the_device_and_the_current_one(
    auth: Channel, register: Register
) -> None:
    first = await register("ada")
    await register("eve")
    second = await _log_in(auth, "ada", ip="192.0.2.9", user_agent="a telephone")
    await _refresh(auth, first.refresh_token)

    listed = await As(auth, second.access_token).logins(count=True)

    assert listed.total == 2
    used_last, current = listed.items
    assert (current.ip, current.user_agent, current.current) == ("192.0.2.9", "a telephone", True)
    assert not used_last.current
    assert used_last.created_at.ToDatetime() < current.created_at.ToDatetime()
    assert used_last.last_used_at.ToDatetime() > current.last_used_at.ToDatetime()
    assert (current.expires_at.ToDatetime() - current.last_used_at.ToDatetime()).days == 30


async def test_a_login_is_listed_with_where_it_was_used_last(
    auth: Channel, register: Register
) -> None:
    grant = await register("ada")
    request = auth_pb2.RefreshRequest(
        refresh_token=grant.refresh_token,
        client=auth_pb2.Client(ip="203.0.113.1", user_agent="a newer browser"),
    )
    await auth.unary(auth.stub(AuthServiceStub).Refresh, request, timeout=30)
    (login,) = (await As(auth, grant.access_token).logins()).items
    assert (login.ip, login.user_agent) == ("203.0.113.1", "a newer browser")


async def test_a_list_comes_in_pages(auth: Channel, register: Register) -> None:
    grant = await register("ada")
    for _ in range(4):
        await _log_in(auth, "ada")
    caller, seen, cursor = As(auth, grant.access_token), [], ""
    while True:
        page = await caller.logins(limit=2, cursor=cursor)
        seen += [login.id for login in page.items]
        if not (cursor := page.next_cursor):
            break
    assert len(seen) == len(set(seen)) == 5
    assert await _reason(caller.logins(cursor="?")) == "VALIDATION"
    assert await _reason(caller.logins(limit=101)) == "VALIDATION"


async def test_a_login_that_is_revoked_ends_and_the_others_go_on(
    auth: Channel, register: Register
) -> None:
    here, there = await register("ada"), await _log_in(auth, "ada")
    caller = As(auth, here.access_token)
    [there_id] = [login.id for login in (await caller.logins()).items if not login.current]

    await caller.revoke(there_id)

    await _falls(auth, there)
    assert [login.current for login in (await caller.logins()).items] == [True]
    assert (await _refresh(auth, here.refresh_token)).user.id == here.user.id
    assert await _reason(caller.revoke(there_id)) == "LOGIN_NOT_FOUND"


async def test_somebody_elses_login_is_not_there(auth: Channel, register: Register) -> None:
    ada, eve = await register("ada"), await register("eve")
    [login] = (await As(auth, ada.access_token).logins()).items
    for id_ in (login.id, "01900000-0000-7000-8000-000000000001", "", "x", login.id.upper()):
        assert await _reason(As(auth, eve.access_token).revoke(id_)) == "LOGIN_NOT_FOUND"
    assert (await _refresh(auth, ada.refresh_token)).user == ada.user


async def test_all_logins_end_at_once_and_a_new_one_is_good(
    auth: Channel, register: Register
) -> None:
    grants = [await register("ada"), *[await _log_in(auth, "ada") for _ in range(3)]]
    stranger = await register("eve")

    await As(auth, grants[1].access_token).revoke_all()
    again = await _log_in(auth, "ada")

    for grant in grants:
        await _falls(auth, grant)
    assert len((await As(auth, again.access_token).logins()).items) == 1
    assert (await _refresh(auth, again.refresh_token)).user.id == grants[0].user.id
    await As(auth, stranger.access_token).me()


async def test_a_new_password_ends_every_other_login_on_every_replica_and_not_the_callers(
    auth: Channel, register: Register, serve: Serve, grpc_channel: OpenChannel
) -> None:
    _, port = await serve()
    elsewhere = await grpc_channel(port, "auth-service", as_name="gateway")
    here = await register("ada")
    others = [await _log_in(auth, "ada") for _ in range(3)]
    stranger = await register("eve")

    await As(auth, here.access_token).change_password("correct horse", "battery staple")

    for other in others:
        await _falls(auth, other)
        await _falls(elsewhere, other)
    # In the very second of the change: the caller's tokens, those of now and those that follow.
    await As(auth, here.access_token).me()
    refreshed = await _refresh(auth, here.refresh_token)
    for replica in (auth, elsewhere):
        await As(replica, refreshed.access_token).me()
    assert len((await As(auth, refreshed.access_token).logins()).items) == 1
    assert await _reason(_log_in(auth, "ada")) == "INVALID_CREDENTIALS"
    assert (await _log_in(auth, "ada", "battery staple")).user.id == here.user.id
    await As(auth, stranger.access_token).me()


async def test_without_the_old_password_or_with_a_poor_new_one_nothing_changes(
    auth: Channel, register: Register
) -> None:
    here, there = await register("ada"), await _log_in(auth, "ada")
    caller = As(auth, here.access_token)
    for old in ("wrong horse", "", "battery staple"):
        assert await _reason(caller.change_password(old, "battery staple")) == "WRONG_PASSWORD"
    for new, problem in (
        ("short", FieldError("new_password", "TOO_SHORT", minimum=8)),
        ("password1", FieldError("new_password", "TOO_COMMON")),
        ("x" * 257, FieldError("new_password", "TOO_LONG", maximum=256)),
        ("battery\0staple", FieldError("new_password", "INVALID_CHARACTER")),
    ):
        with pytest.raises(RemoteError) as refused:
            await caller.change_password("correct horse", new)
        assert refused.value.fields == (problem,)
    assert (await _refresh(auth, there.refresh_token)).user.id == here.user.id
    await _log_in(auth, "ada")


async def test_of_many_changes_at_once_one_succeeds(auth: Channel, register: Register) -> None:
    grant = await register("ada")
    caller = As(auth, grant.access_token)

    outcomes = await asyncio.gather(
        *(caller.change_password("correct horse", f"battery staple {n}") for n in range(5)),
        return_exceptions=True,
    )

    good = [n for n, outcome in enumerate(outcomes) if outcome is None]
    refused = [o.reason for o in outcomes if isinstance(o, RemoteError)]
    assert (len(good), refused) == (1, ["WRONG_PASSWORD"] * 4)
    assert (await _log_in(auth, "ada", f"battery staple {good[0]}")).user.id == grant.user.id


async def test_log_ins_with_the_old_password_race_a_change_and_none_of_them_stays(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    here = await register("ada")
    caller = As(auth, here.access_token)

    outcomes = await asyncio.gather(
        *(_log_in(auth, "ada") for _ in range(8)),
        caller.change_password("correct horse", "battery staple"),
        *(_log_in(auth, "ada") for _ in range(8)),
        return_exceptions=True,
    )

    for outcome in outcomes:
        if isinstance(outcome, auth_pb2.Grant):
            await _falls(auth, outcome)
    with psycopg.connect(database.worker) as worker:
        open_ = worker.execute("SELECT count(*) FROM logins WHERE revoked_at IS NULL").fetchone()
    assert open_ == (1,)


async def test_a_login_that_was_long_idle_ends_without_a_revocation_that_none_needs(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    here, idle = await register("ada"), await _log_in(auth, "ada")
    with psycopg.connect(database.worker) as worker:
        worker.execute(
            "UPDATE logins SET last_used_at = now() - interval '121 minutes' WHERE id <> %s",
            [(await As(auth, here.access_token).logins()).items[1].id],
        )

    await As(auth, here.access_token).change_password("correct horse", "battery staple")

    assert await _reason(_refresh(auth, idle.refresh_token)) == "INVALID_REFRESH_TOKEN"
    with psycopg.connect(database.worker) as worker:
        assert worker.execute("SELECT count(*) FROM revocations").fetchone() == (0,)


async def test_the_end_of_a_login_is_told_for_as_long_as_a_stream_of_it_may_be_open(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    here, idle = await register("ada"), await _log_in(auth, "ada")
    with psycopg.connect(database.worker) as worker:
        # Longer ago than any access token lives.
        worker.execute("UPDATE logins SET last_used_at = now() - interval '105 minutes'")

    await As(auth, here.access_token).change_password("correct horse", "battery staple")

    with psycopg.connect(database.worker) as worker:
        [(sid, left)] = worker.execute("SELECT sid, expires_at - now() FROM revocations").fetchall()
    claims = jwt.decode(idle.access_token, options={"verify_signature": False})
    assert str(sid) == claims["sid"]
    assert left > timedelta(minutes=119)


async def test_whoever_opens_one_login_too_many_ends_the_one_least_used(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    first, other = await register("ada"), await register("eve")
    second = await _log_in(auth, "ada")
    with psycopg.connect(database.worker) as worker:
        # As many as may be open, all but the first used in the hour to come.
        worker.execute(
            "INSERT INTO logins (id, tenant_id, user_id, ip, user_agent, created_at, last_used_at,"
            " expires_at) SELECT gen_random_uuid(), tenant_id, user_id, '', '', created_at,"
            " now() + interval '1 hour', expires_at FROM logins, generate_series(1, 98)"
            " WHERE id = %s",
            [jwt.decode(second.access_token, options={"verify_signature": False})["sid"]],
        )

    newest = await _log_in(auth, "ada")

    await _falls(auth, first)
    listed = await As(auth, newest.access_token).logins(count=True)
    assert listed.total == 100
    for grant in (second, newest, other):
        await _refresh(auth, grant.refresh_token)
