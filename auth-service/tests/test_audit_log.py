"""The audit log: what is in it, who may read it, and what an erasure leaves of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel, eventually, limit_deletes
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Appoint = Callable[..., Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]

HOME = auth_pb2.Client(ip="192.0.2.7", user_agent="a browser of the tests")
ELSEWHERE = auth_pb2.Client(ip="198.51.100.9", user_agent="a stranger's")


async def _call(auth: Channel, token: str | None, method: str, request: Any) -> Any:
    stub = auth.stub(AuthServiceStub)
    return await auth.unary(getattr(stub, method), request, timeout=30, token=token)


async def _entries(auth: Channel, admin: auth_pb2.Grant, **wanted: Any) -> list[Any]:
    request = auth_pb2.ListAuditRequest(limit=100, **wanted)
    return list((await _call(auth, admin.access_token, "ListAudit", request)).items)


async def _events(auth: Channel, admin: auth_pb2.Grant, **wanted: Any) -> list[str]:
    return [entry.event for entry in reversed(await _entries(auth, admin, **wanted))]


async def _log_in(
    auth: Channel, name: str, password: str = "correct horse", client: Any = HOME
) -> auth_pb2.Grant:
    request = auth_pb2.LogInRequest(username=name, password=password, client=client)
    grant: auth_pb2.Grant = (await _call(auth, None, "LogIn", request)).grant
    return grant


async def _try(attempt: Awaitable[object]) -> None:
    with pytest.raises(RemoteError):
        await attempt


async def test_what_happens_to_an_account_is_recorded_with_whom_and_from_where(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    ada = await register("ada")
    first = await _log_in(auth, "ada")
    await _try(_log_in(auth, "ada", "wrong horse", ELSEWHERE))
    await _call(auth, first.access_token, "LogOut", auth_pb2.LogOutRequest())
    refresh = auth_pb2.RefreshRequest(refresh_token=ada.refresh_token, client=HOME)
    await _call(auth, None, "Refresh", refresh)
    second = await _log_in(auth, "ada")
    await _try(
        _call(auth, second.access_token, "DeleteMe", auth_pb2.DeleteMeRequest(password="no"))
    )
    change = auth_pb2.UpdateUserRequest(
        id=ada.user.id, role=auth_pb2.ROLE_TENANT_ADMIN, status=auth_pb2.USER_STATUS_DISABLED
    )
    await _call(auth, operator.access_token, "UpdateUser", change)
    change = auth_pb2.UpdateUserRequest(id=ada.user.id, status=auth_pb2.USER_STATUS_ACTIVE)
    await _call(auth, operator.access_token, "UpdateUser", change)
    # What changes nothing is told nobody.
    await _call(auth, operator.access_token, "UpdateUser", change)

    entries = list(reversed(await _entries(auth, operator, user_id=ada.user.id)))

    assert [entry.event for entry in entries] == [
        "user.registered",
        "login.opened",
        "login.refused",
        "login.closed",
        "login.opened",
        "password.refused",
        "user.delete_refused",
        "user.role_changed",
        "user.disabled",
        "user.enabled",
    ]
    assert {(entry.subject_id, entry.tenant_id) for entry in entries} == {
        (ada.user.id, ada.user.tenant_id)
    }
    by_event = {entry.event: entry for entry in entries}
    refused = by_event["login.refused"]
    assert (refused.ip, refused.user_agent) == (ELSEWHERE.ip, ELSEWHERE.user_agent)
    # Of a call with a token, the address is the one its login was last seen at.
    for event in ("user.registered", "login.closed", "user.delete_refused"):
        assert (by_event[event].ip, by_event[event].user_agent) == (HOME.ip, HOME.user_agent)
    assert dict(by_event["user.role_changed"].fields) == {"before": "user", "after": "tenant_admin"}
    for event in ("user.role_changed", "user.disabled", "user.enabled"):
        assert by_event[event].actor_id == operator.user.id
    assert not by_event["login.refused"].HasField("actor_id")
    assert by_event["login.closed"].actor_id == ada.user.id


async def test_codes_passwords_logins_and_tokens_leave_their_traces(
    auth: Channel, register: Register, appoint: Appoint, mailbox: Any
) -> None:
    operator = await appoint("root", "operator")
    ada = await register("ada")
    mine, address = ada.access_token, "ada@example.org"
    register_code: dict[str, Any] = {"email": address, "purpose": auth_pb2.CODE_PURPOSE_REGISTER}
    await _call(auth, None, "SendCode", auth_pb2.SendCodeRequest(**register_code, client=HOME))
    moved = auth_pb2.UpdateMeRequest(
        email=address, password="correct horse", code=await mailbox.code(address)
    )
    await _call(auth, mine, "UpdateMe", moved)
    old, new = "correct horse", "battery staple"
    for password in ("no horse", old):
        change = auth_pb2.ChangePasswordRequest(old_password=password, new_password=new)
        attempt = _call(auth, mine, "ChangePassword", change)
        await (_try(attempt) if password != old else attempt)
    made = auth_pb2.CreateTokenRequest(name="a script", scopes=["notes:read"])
    token = await _call(auth, mine, "CreateToken", made)
    exchange = auth_pb2.ExchangeTokenRequest(secret=token.secret, client=ELSEWHERE)
    for _ in range(3):
        await _call(auth, None, "ExchangeToken", exchange)
    await _call(auth, mine, "DeleteToken", auth_pb2.DeleteTokenRequest(id=token.token.id))
    other = await _log_in(auth, "ada", new)
    (login,) = [
        login
        for login in (
            await _call(auth, mine, "ListLogins", auth_pb2.ListLoginsRequest(limit=10))
        ).items
        if not login.current
    ]
    await _call(auth, mine, "RevokeLogin", auth_pb2.RevokeLoginRequest(id=login.id))
    await _call(auth, mine, "RevokeLogins", auth_pb2.RevokeLoginsRequest())
    reset_code: dict[str, Any] = {"email": address, "purpose": auth_pb2.CODE_PURPOSE_PASSWORD_RESET}
    await _call(auth, None, "SendCode", auth_pb2.SendCodeRequest(**reset_code, client=HOME))
    code = await mailbox.code(address, count=2)
    reset = auth_pb2.ResetPasswordRequest(
        email=address, code=code, new_password="a third one", client=ELSEWHERE
    )
    await _call(auth, None, "ResetPassword", reset)

    async def all_is_told() -> bool:
        # That the code was sent may be told later than what was done with it.
        assert await _events(auth, operator, user_id=ada.user.id) == [
            "user.registered",
            "profile.changed",
            "password.refused",
            "password.changed",
            "pat.created",
            "pat.used",
            "pat.deleted",
            "login.opened",
            "login.revoked",
            "logins.revoked",
            "code.sent",
            "password.reset",
        ]
        return True

    await eventually(all_is_told)
    entries = {entry.event: entry for entry in await _entries(auth, operator, user_id=ada.user.id)}
    assert entries["pat.used"].ip == entries["password.reset"].ip == ELSEWHERE.ip
    assert other.user.id == ada.user.id
    told = {event: dict(entry.fields) for event, entry in entries.items() if entry.fields}
    assert told == {
        "profile.changed": {"address_changed": "False", "address_verified": "True"},
        # There was no other login than the one that asked.
        "password.changed": {"logins_ended": "0"},
        "pat.created": {"pat_id": token.token.id},
        "pat.used": {"pat_id": token.token.id},
        "pat.deleted": {"pat_id": token.token.id},
        "login.revoked": {"login_id": login.id},
        # The one that asked: the other was ended before.
        "logins.revoked": {"count": "1"},
        "code.sent": {"purpose": "password_reset"},
        "password.reset": {"logins_ended": "0", "tokens_ended": "0"},
    }
    text = str(list(entries.values()))
    for secret in (code, token.secret, new, "a third one", address, "a script"):
        assert secret not in text


async def test_a_wrong_code_is_recorded_with_where_it_was_tried(
    auth: Channel, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    guess = auth_pb2.VerifyCodeRequest(
        email="ada@example.org",
        code="000000",
        purpose=auth_pb2.CODE_PURPOSE_REGISTER,
        client=ELSEWHERE,
    )
    assert not (await _call(auth, None, "VerifyCode", guess)).valid
    (refused,) = await _entries(auth, operator, event="code.refused")
    assert (refused.ip, dict(refused.fields)) == (ELSEWHERE.ip, {"purpose": "register"})
    assert not refused.HasField("subject_id")


async def test_a_stolen_refresh_token_and_a_guess_at_nobodys_name_are_in_the_audit_log(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    ada = await register("ada")
    newest = ada
    for client in (HOME, HOME, ELSEWHERE):
        token = ada.refresh_token if client is ELSEWHERE else newest.refresh_token
        refresh = auth_pb2.RefreshRequest(refresh_token=token, client=client)
        if client is ELSEWHERE:
            await _try(_call(auth, None, "Refresh", refresh))
        else:
            newest = (await _call(auth, None, "Refresh", refresh)).grant
    await _try(_log_in(auth, "nobody-at-all", client=ELSEWHERE))

    [reuse] = await _entries(auth, operator, event="login.reuse_detected")
    assert (reuse.subject_id, reuse.ip) == (ada.user.id, ELSEWHERE.ip)
    [guess] = await _entries(auth, operator, event="login.refused")
    assert (guess.tenant_id, guess.HasField("subject_id"), guess.ip) == ("", False, ELSEWHERE.ip)


async def test_a_log_in_to_a_disabled_account_is_recorded_with_whose_it_is(
    auth: Channel, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    operator = await appoint("root", "operator")
    ada = await register("ada")
    with psycopg.connect(database.worker) as worker:
        worker.execute(
            "UPDATE users SET status = 'disabled', email_key = email, email_verified_at = now()"
            " WHERE id = %s",
            (ada.user.id,),
        )

    said = set()
    for name in ("ada", "ada@example.org", "nobody", "nobody@example.org"):
        for password in ("correct horse", "wrong horse"):
            with pytest.raises(RemoteError) as refused:
                await _log_in(auth, name, password, ELSEWHERE)
            said.add((refused.value.kind, refused.value.reason, refused.value.detail))

    [(kind, reason, _)] = said
    assert (kind, reason) == (Kind.UNAUTHENTICATED, "INVALID_CREDENTIALS")
    told = list(reversed(await _entries(auth, operator, event="login.refused")))
    assert [entry.subject_id for entry in told] == [ada.user.id] * 4 + [""] * 4


async def test_it_is_read_by_event_by_beginning_by_user_by_time_and_by_page(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    ada = await register("ada")
    between = datetime.now(UTC)
    await _log_in(auth, "ada")
    await register("bob")

    assert await _events(auth, operator, event="login.opened", user_id=ada.user.id) == [
        "login.opened"
    ]
    assert set(await _events(auth, operator, event="login.")) == {"login.opened"}
    for nothing in ("login", "log.", "%", "_______", "login.%", "x" * 64):
        assert await _events(auth, operator, event=nothing) == []
    request = auth_pb2.ListAuditRequest(limit=100)
    getattr(request, "from").FromDatetime(between)
    later = (await _call(auth, operator.access_token, "ListAudit", request)).items
    assert [entry.event for entry in reversed(later)] == ["login.opened", "user.registered"]
    request = auth_pb2.ListAuditRequest(limit=100)
    request.to.FromDatetime(between)
    earlier = (await _call(auth, operator.access_token, "ListAudit", request)).items
    everything = await _entries(auth, operator)
    assert [*later, *earlier] == everything

    found: list[Any] = []
    cursor = ""
    while True:
        request = auth_pb2.ListAuditRequest(limit=2, cursor=cursor)
        page = await _call(auth, operator.access_token, "ListAudit", request)
        found += page.items
        cursor = page.next_cursor
        if not cursor:
            break
    assert found == everything

    far = auth_pb2.ListAuditRequest()
    far.to.seconds = 10**15
    with pytest.raises(RemoteError) as unknown:
        await _call(
            auth, operator.access_token, "ListAudit", auth_pb2.ListAuditRequest(user_id="7")
        )
    assert [(field.field, field.reason) for field in unknown.value.fields] == [
        ("user_id", "INVALID")
    ]
    for bad in (
        auth_pb2.ListAuditRequest(user_id="7"),
        auth_pb2.ListAuditRequest(event="x" * 65),
        auth_pb2.ListAuditRequest(event="\0"),
        auth_pb2.ListAuditRequest(cursor="x"),
        auth_pb2.ListAuditRequest(limit=101),
        far,
    ):
        with pytest.raises(RemoteError) as refused:
            await _call(auth, operator.access_token, "ListAudit", bad)
        assert (refused.value.kind, refused.value.reason) == (Kind.INVALID, "VALIDATION")


async def test_it_is_counted_under_the_same_filters_and_no_further_than_10_000(
    auth: Channel, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    operator = await appoint("root", "operator")
    tenant = auth_pb2.CreateTenantRequest(name="theirs")
    theirs = (await _call(auth, operator.access_token, "CreateTenant", tenant)).tenant
    admin = await appoint("boss", "tenant_admin", theirs.id)
    ada = await register("ada")
    for _ in range(3):
        await _log_in(auth, "ada")

    async def total(reader: auth_pb2.Grant, **wanted: Any) -> int | None:
        request = auth_pb2.ListAuditRequest(limit=1, count=True, **wanted)
        page = await _call(auth, reader.access_token, "ListAudit", request)
        assert len(page.items) == 1
        return int(page.total)

    everything = await _entries(auth, operator)
    assert await total(operator) == len(everything)
    assert await total(operator, user_id=ada.user.id) == 4
    assert await total(operator, user_id=ada.user.id, event="login.") == 3
    assert await total(admin) == sum(entry.tenant_id == theirs.id for entry in everything)
    request = auth_pb2.ListAuditRequest()
    page = await _call(auth, operator.access_token, "ListAudit", request)
    assert not page.HasField("total")

    with psycopg.connect(database.admin) as connection:
        connection.execute(
            "INSERT INTO audit SELECT gen_random_uuid(), now(), %s, NULL, NULL, 'login.refused',"
            " '', '', '{}' FROM generate_series(1, 10001)",
            [theirs.id],
        )
    assert (await total(operator), await total(admin)) == (10_000, 10_000)


async def test_a_tenants_admin_reads_their_tenants_audit_log_and_no_other(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    tenant = (
        await _call(
            auth, operator.access_token, "CreateTenant", auth_pb2.CreateTenantRequest(name="theirs")
        )
    ).tenant
    admin = await appoint("boss", "tenant_admin", tenant.id)
    stranger = await register("stranger")
    await _try(_log_in(auth, "nobody-at-all"))

    entries = await _entries(auth, admin)

    assert {entry.tenant_id for entry in entries} == {tenant.id}
    assert {entry.event for entry in entries} == {"login.opened"}
    assert await _entries(auth, admin, user_id=stranger.user.id) == []
    assert {entry.tenant_id for entry in await _entries(auth, operator)} == {
        "",
        tenant.id,
        stranger.user.tenant_id,
    }


async def test_the_address_of_an_operator_of_another_tenant_is_shown_to_no_tenants_admin(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    request = auth_pb2.CreateTenantRequest(name="theirs")
    theirs = (await _call(auth, operator.access_token, "CreateTenant", request)).tenant
    admin = await appoint("boss", "tenant_admin", theirs.id)
    ada = await appoint("ada", "user", theirs.id)
    eve = await register("eve")
    operator = await _log_in(auth, "root", client=ELSEWHERE)
    for grant in (ada, eve):
        change = auth_pb2.UpdateUserRequest(id=grant.user.id, status=auth_pb2.USER_STATUS_DISABLED)
        await _call(auth, operator.access_token, "UpdateUser", change)

    [disabled] = await _entries(auth, admin, event="user.disabled")
    assert (disabled.subject_id, disabled.actor_id) == (ada.user.id, operator.user.id)
    assert (disabled.ip, disabled.user_agent) == ("", "")
    # In their own tenant an operator is an admin like any other.
    [disabled, _] = await _entries(auth, operator, event="user.disabled")
    assert (disabled.subject_id, disabled.ip) == (eve.user.id, ELSEWHERE.ip)


async def test_an_erasure_leaves_ids_and_words_and_no_address(
    auth: Channel, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    operator = await appoint("root", "operator")
    ada, bob = await register("ada"), await register("bob")
    for name in ("ada", "bob"):
        await _log_in(auth, name)
        await _try(_log_in(auth, name, "wrong horse", ELSEWHERE))
    # One leaves of their own accord, one is removed.
    await _call(
        auth, ada.access_token, "DeleteMe", auth_pb2.DeleteMeRequest(password="correct horse")
    )
    remove = auth_pb2.DeleteUserRequest(id=bob.user.id)
    await _call(auth, operator.access_token, "DeleteUser", remove)

    for user, actor in ((ada, ada), (bob, operator)):
        entries = await _entries(auth, operator, user_id=user.user.id)
        assert [entry.event for entry in reversed(entries)] == [
            "user.registered",
            "login.opened",
            "login.refused",
            "user.deleted",
        ]
        assert {(entry.ip, entry.user_agent) for entry in entries} == {("", "")}
        assert entries[0].actor_id == actor.user.id
        assert list(entries[0].fields) == ["erasure_id"]
    with psycopg.connect(database.admin) as admin:
        rows = admin.execute("SELECT audit::text FROM audit").fetchall()
    text = "\n".join(row for (row,) in rows)
    for personal in ("bob", "example.org", ELSEWHERE.ip, "horse"):
        assert personal not in text


async def test_no_address_comes_back_by_a_refusal_that_an_erasure_overtook(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    for turn in range(5):
        name = f"ada{turn}"
        ada = await register(name)
        delete = auth_pb2.DeleteMeRequest(password="correct horse")
        await asyncio.gather(
            *(_log_in(auth, name, "wrong horse", ELSEWHERE) for _ in range(6)),
            _call(auth, ada.access_token, "DeleteMe", delete),
            *(_log_in(auth, name, client=ELSEWHERE) for _ in range(3)),
            *(_log_in(auth, name, "wrong horse", ELSEWHERE) for _ in range(6)),
            return_exceptions=True,
        )
        with psycopg.connect(database.worker) as worker:
            left = worker.execute(
                "SELECT event FROM audit WHERE subject_id = %s AND (ip <> '' OR user_agent <> '')",
                (ada.user.id,),
            ).fetchall()
        assert left == []


async def test_the_address_stays_through_many_log_ins_at_once(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    ada = await register("ada")
    await asyncio.gather(
        *(_log_in(auth, "ada", client=ELSEWHERE) for _ in range(5)),
        *(_log_in(auth, "ada", "wrong horse", ELSEWHERE) for _ in range(5)),
        return_exceptions=True,
    )
    with psycopg.connect(database.worker) as worker:
        told = worker.execute(
            "SELECT ip, count(*) FROM audit WHERE subject_id = %s GROUP BY ip ORDER BY 1",
            (ada.user.id,),
        ).fetchall()
    assert told == [(HOME.ip, 1), (ELSEWHERE.ip, 10)]


async def test_what_is_rolled_back_is_not_recorded(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    await register("ada")
    await asyncio.gather(*(register("eve") for _ in range(5)), return_exceptions=True)

    with psycopg.connect(database.worker) as worker:
        told = worker.execute("SELECT event, count(*) FROM audit GROUP BY event").fetchall()
    assert told == [("user.registered", 2)]


async def test_it_goes_back_as_far_as_the_setting_says(
    auth: Channel, serve: Serve, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    operator = await appoint("root", "operator")
    ada = await register("ada")
    for days, count in ((9, 1), (11, 11_000)):
        with psycopg.connect(database.admin) as admin:
            admin.execute(
                "INSERT INTO audit (id, at, tenant_id, subject_id, event, ip, user_agent, fields)"
                " SELECT gen_random_uuid(), %s, %s, %s, %s, '', '', '{}'"
                " FROM generate_series(1, %s)",
                (
                    datetime.now(UTC) - timedelta(days=days),
                    ada.user.tenant_id,
                    ada.user.id,
                    f"old.{days}",
                    count,
                ),
            )
    # However many have grown old, no statement takes long.
    limit_deletes(database, 5_000, "audit")
    await serve(audit_days=10, erasure_sweep_seconds=0.2)

    async def the_oldest_is_gone() -> bool:
        return await _events(auth, operator, event="old.") == ["old.9"]

    await eventually(the_oldest_is_gone)
    assert "user.registered" in await _events(auth, operator, user_id=ada.user.id)


async def test_a_token_that_is_used_or_refused_all_day_is_recorded_once_an_hour(
    auth: Channel,
    serve: Serve,
    grpc_channel: OpenChannel,
    register: Register,
    appoint: Appoint,
    database: DatabaseUrls,
) -> None:
    operator = await appoint("root", "operator")
    ada = await register("ada")
    made = auth_pb2.CreateTokenRequest(name="a script", scopes=["notes:read"])
    secret = (await _call(auth, ada.access_token, "CreateToken", made)).secret
    _, port = await serve()
    replicas = [auth, await grpc_channel(port, "auth-service", as_name="gateway")]

    async def present(minutes: int) -> None:
        with psycopg.connect(database.worker) as worker:
            for column in ("last_used_at", "use_told_at", "refusal_told_at"):
                worker.execute(
                    sql.SQL("UPDATE tokens SET {0} = {0} - %s").format(sql.Identifier(column)),
                    [timedelta(minutes=minutes)],
                )
        await asyncio.gather(*(show(replica) for replica in replicas * 4))

    async def show(replica: Channel) -> None:
        exchange = auth_pb2.ExchangeTokenRequest(secret=secret, client=ELSEWHERE)
        while True:
            try:
                await _call(replica, None, "ExchangeToken", exchange)
            except RemoteError as error:
                if error.kind is Kind.UNAVAILABLE:
                    continue  # as a client does: on a slow machine the database is busy
                if error.kind is not Kind.UNAUTHENTICATED:
                    raise
            return

    for event, ends in (("pat.used", None), ("pat.refused", "now")):
        with psycopg.connect(database.worker) as worker:
            worker.execute("UPDATE tokens SET expires_at = %s", [ends])
        for minutes, told in ((0, 1), (30, 1), (31, 2), (59, 2), (1, 3)):
            await present(minutes)
            assert len(await _entries(auth, operator, event=event)) == told
