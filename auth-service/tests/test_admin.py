"""What admins may do with users and tenants, and what nobody may."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg

from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.service import Service
from chassis.testing import DatabaseUrls
from parley.auth.v1 import auth_pb2

from .administering import (
    call,
    create_tenant,
    delete,
    ended,
    list_users,
    log_in,
    me,
    names_of,
    refresh,
    refused,
    update,
)

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


async def test_whoever_is_no_admin_may_do_none_of_it(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    user = await register("user")
    for method, request in REQUESTS.items():
        attempt = call(auth, user.access_token, method, request)
        assert await refused(attempt) == (Kind.FORBIDDEN, "FORBIDDEN"), method
        assert (await refused(call(auth, None, method, request)))[0] is Kind.UNAUTHENTICATED

    tenant_admin = await appoint("boss", "tenant_admin")
    for method in ("CreateTenant", "ListTenants"):
        attempt = call(auth, tenant_admin.access_token, method, REQUESTS[method])
        assert await refused(attempt) == (Kind.FORBIDDEN, "FORBIDDEN"), method


async def test_a_role_in_the_token_is_worth_nothing_once_it_is_gone(
    auth: Channel, appoint: Appoint, database: DatabaseUrls
) -> None:
    former = await appoint("former", "operator")
    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE users SET role = 'user'")

    for method, request in REQUESTS.items():
        attempt = call(auth, former.access_token, method, request)
        assert await refused(attempt) == (Kind.FORBIDDEN, "FORBIDDEN"), method


async def test_users_are_listed_by_name_in_pages_found_by_part_and_counted(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("zoe", "operator")
    for name in ("Carol", "alice", "Bob", "100_percent"):
        await register(name)
    disabled = await register("dormant")
    await update(auth, operator, disabled.user.id, status=DISABLED)
    everybody = ["100_percent", "alice", "Bob", "Carol", "dormant", "zoe"]

    assert await names_of(auth, operator) == everybody
    found: list[str] = []
    cursor = ""
    for _ in range(10):
        page = await list_users(auth, operator, limit=2, cursor=cursor, count=True)
        assert (len(page.items) <= 2, page.total) == (True, 6)
        found += [user.username for user in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    assert found == everybody

    assert await names_of(auth, operator, query="AR") == ["Carol"]
    assert await names_of(auth, operator, query="BOB@example") == ["Bob"]
    # What means something to the database means itself here.
    assert await names_of(auth, operator, query="_") == ["100_percent"]
    assert await names_of(auth, operator, query="%") == []
    assert await names_of(auth, operator, status=DISABLED) == ["dormant"]
    assert len(await names_of(auth, operator, status=ACTIVE)) == 5

    ids = [disabled.user.id, operator.user.id, str(new_id())]
    assert await names_of(auth, operator, ids=ids) == ["dormant", "zoe"]
    assert await names_of(auth, operator, ids=ids, status=DISABLED) == ["dormant"]
    assert await names_of(auth, operator, ids=ids[2:]) == []

    for bad in (
        *({"limit": -1}, {"limit": 101}, {"cursor": "x"}, {"query": "\0"}, {"status": 7}),
        *({"ids": ["x"]}, {"ids": [str(new_id())] * 101}),
    ):
        assert await refused(list_users(auth, operator, **bad)) == (Kind.INVALID, "VALIDATION")


async def test_somebody_elses_tenant_is_as_if_absent(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    theirs = await create_tenant(auth, operator, "theirs")
    admin = await appoint("boss", "tenant_admin", theirs.id)
    colleague = await appoint("colleague", "user", theirs.id)
    stranger = await register("stranger")

    assert await names_of(auth, admin) == ["boss", "colleague"]
    assert await names_of(auth, admin, query="stranger") == []
    assert await names_of(auth, admin, ids=[stranger.user.id, colleague.user.id]) == ["colleague"]
    assert await names_of(auth, operator, tenant_id=theirs.id) == ["boss", "colleague"]
    assert len(await names_of(auth, operator)) == 4
    for tenant_id in (stranger.user.tenant_id, str(new_id()), "7", ""):
        attempt = list_users(auth, admin, tenant_id=tenant_id)
        assert await refused(attempt) == (Kind.NOT_FOUND, "TENANT_NOT_FOUND")
    assert (await refused(list_users(auth, operator, tenant_id=str(new_id()))))[0] is Kind.NOT_FOUND

    for user_id in (stranger.user.id, str(new_id()), "7", "", "\0", stranger.user.id.upper()):
        for attempt in (
            update(auth, admin, user_id, role=TENANT_ADMIN),
            update(auth, admin, user_id, status=DISABLED),
            delete(auth, admin, user_id),
        ):
            assert await refused(attempt) == (Kind.NOT_FOUND, "USER_NOT_FOUND")
    assert await me(auth, stranger) == stranger.user
    changed = await update(auth, admin, colleague.user.id, role=TENANT_ADMIN)
    assert changed.role == TENANT_ADMIN


async def test_nobody_changes_themselves_nor_rises_above_who_appoints_them(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    admin = await appoint("boss", "tenant_admin")
    user = await register("user")

    for somebody in (operator, admin):
        for attempt in (
            update(auth, somebody, somebody.user.id, role=OPERATOR),
            update(auth, somebody, somebody.user.id, status=DISABLED),
            delete(auth, somebody, somebody.user.id),
        ):
            assert await refused(attempt) == (Kind.FORBIDDEN, "NOT_YOURSELF")
    for attempt in (
        update(auth, admin, user.user.id, role=OPERATOR),
        update(auth, admin, operator.user.id, role=USER),
        update(auth, admin, operator.user.id, status=DISABLED),
        delete(auth, admin, operator.user.id),
    ):
        assert await refused(attempt) == (Kind.FORBIDDEN, "FORBIDDEN")
    for changes in ({"role": 0}, {"role": 9}, {"status": 0}, {"status": 9}):
        attempt = update(auth, admin, user.user.id, **changes)
        assert await refused(attempt) == (Kind.INVALID, "VALIDATION")

    assert (await me(auth, operator)).role == OPERATOR
    promoted = await update(auth, operator, user.user.id, role=OPERATOR)
    assert promoted.role == OPERATOR
    # Nothing was taken away: what is open stays, and the next token bears the role.
    assert (await refresh(auth, user)).user.role == OPERATOR


async def test_a_disabled_account_is_out_within_seconds_and_told_what_everybody_is_told(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    admin = await appoint("boss", "tenant_admin")
    first = await register("ada")
    second = await log_in(auth, "ada")

    changed = await update(auth, admin, first.user.id, status=DISABLED)

    assert changed.status == DISABLED
    for grant in (first, second):
        assert (await refused(refresh(auth, grant)))[1] == "INVALID_REFRESH_TOKEN"
        await ended(auth, grant)
    right = await refused(log_in(auth, "ada"))
    wrong = await refused(log_in(auth, "ada", "wrong horse"))
    unknown = await refused(log_in(auth, "nobody"))
    assert right == wrong == unknown == (Kind.UNAUTHENTICATED, "INVALID_CREDENTIALS")
    # The name stays taken.
    assert (await refused(register("ADA")))[1] == "USERNAME_TAKEN"

    # Enabled again, only the right to log in is back, and that at once.
    await update(auth, admin, first.user.id, status=ACTIVE)
    for grant in (first, second):
        assert (await refused(refresh(auth, grant)))[1] == "INVALID_REFRESH_TOKEN"
        assert (await refused(me(auth, grant)))[0] is Kind.UNAUTHENTICATED

    assert (await me(auth, await log_in(auth, "ada"))).id == first.user.id


async def test_a_disabled_users_tokens_are_gone_for_good(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    admin, ada = await appoint("boss", "tenant_admin"), await register("ada")
    request = auth_pb2.CreateTokenRequest(name="a script", scopes=["notes:read"])
    made = await call(auth, ada.access_token, "CreateToken", request)
    exchange = auth_pb2.ExchangeTokenRequest(secret=made.secret)
    exchanged = (await call(auth, None, "ExchangeToken", exchange)).access_token

    await update(auth, admin, ada.user.id, status=DISABLED)
    await update(auth, admin, ada.user.id, status=ACTIVE)

    assert (await refused(call(auth, None, "ExchangeToken", exchange)))[1] == "INVALID_TOKEN"
    await ended(auth, auth_pb2.Grant(access_token=exchanged))


async def test_a_demotion_ends_what_was_open_and_the_next_token_is_a_users(
    auth: Channel, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    admin = await appoint("boss", "tenant_admin")
    assert "root" in await names_of(auth, admin)

    await update(auth, operator, admin.user.id, role=USER)

    # At once, before the revocation has come round.
    assert (await refused(list_users(auth, admin)))[0] in {Kind.FORBIDDEN, Kind.UNAUTHENTICATED}
    assert (await refused(refresh(auth, admin)))[1] == "INVALID_REFRESH_TOKEN"
    await ended(auth, admin)
    again = await log_in(auth, "boss")
    assert (await me(auth, again)).role == USER


async def test_no_login_outlives_a_disabling_that_it_raced(
    auth: Channel, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    admin = await appoint("boss", "tenant_admin")
    for turn in range(5):
        grant = await register(f"ada{turn}")
        outcomes = await asyncio.gather(
            *(log_in(auth, f"ada{turn}") for _ in range(4)),
            refresh(auth, grant),
            update(auth, admin, grant.user.id, status=DISABLED),
            *(log_in(auth, f"ada{turn}") for _ in range(4)),
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
                await ended(auth, outcome)


async def test_of_two_admins_who_lock_each_other_out_one_remains(
    auth: Channel, appoint: Appoint
) -> None:
    first, second = await appoint("one", "tenant_admin"), await appoint("two", "tenant_admin")

    outcomes = await asyncio.gather(
        update(auth, first, second.user.id, status=DISABLED),
        update(auth, second, first.user.id, status=DISABLED),
        return_exceptions=True,
    )

    remaining = [outcome for outcome in outcomes if not isinstance(outcome, RemoteError)]
    assert len(remaining) == 1


async def test_an_admin_deletes_an_account_as_its_owner_would(
    auth: Channel, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    admin = await appoint("boss", "tenant_admin")
    ada = await register("ada")
    await log_in(auth, "ada")

    erasure_id = await delete(auth, admin, ada.user.id)

    request = auth_pb2.GetErasureRequest(erasure_id=erasure_id)
    receipt = await call(auth, None, "GetErasure", request)
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
    assert await names_of(auth, admin) == ["boss"]
    await ended(auth, ada)
    assert (await refused(delete(auth, admin, ada.user.id)))[1] == "USER_NOT_FOUND"
    assert (await register("ada")).user.id != ada.user.id


async def test_of_deletions_by_owner_and_admins_at_once_one_is_done_and_no_change_survives_it(
    auth: Channel, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    admins = [await appoint(name, "tenant_admin") for name in ("boss", "chief")]
    for turn in range(5):
        ada = await register(f"ada{turn}")
        own = auth_pb2.DeleteMeRequest(password="correct horse")
        await asyncio.gather(
            *(update(auth, admin, ada.user.id, status=DISABLED) for admin in admins),
            *(delete(auth, admin, ada.user.id) for admin in admins),
            call(auth, ada.access_token, "DeleteMe", own),
            *(update(auth, admin, ada.user.id, status=ACTIVE) for admin in admins),
            *(update(auth, admin, ada.user.id, role=TENANT_ADMIN) for admin in admins),
            return_exceptions=True,
        )
        with psycopg.connect(database.worker) as worker:
            left = worker.execute(
                "SELECT status, username, (SELECT count(*) FROM erasures WHERE user_id = u.id),"
                " (SELECT count(*) FROM logins WHERE user_id = u.id) FROM users u WHERE id = %s",
                (ada.user.id,),
            ).fetchone()
        assert left == ("deleted", None, 1, 0)
