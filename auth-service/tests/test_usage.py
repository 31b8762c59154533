"""Who looks at what users have used: noted, and let see their own tenant alone."""

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from chassis.errors import RemoteError
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, OpenChannel
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Appoint = Callable[..., Awaitable[auth_pb2.Grant]]

DAYS = {"from": "2026-11-01", "to": "2026-11-27"}


@pytest.fixture
def note(auth_port: int, grpc_channel: OpenChannel) -> Callable[..., Awaitable[str | None]]:
    async def note(grant: auth_pb2.Grant, **changes: Any) -> str | None:
        chat = await grpc_channel(auth_port, "auth-service", as_name="chat-service")
        request = auth_pb2.NoteUsageReadRequest(**{**DAYS, **changes})
        response = await chat.unary(
            chat.stub(AuthServiceStub).NoteUsageRead, request, timeout=30, token=grant.access_token
        )
        return response.tenant_id if response.HasField("tenant_id") else None

    return note


async def _entries(auth: Channel, operator: auth_pb2.Grant) -> list[Any]:
    request = auth_pb2.ListAuditRequest(limit=100, event="usage.")
    method = auth.stub(AuthServiceStub).ListAudit
    response = await auth.unary(method, request, timeout=30, token=operator.access_token)
    return list(reversed(response.items))


async def test_an_admin_sees_their_tenant_an_operator_all_and_both_are_noted(
    auth: Channel, appoint: Appoint, note: Any
) -> None:
    operator = await appoint("root", "operator")
    admin = await appoint("boss", "tenant_admin")
    tenant_id = admin.user.tenant_id
    assert await note(admin) == tenant_id
    assert await note(operator) is None
    assert await note(operator, tenant_id=tenant_id) == tenant_id
    entries = await _entries(auth, operator)
    assert [(entry.event, entry.actor_id, dict(entry.fields)) for entry in entries] == [
        ("usage.read", admin.user.id, {**_days(), "of_tenant_id": tenant_id}),
        ("usage.read", operator.user.id, _days()),
        ("usage.read", operator.user.id, {**_days(), "of_tenant_id": tenant_id}),
    ]


def _days() -> dict[str, str]:
    return {"first": DAYS["from"], "last": DAYS["to"]}


async def test_whoever_is_refused_is_not_noted(
    auth: Channel, register: Register, appoint: Appoint, note: Any, database: DatabaseUrls
) -> None:
    operator = await appoint("root", "operator")
    admin, former = await appoint("boss", "tenant_admin"), await appoint("former", "operator")
    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE users SET role = 'user' WHERE id = %s", (former.user.id,))
    for who, changes, reason in (
        (await register("user"), {}, "FORBIDDEN"),
        (former, {}, "FORBIDDEN"),
        (admin, {"tenant_id": str(new_id())}, "TENANT_NOT_FOUND"),
        (operator, {"tenant_id": str(new_id())}, "TENANT_NOT_FOUND"),
        (operator, {"tenant_id": "x"}, "TENANT_NOT_FOUND"),
        (operator, {"from": "x" * 11}, "VALIDATION"),
    ):
        with pytest.raises(RemoteError) as refused:
            await note(who, **changes)
        assert refused.value.reason == reason
    assert await _entries(auth, operator) == []
