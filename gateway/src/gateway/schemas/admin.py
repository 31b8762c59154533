"""Users as their admins see them, tenants, the audit trail."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.schemas.auth import Role, User
from gateway.schemas.base import Body, ListQuery, Moment, Resource, moment, storable
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

Text = Annotated[str, AfterValidator(storable)]


class UserChange(Body):
    """What is left out stays."""

    role: Role | None = None
    status: UserStatus | None = None


class UserQuery(ListQuery):
    q: Text = Field(
        "", max_length=254, description="Part of a username or e-mail address, whatever the case."
    )
    status: UserStatus | None = None
    tenant_id: Text | None = Field(None, description="For operators.")


class AuditQuery(ListQuery):
    event: Text = Field(
        "",
        max_length=64,
        description="An event's name, or the beginning of some if it ends with a dot: `login.`",
    )
    user_id: Text | None = Field(None, description="Whom it is about, or who did it.")
    since: Moment | None = Field(None, alias="from", description="The first moment.")
    until: Moment | None = Field(None, alias="to", description="The first one too late.")


class NewTenant(Body):
    name: str


class ManagedUser(User):
    status: UserStatus

    @classmethod
    def of(cls, user: pb.User) -> "ManagedUser":
        return cls(status=_STATUS_WORDS[user.status], **User.of(user).model_dump())


class Tenant(Resource):
    id: str
    name: str
    created_at: datetime

    @classmethod
    def of(cls, tenant: pb.Tenant) -> "Tenant":
        return cls(id=tenant.id, name=tenant.name, created_at=moment(tenant.created_at))


class AuditEntry(Resource):
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
