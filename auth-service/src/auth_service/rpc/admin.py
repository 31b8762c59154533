"""Users as their admins see them, tenants, the audit log."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

import grpc.aio

from auth_service.domain.audit_log import AuditEntry
from auth_service.domain.tenants import Tenant
from auth_service.domain.users import Role, Status
from auth_service.mapping import to_user
from auth_service.usecases.list_audit_log import list_audit
from auth_service.usecases.ports import Ports
from auth_service.usecases.tenants import create_tenant, list_tenants
from auth_service.usecases.usage import note_usage_read
from auth_service.usecases.users import delete_user, list_users, update_user
from chassis.errors import FieldError, ValidationFailed
from chassis.grpc.caller import current_caller
from chassis.grpc.idempotency import once
from chassis.grpc.server import Method, allow
from parley.auth.v1 import auth_pb2, auth_pb2_grpc
from servicekit.timestamps import moment_in, timestamp_of

POLICY: Mapping[str, Method] = {
    "ListUsers": allow("gateway"),
    "UpdateUser": allow("gateway"),
    "DeleteUser": allow("gateway"),
    "ListAudit": allow("gateway"),
    "CreateTenant": allow("gateway"),
    "ListTenants": allow("gateway"),
    "NoteUsageRead": allow("chat-service"),
}

Context = grpc.aio.ServicerContext[Any, Any]

_ROLES: Mapping[int, Role] = {
    auth_pb2.ROLE_USER: Role.USER,
    auth_pb2.ROLE_TENANT_ADMIN: Role.TENANT_ADMIN,
    auth_pb2.ROLE_OPERATOR: Role.OPERATOR,
}
_STATUSES: Mapping[int, Status] = {
    auth_pb2.USER_STATUS_ACTIVE: Status.ACTIVE,
    auth_pb2.USER_STATUS_DISABLED: Status.DISABLED,
}


class Admin(auth_pb2_grpc.AuthServiceServicer):
    """See the contract."""

    _ports: Ports

    async def ListUsers(
        self, request: auth_pb2.ListUsersRequest, context: Context
    ) -> auth_pb2.ListUsersResponse:
        page = await list_users(
            self._ports.open_admin,
            current_caller(),
            query=request.query,
            status=_status(request),
            tenant_id=request.tenant_id if request.HasField("tenant_id") else None,
            ids=request.ids,
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
        )
        return auth_pb2.ListUsersResponse(
            items=[to_user(user) for user in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def UpdateUser(
        self, request: auth_pb2.UpdateUserRequest, context: Context
    ) -> auth_pb2.UpdateUserResponse:
        user = await update_user(
            self._ports.open_admin,
            current_caller(),
            request.id,
            role=_role(request),
            status=_status(request),
        )
        return auth_pb2.UpdateUserResponse(user=to_user(user))

    async def DeleteUser(
        self, request: auth_pb2.DeleteUserRequest, context: Context
    ) -> auth_pb2.DeleteUserResponse:
        erasure_id = await delete_user(self._ports.open_admin, current_caller(), request.id)
        return auth_pb2.DeleteUserResponse(erasure_id=str(erasure_id))

    async def ListAudit(
        self, request: auth_pb2.ListAuditRequest, context: Context
    ) -> auth_pb2.ListAuditResponse:
        page = await list_audit(
            self._ports.open_admin,
            current_caller(),
            event=request.event,
            user_id=request.user_id if request.HasField("user_id") else None,
            since=moment_in(request, "from"),
            until=moment_in(request, "to"),
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
        )
        return auth_pb2.ListAuditResponse(
            items=[_to_audit_entry(entry) for entry in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def CreateTenant(
        self, request: auth_pb2.CreateTenantRequest, context: Context
    ) -> auth_pb2.CreateTenantResponse:
        tenant = await create_tenant(
            self._ports.open_admin,
            current_caller(),
            name=request.name,
            once=once(request, _encode_tenant, _decode_tenant),
        )
        return auth_pb2.CreateTenantResponse(tenant=_to_tenant(tenant))

    async def ListTenants(
        self, request: auth_pb2.ListTenantsRequest, context: Context
    ) -> auth_pb2.ListTenantsResponse:
        page = await list_tenants(
            self._ports.open_admin,
            current_caller(),
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
        )
        return auth_pb2.ListTenantsResponse(
            items=[_to_tenant(tenant) for tenant in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def NoteUsageRead(
        self, request: auth_pb2.NoteUsageReadRequest, context: Context
    ) -> auth_pb2.NoteUsageReadResponse:
        tenant_id = await note_usage_read(
            self._ports.open_admin,
            current_caller(),
            tenant_id=request.tenant_id if request.HasField("tenant_id") else None,
            first=getattr(request, "from"),
            last=request.to,
        )
        return auth_pb2.NoteUsageReadResponse(
            tenant_id=None if tenant_id is None else str(tenant_id)
        )


def _role(request: auth_pb2.UpdateUserRequest) -> Role | None:
    if not request.HasField("role"):
        return None
    if request.role not in _ROLES:
        raise ValidationFailed(fields=[FieldError("role", "INVALID")])
    return _ROLES[request.role]


def _status(request: auth_pb2.UpdateUserRequest | auth_pb2.ListUsersRequest) -> Status | None:
    if not request.HasField("status"):
        return None
    if request.status not in _STATUSES:
        raise ValidationFailed(fields=[FieldError("status", "INVALID")])
    return _STATUSES[request.status]


def _to_audit_entry(entry: AuditEntry) -> auth_pb2.AuditEntry:
    return auth_pb2.AuditEntry(
        id=str(entry.id),
        at=timestamp_of(entry.at),
        event=entry.event,
        tenant_id=str(entry.tenant_id or ""),
        actor_id=None if entry.actor_id is None else str(entry.actor_id),
        subject_id=None if entry.subject_id is None else str(entry.subject_id),
        ip=entry.client.ip,
        user_agent=entry.client.user_agent,
        fields=dict(entry.fields),
    )


def _to_tenant(tenant: Tenant) -> auth_pb2.Tenant:
    return auth_pb2.Tenant(
        id=str(tenant.id), name=tenant.name, created_at=timestamp_of(tenant.created_at)
    )


def _encode_tenant(tenant: Tenant) -> bytes:
    return _to_tenant(tenant).SerializeToString()


def _decode_tenant(kept: bytes) -> Tenant:
    tenant = auth_pb2.Tenant.FromString(kept)
    return Tenant(UUID(tenant.id), tenant.name, tenant.created_at.ToDatetime(tzinfo=UTC))
