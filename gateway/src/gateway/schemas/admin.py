"""Users as their admins see them, tenants, the audit log."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.schemas.auth import A_USER, Role, User
from gateway.schemas.base import (
    Body,
    ListQuery,
    Moment,
    Resource,
    example,
    moment,
    storable,
)
from gateway.schemas.texts import EventName, Id, TenantName, UserQueryText
from parley import bounds
from parley.auth.v1 import auth_pb2 as pb

UserStatus = Literal["active", "disabled"]
STATUSES: dict[UserStatus, "pb.UserStatus.ValueType"] = {
    "active": pb.USER_STATUS_ACTIVE,
    "disabled": pb.USER_STATUS_DISABLED,
}
_STATUS_WORDS: dict[int, UserStatus] = {number: word for word, number in STATUSES.items()}
ROLES: dict[Role, "pb.Role.ValueType"] = {
    "user": pb.ROLE_USER,
    "tenant_admin": pb.ROLE_TENANT_ADMIN,
    "operator": pb.ROLE_OPERATOR,
}

# A query's text comes from no JSON body, where U+0000 is looked for.
_Storable = AfterValidator(storable)


class UserChange(Body):
    """What is left out stays."""

    model_config = example(role="tenant_admin")

    role: Role | None = None
    status: UserStatus | None = None


class UserQuery(ListQuery):
    q: Annotated[UserQueryText, _Storable] = Field(
        "", description="Part of a username or e-mail address, whatever the case."
    )
    status: UserStatus | None = None
    tenant_id: Annotated[Id, _Storable] | None = Field(None, description="For operators.")
    ids: Annotated[str, _Storable] = Field(
        "",
        description=f"Users' ids with commas between them, {bounds.MAX_USER_IDS} at most: these alone.",
        examples=["01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e01"],
    )


class AuditQuery(ListQuery):
    event: Annotated[EventName, _Storable] = Field(
        "",
        description="An event's name, or the beginning of some if it ends with a dot: `login.`",
    )
    user_id: Annotated[Id, _Storable] | None = Field(
        None, description="Whom it is about, or who did it."
    )
    since: Moment | None = Field(None, alias="from", description="The first moment.")
    until: Moment | None = Field(None, alias="to", description="The first one too late.")


class NewTenant(Body):
    model_config = example(name="Research")

    name: TenantName = Field(description="Printable; unique, whatever the case.")


class ManagedUser(User):
    model_config = example(**A_USER, status="active")

    status: UserStatus

    @classmethod
    def of(cls, user: pb.User) -> "ManagedUser":
        return cls(status=_STATUS_WORDS[user.status], **User.of(user).model_dump())


class Tenant(Resource):
    model_config = example(
        id="01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e07",
        name="Research",
        created_at="2026-11-02T09:40:00Z",
    )

    id: str
    name: str
    created_at: datetime

    @classmethod
    def of(cls, tenant: pb.Tenant) -> "Tenant":
        return cls(id=tenant.id, name=tenant.name, created_at=moment(tenant.created_at))


class AuditEntry(Resource):
    model_config = example(
        id="01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e08",
        at="2026-11-02T09:30:00Z",
        event="login.opened",
        tenant_id=A_USER["tenant_id"],
        actor_id=A_USER["id"],
        subject_id=A_USER["id"],
        ip="203.0.113.7",
        user_agent="curl/8.9",
        fields={},
    )

    id: str
    at: datetime
    event: str
    tenant_id: str | None = Field(description="Null when nobody knows whom it is about.")
    actor_id: str | None = Field(description="Who did it; null where nobody was logged in.")
    subject_id: str | None = Field(description="Whom it is about.")
    ip: str = Field(
        description="Where from; empty once a user it concerns has been deleted, and where an"
        " operator of another tenant did it."
    )
    user_agent: str
    fields: dict[str, str]

    @classmethod
    def of(cls, entry: pb.AuditEntry) -> "AuditEntry":
        return cls(
            id=entry.id,
            at=moment(entry.at),
            event=entry.event,
            tenant_id=entry.tenant_id or None,
            actor_id=entry.actor_id if entry.HasField("actor_id") else None,
            subject_id=entry.subject_id if entry.HasField("subject_id") else None,
            ip=entry.ip,
            user_agent=entry.user_agent,
            fields=dict(entry.fields),
        )
