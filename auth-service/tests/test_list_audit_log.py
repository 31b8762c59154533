"""The audit log: by what it is read, and by whom."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.testing import DatabaseUrls
from parley.auth.v1 import auth_pb2

from .audited import ELSEWHERE, call_as, list_entries, list_events, log_in_from, try_out

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Appoint = Callable[..., Awaitable[auth_pb2.Grant]]


async def test_it_is_read_by_event_by_beginning_by_user_by_time_and_by_page(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    ada = await register("ada")
    between = datetime.now(UTC)
    await log_in_from(auth, "ada")
    await register("bob")

    assert await list_events(auth, operator, event="login.opened", user_id=ada.user.id) == [
        "login.opened"
    ]
    assert set(await list_events(auth, operator, event="login.")) == {"login.opened"}
    for nothing in ("login", "log.", "%", "_______", "login.%", "x" * 64):
        assert await list_events(auth, operator, event=nothing) == []
    request = auth_pb2.ListAuditRequest(limit=100)
    getattr(request, "from").FromDatetime(between)
    later = (await call_as(auth, operator.access_token, "ListAudit", request)).items
    assert [entry.event for entry in reversed(later)] == ["login.opened", "user.registered"]
    request = auth_pb2.ListAuditRequest(limit=100)
    request.to.FromDatetime(between)
    earlier = (await call_as(auth, operator.access_token, "ListAudit", request)).items
    everything = await list_entries(auth, operator)
    assert [*later, *earlier] == everything

    found: list[Any] = []
    cursor = ""
    while True:
        request = auth_pb2.ListAuditRequest(limit=2, cursor=cursor)
        page = await call_as(auth, operator.access_token, "ListAudit", request)
        found += page.items
        cursor = page.next_cursor
        if not cursor:
            break
    assert found == everything

    far = auth_pb2.ListAuditRequest()
    far.to.seconds = 10**15
    with pytest.raises(RemoteError) as unknown:
        await call_as(
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
            await call_as(auth, operator.access_token, "ListAudit", bad)
        assert (refused.value.kind, refused.value.reason) == (Kind.INVALID, "VALIDATION")


async def test_it_is_counted_under_the_same_filters_and_no_further_than_10_000(
    auth: Channel, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    operator = await appoint("root", "operator")
    tenant = auth_pb2.CreateTenantRequest(name="theirs")
    theirs = (await call_as(auth, operator.access_token, "CreateTenant", tenant)).tenant
    admin = await appoint("boss", "tenant_admin", theirs.id)
    ada = await register("ada")
    for _ in range(3):
        await log_in_from(auth, "ada")

    async def total(reader: auth_pb2.Grant, **wanted: Any) -> int | None:
        request = auth_pb2.ListAuditRequest(limit=1, count=True, **wanted)
        page = await call_as(auth, reader.access_token, "ListAudit", request)
        assert len(page.items) == 1
        return int(page.total)

    everything = await list_entries(auth, operator)
    assert await total(operator) == len(everything)
    assert await total(operator, user_id=ada.user.id) == 4
    assert await total(operator, user_id=ada.user.id, event="login.") == 3
    assert await total(admin) == sum(entry.tenant_id == theirs.id for entry in everything)
    request = auth_pb2.ListAuditRequest()
    page = await call_as(auth, operator.access_token, "ListAudit", request)
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
        await call_as(
            auth, operator.access_token, "CreateTenant", auth_pb2.CreateTenantRequest(name="theirs")
        )
    ).tenant
    admin = await appoint("boss", "tenant_admin", tenant.id)
    stranger = await register("stranger")
    await try_out(log_in_from(auth, "nobody-at-all"))

    entries = await list_entries(auth, admin)

    assert {entry.tenant_id for entry in entries} == {tenant.id}
    assert {entry.event for entry in entries} == {"login.opened"}
    assert await list_entries(auth, admin, user_id=stranger.user.id) == []
    assert {entry.tenant_id for entry in await list_entries(auth, operator)} == {
        "",
        tenant.id,
        stranger.user.tenant_id,
    }


async def test_the_address_of_an_operator_of_another_tenant_is_shown_to_no_tenants_admin(
    auth: Channel, register: Register, appoint: Appoint
) -> None:
    operator = await appoint("root", "operator")
    request = auth_pb2.CreateTenantRequest(name="theirs")
    theirs = (await call_as(auth, operator.access_token, "CreateTenant", request)).tenant
    admin = await appoint("boss", "tenant_admin", theirs.id)
    ada = await appoint("ada", "user", theirs.id)
    eve = await register("eve")
    operator = await log_in_from(auth, "root", client=ELSEWHERE)
    for grant in (ada, eve):
        change = auth_pb2.UpdateUserRequest(id=grant.user.id, status=auth_pb2.USER_STATUS_DISABLED)
        await call_as(auth, operator.access_token, "UpdateUser", change)

    [disabled] = await list_entries(auth, admin, event="user.disabled")
    assert (disabled.subject_id, disabled.actor_id) == (ada.user.id, operator.user.id)
    assert (disabled.ip, disabled.user_agent) == ("", "")
    # In their own tenant an operator is an admin like any other.
    [disabled, _] = await list_entries(auth, operator, event="user.disabled")
    assert (disabled.subject_id, disabled.ip) == (eve.user.id, ELSEWHERE.ip)
