"""Personal access tokens."""

from datetime import datetime
from typing import Any

from pydantic import Field

from chassis.caller import Scope
from gateway.schemas.base import Body, Moment, Resource, example, moment, timestamp
from gateway.schemas.texts import TokenName
from parley.auth.v1 import auth_pb2 as pb

_A_TOKEN: dict[str, Any] = {
    "id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e06",
    "name": "my script",
    "scopes": ["chat:read", "chat:write"],
    "created_at": "2026-11-02T09:33:00Z",
    "expires_at": None,
    "last_used_at": None,
}


class NewToken(Body):
    model_config = example(name="my script", scopes=["chat:read", "chat:write"])

    name: TokenName
    scopes: list[Scope] = Field(
        max_length=32, description="At least one.", json_schema_extra={"minItems": 1}
    )
    expires_at: Moment | None = Field(
        None, description="In the future. Without it the token does not expire."
    )

    def request(self) -> pb.CreateTokenRequest:
        expires_at = None if self.expires_at is None else timestamp(self.expires_at)
        return pb.CreateTokenRequest(name=self.name, scopes=self.scopes, expires_at=expires_at)


class Token(Resource):
    """A personal access token as its owner may see it: without its secret."""

    model_config = example(**_A_TOKEN)

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
    model_config = example(**_A_TOKEN, token="parley_pat_what-is-shown-once")

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
