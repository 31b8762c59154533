"""Logins: which devices are in, and a password that lets the others out."""

from datetime import datetime

from pydantic import Field

from gateway.schemas.auth import NOT_COMMON
from gateway.schemas.base import Body, Resource, example, moment
from gateway.schemas.texts import NewPassword, Password
from parley.auth.v1 import auth_pb2 as pb


class PasswordChange(Body):
    model_config = example(
        old_password="a long enough secret", new_password="another long enough secret"
    )

    old_password: Password
    new_password: NewPassword = Field(description=NOT_COMMON)


class Login(Resource):
    model_config = example(
        id="01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e04",
        ip="203.0.113.7",
        user_agent="curl/8.9",
        created_at="2026-11-02T09:30:00Z",
        last_used_at="2026-11-02T09:35:00Z",
        expires_at="2026-12-02T09:35:00Z",
        current=True,
    )

    id: str
    ip: str = Field(description="From where it was last refreshed.")
    user_agent: str
    created_at: datetime
    last_used_at: datetime = Field(description="When it was last refreshed.")
    expires_at: datetime
    current: bool = Field(description="Whether it is the one that asks.")

    @classmethod
    def of(cls, login: pb.Login) -> "Login":
        return cls(
            id=login.id,
            ip=login.ip,
            user_agent=login.user_agent,
            created_at=moment(login.created_at),
            last_used_at=moment(login.last_used_at),
            expires_at=moment(login.expires_at),
            current=login.current,
        )
