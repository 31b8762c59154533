"""Logins: which devices are in, and a password that lets the others out."""

from datetime import datetime

from pydantic import Field

from gateway.schemas.base import Body, Resource, moment
from parley.auth.v1 import auth_pb2 as pb


class PasswordChange(Body):
    old_password: str = Field(json_schema_extra={"format": "password"})
    new_password: str = Field(json_schema_extra={"format": "password"})


class Login(Resource):
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
