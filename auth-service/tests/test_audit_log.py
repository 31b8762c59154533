"""The audit log: what is in it, who may read it, and what an erasure leaves of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel, eventually
from parley.auth.v1 import auth_pb2

from .audited import ELSEWHERE, HOME, call_as, list_entries, list_events, log_in_from, try_out

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Appoint = Callable[..., Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]


async def test_what_is_recorded_is_in_the_log_of_the_process_as_well_whoever_did_it(
    auth: Channel, register: Register, appoint: Appoint, mailbox: Any
) -> None:
    operator = await appoint("root", "operator")
    ada = await register("ada")
    change = auth_pb2.UpdateUserRequest(id=ada.user.id, status=auth_pb2.USER_STATUS_DISABLED)
    await call_as(auth, operator.access_token, "UpdateUser", change)
    await call_as(auth, operator.access_token, "LogOut", auth_pb2.LogOutRequest())

    # As nobody who is logged in, as an admin, as oneself.
    told = [
        (line["event"], line["user_id"], line.get("by"))
        for line in mailbox.read()
        if line["event"] in {"user.registered", "user.disabled", "login.closed"}
    ]
    assert told[1:] == [
        ("user.registered", ada.user.id, None),
        ("user.disabled", ada.user.id, operator.user.id),
        ("login.closed", operator.user.id, None),
    ]


async def test_what_happens_to_an_account_is_recorded_with_whom_and_from_where(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    ada = await register("ada")
    first = await log_in_from(auth, "ada")
    await try_out(log_in_from(auth, "ada", "wrong horse", ELSEWHERE))
    await call_as(auth, first.access_token, "LogOut", auth_pb2.LogOutRequest())
    refresh = auth_pb2.RefreshRequest(refresh_token=ada.refresh_token, client=HOME)
    await call_as(auth, None, "Refresh", refresh)
    second = await log_in_from(auth, "ada")
    await try_out(
        call_as(auth, second.access_token, "DeleteMe", auth_pb2.DeleteMeRequest(password="no"))
    )
    change = auth_pb2.UpdateUserRequest(
        id=ada.user.id, role=auth_pb2.ROLE_TENANT_ADMIN, status=auth_pb2.USER_STATUS_DISABLED
    )
    await call_as(auth, operator.access_token, "UpdateUser", change)
    change = auth_pb2.UpdateUserRequest(id=ada.user.id, status=auth_pb2.USER_STATUS_ACTIVE)
    await call_as(auth, operator.access_token, "UpdateUser", change)
    # What changes nothing is told nobody.
    await call_as(auth, operator.access_token, "UpdateUser", change)

    entries = list(reversed(await list_entries(auth, operator, user_id=ada.user.id)))

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
    await call_as(auth, None, "SendCode", auth_pb2.SendCodeRequest(**register_code, client=HOME))
    moved = auth_pb2.UpdateMeRequest(
        email=address, password="correct horse", code=await mailbox.code(address)
    )
    await call_as(auth, mine, "UpdateMe", moved)
    old, new = "correct horse", "battery staple"
    for password in ("no horse", old):
        change = auth_pb2.ChangePasswordRequest(old_password=password, new_password=new)
        attempt = call_as(auth, mine, "ChangePassword", change)
        await (try_out(attempt) if password != old else attempt)
    made = auth_pb2.CreateTokenRequest(name="a script", scopes=["notes:read"])
    token = await call_as(auth, mine, "CreateToken", made)
    exchange = auth_pb2.ExchangeTokenRequest(secret=token.secret, client=ELSEWHERE)
    for _ in range(3):
        await call_as(auth, None, "ExchangeToken", exchange)
    await call_as(auth, mine, "DeleteToken", auth_pb2.DeleteTokenRequest(id=token.token.id))
    other = await log_in_from(auth, "ada", new)
    (login,) = [
        login
        for login in (
            await call_as(auth, mine, "ListLogins", auth_pb2.ListLoginsRequest(limit=10))
        ).items
        if not login.current
    ]
    await call_as(auth, mine, "RevokeLogin", auth_pb2.RevokeLoginRequest(id=login.id))
    await call_as(auth, mine, "RevokeLogins", auth_pb2.RevokeLoginsRequest())
    reset_code: dict[str, Any] = {"email": address, "purpose": auth_pb2.CODE_PURPOSE_PASSWORD_RESET}
    await call_as(auth, None, "SendCode", auth_pb2.SendCodeRequest(**reset_code, client=HOME))
    code = await mailbox.code(address, count=2)
    reset = auth_pb2.ResetPasswordRequest(
        email=address, code=code, new_password="a third one", client=ELSEWHERE
    )
    await call_as(auth, None, "ResetPassword", reset)

    async def all_is_told() -> bool:
        # That the code was sent may be told later than what was done with it.
        assert await list_events(auth, operator, user_id=ada.user.id) == [
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
    entries = {
        entry.event: entry for entry in await list_entries(auth, operator, user_id=ada.user.id)
    }
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
    assert not (await call_as(auth, None, "VerifyCode", guess)).valid
    (refused,) = await list_entries(auth, operator, event="code.refused")
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
            await try_out(call_as(auth, None, "Refresh", refresh))
        else:
            newest = (await call_as(auth, None, "Refresh", refresh)).grant
    await try_out(log_in_from(auth, "nobody-at-all", client=ELSEWHERE))

    [reuse] = await list_entries(auth, operator, event="login.reuse_detected")
    assert (reuse.subject_id, reuse.ip) == (ada.user.id, ELSEWHERE.ip)
    [guess] = await list_entries(auth, operator, event="login.refused")
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
                await log_in_from(auth, name, password, ELSEWHERE)
            said.add((refused.value.kind, refused.value.reason, refused.value.detail))

    [(kind, reason, _)] = said
    assert (kind, reason) == (Kind.UNAUTHENTICATED, "INVALID_CREDENTIALS")
    told = list(reversed(await list_entries(auth, operator, event="login.refused")))
    assert [entry.subject_id for entry in told] == [ada.user.id] * 4 + [""] * 4


async def test_the_address_stays_through_many_log_ins_at_once(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    ada = await register("ada")
    await asyncio.gather(
        *(log_in_from(auth, "ada", client=ELSEWHERE) for _ in range(5)),
        *(log_in_from(auth, "ada", "wrong horse", ELSEWHERE) for _ in range(5)),
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
    secret = (await call_as(auth, ada.access_token, "CreateToken", made)).secret
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
                await call_as(replica, None, "ExchangeToken", exchange)
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
            assert len(await list_entries(auth, operator, event=event)) == told
