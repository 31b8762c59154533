"""The admins' routes ask auth-service the right thing, and show its answer."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import Forbidden
from parley.auth.v1 import auth_pb2

from .door import Door

USER_ID = "01900000-0000-7000-8000-000000000001"
WHEN = Timestamp(seconds=1_700_000_000)
SHOWN = "2023-11-14T22:13:20Z"
USER = auth_pb2.User(
    id=USER_ID,
    tenant_id="t1",
    username="ada",
    email="ada@example.org",
    role=auth_pb2.ROLE_TENANT_ADMIN,
    created_at=WHEN,
    status=auth_pb2.USER_STATUS_DISABLED,
)


async def test_users_are_listed_changed_and_deleted(door: Door) -> None:
    door.auth.answers |= {
        "ListUsers": auth_pb2.ListUsersResponse(items=[USER], next_cursor="next", total=7),
        "UpdateUser": auth_pb2.UpdateUserResponse(user=USER),
        "DeleteUser": auth_pb2.DeleteUserResponse(erasure_id="e1"),
    }
    listed = await door.http.get(
        "/api/v1/admin/users?q=ada&status=disabled&tenant_id=t1&limit=5&cursor=c&count=true&ids=a,b",
        headers=door.bearer,
    )
    page = listed.json()
    assert listed.status_code == 200, listed.text
    assert (page["next_cursor"], page["total"]) == ("next", 7)
    [shown] = page["items"]
    assert (shown["id"], shown["role"], shown["status"]) == (USER_ID, "tenant_admin", "disabled")
    assert door.auth.calls[-1].request == auth_pb2.ListUsersRequest(
        limit=5,
        cursor="c",
        count=True,
        query="ada",
        status=auth_pb2.USER_STATUS_DISABLED,
        tenant_id="t1",
        ids=["a", "b"],
    )
    await door.http.get("/api/v1/admin/users", headers=door.bearer)
    assert door.auth.calls[-1].request == auth_pb2.ListUsersRequest(limit=20)

    changed = await door.http.patch(
        f"/api/v1/admin/users/{USER_ID}", json={"role": "operator"}, headers=door.bearer
    )
    assert changed.json() == shown
    assert door.auth.calls[-1].request == auth_pb2.UpdateUserRequest(
        id=USER_ID, role=auth_pb2.ROLE_OPERATOR
    )
    await door.http.patch(
        f"/api/v1/admin/users/{USER_ID}", json={"status": "active"}, headers=door.bearer
    )
    assert door.auth.calls[-1].request == auth_pb2.UpdateUserRequest(
        id=USER_ID, status=auth_pb2.USER_STATUS_ACTIVE
    )

    deleted = await door.http.delete(f"/api/v1/admin/users/{USER_ID}", headers=door.bearer)
    assert (deleted.status_code, deleted.json()) == (202, {"erasure_id": "e1"})
    assert door.auth.calls[-1].request == auth_pb2.DeleteUserRequest(id=USER_ID)
    assert {call.token for call in door.auth.calls} == {door.caller.token}


async def test_the_audit_trail_is_shown_by_event_user_and_time(door: Door) -> None:
    entry = auth_pb2.AuditEntry(
        id="a1",
        at=WHEN,
        event="login.opened",
        tenant_id="t1",
        subject_id="u1",
        ip="192.0.2.7",
        user_agent="a browser",
        fields={"before": "user"},
    )
    unknown = auth_pb2.AuditEntry(id="a2", at=WHEN, event="login.refused")
    door.auth.answers["ListAudit"] = auth_pb2.ListAuditResponse(items=[entry, unknown], total=2)
    response = await door.http.get(
        "/api/v1/admin/audit",
        params={
            "event": "login.",
            "user_id": "u1",
            "from": "2023-11-14T22:13:20Z",
            "to": "2023-11-14T23:13:20+01:00",
            "count": "true",
        },
        headers=door.bearer,
    )
    shown, other = response.json()["items"]
    assert shown == {
        "id": "a1",
        "at": SHOWN,
        "event": "login.opened",
        "tenant_id": "t1",
        "actor_id": None,
        "subject_id": "u1",
        "ip": "192.0.2.7",
        "user_agent": "a browser",
        "fields": {"before": "user"},
    }
    assert (other["tenant_id"], other["subject_id"]) == (None, None)
    asked = door.auth.calls[-1].request
    assert (asked.event, asked.user_id, asked.limit) == ("login.", "u1", 20)
    assert (asked.count, response.json()["total"]) == (True, 2)
    assert getattr(asked, "from") == asked.to == WHEN


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("0001-01-01T00:00:00+10:00", "OUT_OF_RANGE"),
        ("9999-12-31T23:59:59-10:00", "OUT_OF_RANGE"),
        ("1", "INVALID"),
        ("-1", "INVALID"),
        ("1893456000", "INVALID"),
        ("yesterday", "INVALID"),
        ("0000-01-01T00:00:00Z", "INVALID"),
        # Without an offset nobody knows when that is.
        ("2023-11-14T22:13:20", "INVALID"),
        ("2023-11-14 22:13:20Z", "INVALID"),
        ("٢٠٢٣-11-14T22:13:20Z", "INVALID"),
    ],
)
async def test_a_moment_that_is_none_is_refused_by_its_field(
    door: Door, moment: str, reason: str
) -> None:
    for field in ("from", "to"):
        response = await door.http.get(
            "/api/v1/admin/audit", params={field: moment}, headers=door.bearer
        )
        assert response.status_code == 422
        assert response.json()["errors"] == [{"field": field, "reason": reason}]
    assert door.auth.calls == []


async def test_a_log_that_ends_before_it_begins_is_refused(door: Door) -> None:
    span = {"from": "2023-11-14T22:13:20Z", "to": "2023-11-14T22:13:19Z"}
    response = await door.http.get("/api/v1/admin/audit", params=span, headers=door.bearer)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": "to", "reason": "BEFORE_FROM"}]
    assert door.auth.calls == []


async def test_a_moment_is_taken_as_rfc_3339_has_it(door: Door) -> None:
    door.auth.answers["ListAudit"] = auth_pb2.ListAuditResponse()
    for text in (
        "2023-11-14t22:13:20z",
        "2023-11-14T22:13:20.000-00:00",
        "2023-11-15T08:13:20.0000000001+10:00",
    ):
        response = await door.http.get(
            "/api/v1/admin/audit", params={"from": text}, headers=door.bearer
        )
        assert response.status_code == 200
        assert getattr(door.auth.calls[-1].request, "from") == WHEN


async def test_tenants_are_made_and_listed(door: Door) -> None:
    tenant = auth_pb2.Tenant(id="t1", name="Acme", created_at=WHEN)
    door.auth.answers |= {
        "CreateTenant": auth_pb2.CreateTenantResponse(tenant=tenant),
        "ListTenants": auth_pb2.ListTenantsResponse(items=[tenant]),
    }
    made = await door.http.post("/api/v1/admin/tenants", json={"name": "Acme"}, headers=door.bearer)
    assert (made.status_code, made.json()) == (
        201,
        {"id": "t1", "name": "Acme", "created_at": SHOWN},
    )
    listed = await door.http.get("/api/v1/admin/tenants", headers=door.bearer)
    assert listed.json() == {"items": [made.json()], "next_cursor": None, "total": None}
    door.auth.answers["ListTenants"] = auth_pb2.ListTenantsResponse(items=[tenant], total=1)
    counted = await door.http.get("/api/v1/admin/tenants?count=true", headers=door.bearer)
    assert (counted.json()["total"], door.auth.calls[-1].request.count) == (1, True)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", f"/users/{USER_ID}", {"role": "god"}),
        ("PATCH", f"/users/{USER_ID}", {"status": "deleted"}),
        ("PATCH", f"/users/{USER_ID}", {"tenant_id": "t2"}),
        ("PATCH", f"/users/{USER_ID}", {"role": 3}),
        ("POST", "/tenants", {"name": "Acme", "id": "t1"}),
        ("POST", "/tenants", {}),
        ("GET", "/users?status=deleted", None),
        ("GET", "/users?limit=0", None),
        ("GET", "/users?q=%00", None),
    ],
)
async def test_what_is_not_foreseen_is_refused_at_the_door(
    door: Door, method: str, path: str, body: dict[str, Any] | None
) -> None:
    response = await door.http.request(
        method, f"/api/v1/admin{path}", json=body, headers=door.bearer
    )
    assert (response.status_code, response.json()["reason"]) == (422, "VALIDATION")
    assert door.auth.calls == []


async def test_whom_auth_service_refuses_gets_403(door: Door) -> None:
    door.auth.answers["ListUsers"] = Forbidden()
    response = await door.http.get("/api/v1/admin/users", headers=door.bearer)
    assert (response.status_code, response.json()["reason"]) == (403, "FORBIDDEN")
