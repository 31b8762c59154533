"""What admins may do with users and tenants, and what nobody may."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Appoint = Callable[..., Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]

USER, TENANT_ADMIN, OPERATOR = (
    auth_pb2.ROLE_USER,
    auth_pb2.ROLE_TENANT_ADMIN,
    auth_pb2.ROLE_OPERATOR,
)
ACTIVE, DISABLED = auth_pb2.USER_STATUS_ACTIVE, auth_pb2.USER_STATUS_DISABLED
REQUESTS = {
    "ListUsers": auth_pb2.ListUsersRequest(),
    "UpdateUser": auth_pb2.UpdateUserRequest(id="7"),
    "DeleteUser": auth_pb2.DeleteUserRequest(id="7"),
    "ListAudit": auth_pb2.ListAuditRequest(),
    "CreateTenant": auth_pb2.CreateTenantRequest(name="mine"),
    "ListTenants": auth_pb2.ListTenantsRequest(),
}


async def _call(auth: Channel, token: str | None, method: str, request: Any) -> Any:
    stub = auth.stub(AuthServiceStub)
    return await auth.unary(getattr(stub, method), request, timeout=30, token=token)


async def _refused(attempt: Awaitable[object]) -> tuple[Kind, str]:
    with pytest.raises(RemoteError) as refused:
        await attempt
    return refused.value.kind, refused.value.reason


async def _list(auth: Channel, admin: auth_pb2.Grant, **wanted: Any) -> Any:
    return await _call(auth, admin.access_token, "ListUsers", auth_pb2.ListUsersRequest(**wanted))


async def _names(auth: Channel, admin: auth_pb2.Grant, **wanted: Any) -> list[str]:
    return [user.username for user in (await _list(auth, admin, **wanted)).items]


async def _update(auth: Channel, admin: auth_pb2.Grant, user_id: str, **changes: Any) -> Any:
    request = auth_pb2.UpdateUserRequest(id=user_id, **changes)
    return (await _call(auth, admin.access_token, "UpdateUser", request)).user


async def _delete(auth: Channel, admin: auth_pb2.Grant, user_id: str) -> str:
    request = auth_pb2.DeleteUserRequest(id=user_id)
    erasure_id: str = (await _call(auth, admin.access_token, "DeleteUser", request)).erasure_id
    return erasure_id


async def _create_tenant(auth: Channel, operator: auth_pb2.Grant, name: str) -> auth_pb2.Tenant:
    request = auth_pb2.CreateTenantRequest(name=name)
    tenant: auth_pb2.Tenant = (
        await _call(auth, operator.access_token, "CreateTenant", request)
    ).tenant
    return tenant


async def _log_in(auth: Channel, name: str, password: str = "correct horse") -> auth_pb2.Grant:
    request = auth_pb2.LogInRequest(username=name, password=password)
    grant: auth_pb2.Grant = (await _call(auth, None, "LogIn", request)).grant
    return grant


async def _refresh(auth: Channel, grant: auth_pb2.Grant) -> auth_pb2.Grant:
    request = auth_pb2.RefreshRequest(refresh_token=grant.refresh_token)
    fresh: auth_pb2.Grant = (await _call(auth, None, "Refresh", request)).grant
    return fresh


async def _me(auth: Channel, grant: auth_pb2.Grant) -> auth_pb2.User:
    user: auth_pb2.User = (
        await _call(auth, grant.access_token, "GetMe", auth_pb2.GetMeRequest())
    ).user
    return user


async def _ended(auth: Channel, grant: auth_pb2.Grant) -> None:
    """Return once the grant's access token is refused: within five seconds."""

    async def refused() -> bool:
        try:
            await _me(auth, grant)
        except RemoteError as error:
            return error.kind is Kind.UNAUTHENTICATED
        return False

    await eventually(refused, 5)


