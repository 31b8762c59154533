"""What admins see and change: users, tenants, the audit log, usage."""

from typing import Annotated

from fastapi import Query

from gateway.clients import Services
from gateway.identity.authentication import CallerOf
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.schemas.admin import (
    ROLES,
    STATUSES,
    AuditEntry,
    AuditQuery,
    ManagedUser,
    NewTenant,
    Tenant,
    UserChange,
    UserQuery,
)
from gateway.schemas.auth import ErasureAccepted
from gateway.schemas.base import ListQuery, Page, check_span, timestamp
from gateway.schemas.usage import TenantsUsage, TenantsUsageQuery
from parley.auth.v1 import auth_pb2 as pb

router = api_router("Administration", "/admin")


@router.get("/users", openapi_extra=refuses("FORBIDDEN", "TENANT_NOT_FOUND"))
async def list_users(
    query: Annotated[UserQuery, Query()], caller: CallerOf, services: Services
) -> Page[ManagedUser]:
    """List users by name.

    Those of one's tenant, for an operator those of every tenant.
    """
    auth = services.auth
    response = await auth.ask(
        auth.stub.ListUsers,
        pb.ListUsersRequest(
            limit=query.limit,
            cursor=query.cursor,
            count=query.count,
            query=query.q,
            status=None if query.status is None else STATUSES[query.status],
            tenant_id=query.tenant_id,
            ids=query.ids.split(",") if query.ids else (),
        ),
        caller,
    )
    return Page[ManagedUser](
        items=[ManagedUser.of(user) for user in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.patch("/users/{user_id}", openapi_extra=refuses("FORBIDDEN", "NOT_YOURSELF"))
async def update_user(
    user_id: str, body: UserChange, caller: CallerOf, services: Services
) -> ManagedUser:
    """Change a user's role or status.

    Who loses something by it is logged out everywhere.
    """
    auth = services.auth
    response = await auth.tell(
        auth.stub.UpdateUser,
        pb.UpdateUserRequest(
            id=user_id,
            role=None if body.role is None else ROLES[body.role],
            status=None if body.status is None else STATUSES[body.status],
        ),
        caller,
    )
    return ManagedUser.of(response.user)


@router.delete(
    "/users/{user_id}", status_code=202, openapi_extra=refuses("FORBIDDEN", "NOT_YOURSELF")
)
async def delete_user(user_id: str, caller: CallerOf, services: Services) -> ErasureAccepted:
    """Delete a user's account.

    With it goes everything of its owner's in every service.
    """
    auth = services.auth
    response = await auth.tell(auth.stub.DeleteUser, pb.DeleteUserRequest(id=user_id), caller)
    return ErasureAccepted(erasure_id=response.erasure_id)


@router.get("/audit", openapi_extra=refuses("FORBIDDEN"))
async def list_audit(
    query: Annotated[AuditQuery, Query()], caller: CallerOf, services: Services
) -> Page[AuditEntry]:
    """List what has happened to accounts, the newest first.

    To those of one's tenant, for an operator to all. `total` stops at 10000.
    """
    check_span(query.since, query.until)
    auth = services.auth
    request = pb.ListAuditRequest(
        limit=query.limit,
        cursor=query.cursor,
        count=query.count,
        event=query.event,
        user_id=query.user_id,
    )
    for name, moment in (("from", query.since), ("to", query.until)):
        if moment is not None:
            getattr(request, name).CopyFrom(timestamp(moment))
    response = await auth.ask(auth.stub.ListAudit, request, caller)
    return Page[AuditEntry](
        items=[AuditEntry.of(entry) for entry in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.post("/tenants", status_code=201, openapi_extra=refuses("FORBIDDEN", "TENANT_NAME_TAKEN"))
async def create_tenant(
    body: NewTenant, caller: CallerOf, services: Services, key: IdempotencyKeyOf
) -> Tenant:
    """Make a tenant.

    For operators.
    """
    auth = services.auth
    response = await auth.tell(
        auth.stub.CreateTenant, pb.CreateTenantRequest(name=body.name), caller, idempotency_key=key
    )
    return Tenant.of(response.tenant)


@router.get("/tenants", openapi_extra=refuses("FORBIDDEN"))
async def list_tenants(
    query: Annotated[ListQuery, Query()], caller: CallerOf, services: Services
) -> Page[Tenant]:
    """List all tenants by name.

    For operators.
    """
    auth = services.auth
    response = await auth.ask(
        auth.stub.ListTenants,
        pb.ListTenantsRequest(limit=query.limit, cursor=query.cursor, count=query.count),
        caller,
    )
    return Page[Tenant](
        items=[Tenant.of(tenant) for tenant in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.get("/usage", openapi_extra=refuses("FORBIDDEN", "TENANT_NOT_FOUND"))
async def list_usage(
    query: Annotated[TenantsUsageQuery, Query()], caller: CallerOf, services: Services
) -> TenantsUsage:
    """Sum up what users have used.

    Those of one's tenant, for an operator those of every tenant, in ids alone. Of accounts that are gone what
    the operator's connections have cost is still in the sums, as nobody's. Who looks is in the audit log.
    """
    usage = services.usage
    response = await usage.tell(usage.stub.ListTenantsUsage, query.request(), caller)
    return TenantsUsage.of(response)
