"""Accounts, log-ins and erasures."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.schemas.base import Body, Resource, example, moment
from gateway.schemas.texts import (
    Code,
    Email,
    LogInName,
    LogInPassword,
    NewPassword,
    Password,
    Username,
)
from parley.auth.v1 import auth_pb2 as pb

Role = Literal["user", "tenant_admin", "operator"]
_ROLES: dict[int, Role] = {
    pb.ROLE_USER: "user",
    pb.ROLE_TENANT_ADMIN: "tenant_admin",
    pb.ROLE_OPERATOR: "operator",
}

ErasureStatus = Literal["pending", "completed"]
_ERASURE_STATUSES: dict[int, ErasureStatus] = {
    pb.ERASURE_STATUS_PENDING: "pending",
    pb.ERASURE_STATUS_COMPLETED: "completed",
}


UseCookie = Annotated[
    bool, Field(description="Keep the refresh token in a cookie, out of scripts' reach.")
]


NOT_COMMON = "None of those that everybody has: TOO_COMMON."

# Of the examples.
A_USER: dict[str, Any] = {
    "id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e01",
    "tenant_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e02",
    "username": "ada",
    "email": "ada@example.org",
    "role": "user",
    "created_at": "2026-11-02T09:30:00Z",
    "last_login_at": None,
}


class Registration(Body):
    model_config = example(username="ada", email="ada@example.org", password="a long enough secret")

    username: Username = Field(
        description="Letters and digits of any script, `.`, `_` and `-`; NFKC. Public."
    )
    email: Email
    password: NewPassword = Field(description=NOT_COMMON)
    code: Code | None = Field(
        None, description="Six digits, sent for `register`: the address is verified with it."
    )
    use_cookie: UseCookie = False


class LogIn(Body):
    model_config = example(username="ada", password="a long enough secret")

    username: LogInName = Field(description="Username, or a verified e-mail address.")
    password: LogInPassword
    use_cookie: UseCookie = False


class RefreshToken(Body):
    model_config = example(refresh_token="what the last log-in or refresh handed out")

    refresh_token: str


class AccountDeletion(Body):
    model_config = example(password="a long enough secret")

    password: Password


class User(Resource):
    model_config = example(**A_USER)

    id: str
    tenant_id: str
    username: str
    email: str
    role: Role
    created_at: datetime
    last_login_at: datetime | None

    @classmethod
    def of(cls, user: pb.User) -> "User":
        return cls(
            id=user.id,
            tenant_id=user.tenant_id,
            username=user.username,
            email=user.email,
            role=_ROLES[user.role],
            created_at=moment(user.created_at),
            last_login_at=moment(user.last_login_at) if user.HasField("last_login_at") else None,
        )


class Grant(Resource):
    """What a log-in hands out."""

    model_config = example(
        user=A_USER,
        access_token="eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl",
        token_type="Bearer",
        expires_in=300,
        refresh_token="Zm9yIGl0cyBzdWNjZXNzb3I",
    )

    user: User
    access_token: str
    token_type: str
    expires_in: int = Field(description="Life of the access token in seconds.")
    refresh_token: str | None = Field(None, description="Absent when it is in the cookie.")

    @classmethod
    def of(cls, grant: pb.Grant, *, in_cookie: bool) -> "Grant":
        shown = cls(
            user=User.of(grant.user),
            access_token=grant.access_token,
            token_type=grant.token_type,
            expires_in=grant.expires_in,
        )
        # What was never set is left out.
        return (
            shown if in_cookie else shown.model_copy(update={"refresh_token": grant.refresh_token})
        )


class ErasureAccepted(Resource):
    model_config = example(erasure_id="01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e10")

    erasure_id: str = Field(description="Keep it: it is the way to the receipt.")


class ServiceErasure(Resource):
    name: str
    erased_at: datetime | None = Field(description="Null until the service has confirmed.")


class Erasure(Resource):
    """The receipt of an erasure."""

    model_config = example(
        status="pending",
        services=[
            {"name": "auth-service", "erased_at": "2026-11-02T09:30:01Z"},
            {"name": "chat-service", "erased_at": None},
        ],
    )

    status: ErasureStatus
    services: list[ServiceErasure]

    @classmethod
    def of(cls, erasure: pb.GetErasureResponse) -> "Erasure":
        return cls(
            status=_ERASURE_STATUSES[erasure.status],
            services=[
                ServiceErasure(
                    name=service.name,
                    erased_at=moment(service.erased_at) if service.HasField("erased_at") else None,
                )
                for service in erasure.services
            ],
        )