async def test_whoever_is_no_admin_may_do_none_of_it(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    user = await register("user")
    for method, request in REQUESTS.items():
        attempt = _call(auth, user.access_token, method, request)
        assert await _refused(attempt) == (Kind.FORBIDDEN, "FORBIDDEN"), method
        assert (await _refused(_call(auth, None, method, request)))[0] is Kind.UNAUTHENTICATED

    tenant_admin = await appoint("boss", "tenant_admin")
    for method in ("CreateTenant", "ListTenants"):
        attempt = _call(auth, tenant_admin.access_token, method, REQUESTS[method])
        assert await _refused(attempt) == (Kind.FORBIDDEN, "FORBIDDEN"), method


async def test_a_role_in_the_token_is_worth_nothing_once_it_is_gone(
    auth: Channel, appoint: Appoint, database: DatabaseUrls
) -> None:
    former = await appoint("former", "operator")
    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE users SET role = 'user'")

    for method, request in REQUESTS.items():
        attempt = _call(auth, former.access_token, method, request)
        assert await _refused(attempt) == (Kind.FORBIDDEN, "FORBIDDEN"), method


async def test_users_are_listed_by_name_in_pages_found_by_part_and_counted(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("zoe", "operator")
    for name in ("Carol", "alice", "Bob", "100_percent"):
        await register(name)
    disabled = await register("dormant")
    await _update(auth, operator, disabled.user.id, status=DISABLED)
    everybody = ["100_percent", "alice", "Bob", "Carol", "dormant", "zoe"]

    assert await _names(auth, operator) == everybody
    found: list[str] = []
    cursor = ""
    for _ in range(10):
        page = await _list(auth, operator, limit=2, cursor=cursor, count=True)
        assert (len(page.items) <= 2, page.total) == (True, 6)
        found += [user.username for user in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    assert found == everybody

    assert await _names(auth, operator, query="AR") == ["Carol"]
    assert await _names(auth, operator, query="BOB@example") == ["Bob"]
    # What means something to the database means itself here.
    assert await _names(auth, operator, query="_") == ["100_percent"]
    assert await _names(auth, operator, query="%") == []
    assert await _names(auth, operator, status=DISABLED) == ["dormant"]
    assert len(await _names(auth, operator, status=ACTIVE)) == 5

    for bad in ({"limit": -1}, {"limit": 101}, {"cursor": "x"}, {"query": "\0"}, {"status": 7}):
        assert await _refused(_list(auth, operator, **bad)) == (Kind.INVALID, "VALIDATION")


async def test_somebody_elses_tenant_is_as_if_absent(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    theirs = await _create_tenant(auth, operator, "theirs")
    admin = await appoint("boss", "tenant_admin", theirs.id)
    colleague = await appoint("colleague", "user", theirs.id)
    stranger = await register("stranger")

    assert await _names(auth, admin) == ["boss", "colleague"]
    assert await _names(auth, admin, query="stranger") == []
    assert await _names(auth, operator, tenant_id=theirs.id) == ["boss", "colleague"]
    assert len(await _names(auth, operator)) == 4
    for tenant_id in (stranger.user.tenant_id, str(new_id()), "7", ""):
        attempt = _list(auth, admin, tenant_id=tenant_id)
        assert await _refused(attempt) == (Kind.NOT_FOUND, "TENANT_NOT_FOUND")
    assert (await _refused(_list(auth, operator, tenant_id=str(new_id()))))[0] is Kind.NOT_FOUND

    for user_id in (stranger.user.id, str(new_id()), "7", "", "\0", stranger.user.id.upper()):
        for attempt in (
            _update(auth, admin, user_id, role=TENANT_ADMIN),
            _update(auth, admin, user_id, status=DISABLED),
            _delete(auth, admin, user_id),
        ):
            assert await _refused(attempt) == (Kind.NOT_FOUND, "USER_NOT_FOUND")
    assert await _me(auth, stranger) == stranger.user
    changed = await _update(auth, admin, colleague.user.id, role=TENANT_ADMIN)
    assert changed.role == TENANT_ADMIN


async def test_nobody_changes_themselves_nor_rises_above_who_appoints_them(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    admin = await appoint("boss", "tenant_admin")
    user = await register("user")

    for somebody in (operator, admin):
        for attempt in (
            _update(auth, somebody, somebody.user.id, role=OPERATOR),
            _update(auth, somebody, somebody.user.id, status=DISABLED),
            _delete(auth, somebody, somebody.user.id),
        ):
            assert await _refused(attempt) == (Kind.FORBIDDEN, "NOT_YOURSELF")
    for attempt in (
        _update(auth, admin, user.user.id, role=OPERATOR),
        _update(auth, admin, operator.user.id, role=USER),
        _update(auth, admin, operator.user.id, status=DISABLED),
        _delete(auth, admin, operator.user.id),
    ):
        assert await _refused(attempt) == (Kind.FORBIDDEN, "FORBIDDEN")
    for changes in ({"role": 0}, {"role": 9}, {"status": 0}, {"status": 9}):
        attempt = _update(auth, admin, user.user.id, **changes)
        assert await _refused(attempt) == (Kind.INVALID, "VALIDATION")

    assert (await _me(auth, operator)).role == OPERATOR
    promoted = await _update(auth, operator, user.user.id, role=OPERATOR)
    assert promoted.role == OPERATOR
    # Nothing was taken away: what is open stays, and the next token bears the role.
    assert (await _refresh(auth, user)).user.role == OPERATOR


async def test_a_disabled_account_is_out_within_seconds_and_told_what_everybody_is_told(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    admin = await appoint("boss", "tenant_admin")
    first = await register("ada")
    second = await _log_in(auth, "ada")

    changed = await _update(auth, admin, first.user.id, status=DISABLED)

    assert changed.status == DISABLED
    for grant in (first, second):
        assert (await _refused(_refresh(auth, grant)))[1] == "INVALID_REFRESH_TOKEN"
        await _ended(auth, grant)
    right = await _refused(_log_in(auth, "ada"))
    wrong = await _refused(_log_in(auth, "ada", "wrong horse"))
    unknown = await _refused(_log_in(auth, "nobody"))
    assert right == wrong == unknown == (Kind.UNAUTHENTICATED, "INVALID_CREDENTIALS")
    # The name stays taken.
    assert (await _refused(register("ADA")))[1] == "USERNAME_TAKEN"

    # Enabled again, only the right to log in is back, and that at once.
    await _update(auth, admin, first.user.id, status=ACTIVE)
    for grant in (first, second):
        assert (await _refused(_refresh(auth, grant)))[1] == "INVALID_REFRESH_TOKEN"
        assert (await _refused(_me(auth, grant)))[0] is Kind.UNAUTHENTICATED

    assert (await _me(auth, await _log_in(auth, "ada"))).id == first.user.id


async def test_a_disabled_users_tokens_are_gone_for_good(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    admin, ada = await appoint("boss", "tenant_admin"), await register("ada")
    request = auth_pb2.CreateTokenRequest(name="a script", scopes=["notes:read"])
    made = await _call(auth, ada.access_token, "CreateToken", request)
    exchange = auth_pb2.ExchangeTokenRequest(secret=made.secret)
    exchanged = (await _call(auth, None, "ExchangeToken", exchange)).access_token

    await _update(auth, admin, ada.user.id, status=DISABLED)
    await _update(auth, admin, ada.user.id, status=ACTIVE)

    assert (await _refused(_call(auth, None, "ExchangeToken", exchange)))[1] == "INVALID_TOKEN"
    await _ended(auth, auth_pb2.Grant(access_token=exchanged))


async def test_a_demotion_ends_what_was_open_and_the_next_token_is_a_users(
    auth: Channel, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    admin = await appoint("boss", "tenant_admin")
    assert "root" in await _names(auth, admin)

    await _update(auth, operator, admin.user.id, role=USER)

    # At once, before the revocation has come round.
    assert (await _refused(_list(auth, admin)))[0] in {Kind.FORBIDDEN, Kind.UNAUTHENTICATED}
    assert (await _refused(_refresh(auth, admin)))[1] == "INVALID_REFRESH_TOKEN"
    await _ended(auth, admin)
    again = await _log_in(auth, "boss")
    assert (await _me(auth, again)).role == USER


async def test_no_login_outlives_a_disabling_that_it_raced(
    auth: Channel, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    admin = await appoint("boss", "tenant_admin")
    for turn in range(5):
        grant = await register(f"ada{turn}")
        outcomes = await asyncio.gather(
            *(_log_in(auth, f"ada{turn}") for _ in range(4)),
            _refresh(auth, grant),
            _update(auth, admin, grant.user.id, status=DISABLED),
            *(_log_in(auth, f"ada{turn}") for _ in range(4)),
            return_exceptions=True,
        )
        with psycopg.connect(database.worker) as worker:
            still_open = worker.execute(
                "SELECT count(*) FROM logins WHERE user_id = %s AND revoked_at IS NULL",
                (grant.user.id,),
            ).fetchone()
        assert still_open == (0,)
        for outcome in outcomes:
            if isinstance(outcome, auth_pb2.Grant):
                await _ended(auth, outcome)


async def test_of_two_admins_who_lock_each_other_out_one_remains(
    auth: Channel, appoint: Appoint
) -> None:
    first, second = await appoint("one", "tenant_admin"), await appoint("two", "tenant_admin")

    outcomes = await asyncio.gather(
        _update(auth, first, second.user.id, status=DISABLED),
        _update(auth, second, first.user.id, status=DISABLED),
        return_exceptions=True,
    )

    remaining = [outcome for outcome in outcomes if not isinstance(outcome, RemoteError)]
    assert len(remaining) == 1


async def test_an_admin_deletes_an_account_as_its_owner_would(
    auth: Channel, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    admin = await appoint("boss", "tenant_admin")
    ada = await register("ada")
    await _log_in(auth, "ada")

    erasure_id = await _delete(auth, admin, ada.user.id)

    request = auth_pb2.GetErasureRequest(erasure_id=erasure_id)
    receipt = await _call(auth, None, "GetErasure", request)
    assert [service.name for service in receipt.services if service.HasField("erased_at")] == [
        "auth-service"
    ]
    with psycopg.connect(database.worker) as worker:
        left = worker.execute(
            "SELECT (SELECT count(*) FROM logins WHERE user_id = u.id), u.email, u.status"
            " FROM users u WHERE id = %s",
            (ada.user.id,),
        ).fetchone()
        events = worker.execute("SELECT count(*) FROM outbox").fetchone()
        recorded = worker.execute("SELECT fields FROM audit WHERE event = 'user.deleted'")
        assert recorded.fetchall() == [({"erasure_id": erasure_id},)]
    assert (left, events) == ((0, None, "deleted"), (1,))
    assert await _names(auth, admin) == ["boss"]
    await _ended(auth, ada)
    assert (await _refused(_delete(auth, admin, ada.user.id)))[1] == "USER_NOT_FOUND"
    assert (await register("ada")).user.id != ada.user.id


async def test_of_deletions_by_owner_and_admins_at_once_one_is_done_and_no_change_survives_it(
    auth: Channel, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    admins = [await appoint(name, "tenant_admin") for name in ("boss", "chief")]
    for turn in range(5):
        ada = await register(f"ada{turn}")
        own = auth_pb2.DeleteMeRequest(password="correct horse")
        await asyncio.gather(
            *(_update(auth, admin, ada.user.id, status=DISABLED) for admin in admins),
            *(_delete(auth, admin, ada.user.id) for admin in admins),
            _call(auth, ada.access_token, "DeleteMe", own),
            *(_update(auth, admin, ada.user.id, status=ACTIVE) for admin in admins),
            *(_update(auth, admin, ada.user.id, role=TENANT_ADMIN) for admin in admins),
            return_exceptions=True,
        )
        with psycopg.connect(database.worker) as worker:
            left = worker.execute(
                "SELECT status, username, (SELECT count(*) FROM erasures WHERE user_id = u.id),"
                " (SELECT count(*) FROM logins WHERE user_id = u.id) FROM users u WHERE id = %s",
                (ada.user.id,),
            ).fetchone()
        assert left == ("deleted", None, 1, 0)


async def test_tenants_are_made_and_listed_and_their_names_do_not_look_alike(
    auth: Channel,
    appoint: Appoint,
    serve: Serve,
    grpc_channel: OpenChannel,
    database: DatabaseUrls,
) -> None:
    operator = await appoint("root", "operator")
    # Of a release that went by the database's locale, which knows no letters but those of ASCII.
    with psycopg.connect(database.worker) as worker:
        for name in ("Überall", "übeRALL"):
            insert = "INSERT INTO tenants (id, name, created_at) VALUES (%s, %s, clock_timestamp())"
            worker.execute(insert, [new_id(), name])
    made = await _create_tenant(auth, operator, "  Acme ")
    assert made.name == "Acme"

    for name in ("acme", "ＡＣＭＥ", "Acme", "DEFAULT", "ÜBERALL", "ｕ\u0308berall"):
        attempt = _create_tenant(auth, operator, name)
        assert await _refused(attempt) == (Kind.CONFLICT, "TENANT_NAME_TAKEN"), name
    for name in ("", " ", "x" * 65, "a\0b", "a\nb", "x" * 100_000):
        attempt = _create_tenant(auth, operator, name)
        assert await _refused(attempt) == (Kind.INVALID, "VALIDATION")

    request = auth_pb2.ListTenantsRequest(limit=1, count=True)
    first = await _call(auth, operator.access_token, "ListTenants", request)
    request = auth_pb2.ListTenantsRequest(cursor=first.next_cursor)
    rest = await _call(auth, operator.access_token, "ListTenants", request)
    listed = [*first.items, *rest.items]
    assert {one.name for one in listed} == {"Acme", "default", "Überall", "übeRALL"}
    assert rest.next_cursor == ""
    assert (first.total, rest.HasField("total")) == (4, False)

    # Repeated with its key, a request makes one tenant and is answered alike.
    stub = auth.stub(AuthServiceStub)
    for _ in range(2):
        answer = await auth.unary(
            stub.CreateTenant,
            auth_pb2.CreateTenantRequest(name="Once"),
            timeout=30,
            token=operator.access_token,
            idempotency_key="a-key",
        )
        assert await _names(auth, operator, tenant_id=answer.tenant.id) == []
    with pytest.raises(RemoteError) as reused:
        await auth.unary(
            stub.CreateTenant,
            auth_pb2.CreateTenantRequest(name="Other"),
            timeout=30,
            token=operator.access_token,
            idempotency_key="a-key",
        )
    assert reused.value.reason == "IDEMPOTENCY_KEY_REUSED"

    # A key belongs to its user: another operator's request with it is another tenant.
    another = await appoint("another", "operator")
    answer = await auth.unary(
        stub.CreateTenant,
        auth_pb2.CreateTenantRequest(name="Of another"),
        timeout=30,
        token=another.access_token,
        idempotency_key="a-key",
    )
    assert answer.tenant.name == "Of another"

    # A tenant that a setting names is the one that looks like it.
    first_of_two = next(one for one in listed if one.name == "Überall")
    for tenant, wanted in (("ACME", made), ("ÜBERALL", first_of_two)):
        _, port = await serve(tenant=tenant)
        other = await grpc_channel(port, "auth-service")
        username = f"new-{tenant.lower()[-4:]}"
        register = auth_pb2.RegisterRequest(
            username=username, email=f"{username}@example.org", password="correct horse"
        )
        newcomer = await other.unary(other.stub(AuthServiceStub).Register, register, timeout=30)
        assert newcomer.grant.user.tenant_id == wanted.id
