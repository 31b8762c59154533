"""What admins ask of auth-service, and what becomes of whom it is about."""

from collections.abc import Awaitable
from typing import Any

import pytest

from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.testing import eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub


async def call(auth: Channel, token: str | None, method: str, request: Any) -> Any:
    stub = auth.stub(AuthServiceStub)
    return await auth.unary(getattr(stub, method), request, timeout=30, token=token)


async def refused(attempt: Awaitable[object]) -> tuple[Kind, str]:
    with pytest.raises(RemoteError) as refused:
        await attempt
    return refused.value.kind, refused.value.reason


async def list_users(auth: Channel, admin: auth_pb2.Grant, **wanted: Any) -> Any:
    return await call(auth, admin.access_token, "ListUsers", auth_pb2.ListUsersRequest(**wanted))


async def names_of(auth: Channel, admin: auth_pb2.Grant, **wanted: Any) -> list[str]:
    return [user.username for user in (await list_users(auth, admin, **wanted)).items]


async def update(auth: Channel, admin: auth_pb2.Grant, user_id: str, **changes: Any) -> Any:
    request = auth_pb2.UpdateUserRequest(id=user_id, **changes)
    return (await call(auth, admin.access_token, "UpdateUser", request)).user


async def delete(auth: Channel, admin: auth_pb2.Grant, user_id: str) -> str:
    request = auth_pb2.DeleteUserRequest(id=user_id)
    erasure_id: str = (await call(auth, admin.access_token, "DeleteUser", request)).erasure_id
    return erasure_id


async def create_tenant(auth: Channel, operator: auth_pb2.Grant, name: str) -> auth_pb2.Tenant:
    request = auth_pb2.CreateTenantRequest(name=name)
    tenant: auth_pb2.Tenant = (
        await call(auth, operator.access_token, "CreateTenant", request)
    ).tenant
    return tenant


async def log_in(auth: Channel, name: str, password: str = "correct horse") -> auth_pb2.Grant:
    request = auth_pb2.LogInRequest(username=name, password=password)
    grant: auth_pb2.Grant = (await call(auth, None, "LogIn", request)).grant
    return grant


async def refresh(auth: Channel, grant: auth_pb2.Grant) -> auth_pb2.Grant:
    request = auth_pb2.RefreshRequest(refresh_token=grant.refresh_token)
    fresh: auth_pb2.Grant = (await call(auth, None, "Refresh", request)).grant
    return fresh


async def me(auth: Channel, grant: auth_pb2.Grant) -> auth_pb2.User:
    user: auth_pb2.User = (
        await call(auth, grant.access_token, "GetMe", auth_pb2.GetMeRequest())
    ).user
    return user


async def ended(auth: Channel, grant: auth_pb2.Grant) -> None:
    """Return once the grant's access token is refused: within five seconds."""

    async def refused() -> bool:
        try:
            await me(auth, grant)
        except RemoteError as error:
            return error.kind is Kind.UNAUTHENTICATED
        return False

    await eventually(refused, 5)
