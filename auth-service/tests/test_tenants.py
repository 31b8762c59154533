"""Tenants, which operators make, and list, and put users into."""

from collections.abc import Awaitable, Callable

import psycopg
import pytest

from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

from .administering import call, create_tenant, names_of, refused

Appoint = Callable[..., Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]


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
    made = await create_tenant(auth, operator, "  Acme ")
    assert made.name == "Acme"

    for name in ("acme", "ＡＣＭＥ", "Acme", "DEFAULT", "ÜBERALL", "ｕ\u0308berall"):
        attempt = create_tenant(auth, operator, name)
        assert await refused(attempt) == (Kind.CONFLICT, "TENANT_NAME_TAKEN"), name
    for name in ("", " ", "x" * 65, "a\0b", "a\nb", "x" * 100_000):
        attempt = create_tenant(auth, operator, name)
        assert await refused(attempt) == (Kind.INVALID, "VALIDATION")

    request = auth_pb2.ListTenantsRequest(limit=1, count=True)
    first = await call(auth, operator.access_token, "ListTenants", request)
    request = auth_pb2.ListTenantsRequest(cursor=first.next_cursor)
    rest = await call(auth, operator.access_token, "ListTenants", request)
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
        assert await names_of(auth, operator, tenant_id=answer.tenant.id) == []
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
