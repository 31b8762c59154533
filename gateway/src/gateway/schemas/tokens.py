"""Personal access tokens."""

from datetime import datetime
from typing import Any

from pydantic import Field

from chassis.caller import Scope
from gateway.schemas.base import Body, Moment, Resource, moment, timestamp
from parley.auth.v1 import auth_pb2 as pb


class NewToken(Body):
    name: str
    scopes: list[Scope] = Field(max_length=32, description="At least one.")
    expires_at: Moment | None = Field(None, description="Without it the token does not expire.")

    def request(self) -> pb.CreateTokenRequest:
        expires_at = None if self.expires_at is None else timestamp(self.expires_at)
        return pb.CreateTokenRequest(name=self.name, scopes=self.scopes, expires_at=expires_at)


class Token(Resource):
    """A personal access token as its owner may see it: without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")

    @classmethod
    def of(cls, token: pb.Token) -> "Token":
        return cls(**_members(token))


class CreatedToken(Token):
    token: str = Field(description="`parley_pat_…`, shown in this answer and never again.")

    @classmethod
    def made(cls, response: pb.CreateTokenResponse) -> "CreatedToken":
        return cls(**_members(response.token), token=response.secret)


def _members(token: pb.Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "created_at": moment(token.created_at),
        "expires_at": moment(token.expires_at) if token.HasField("expires_at") else None,
        "last_used_at": moment(token.last_used_at) if token.HasField("last_used_at") else None,
    }
