"""Provider connections."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from gateway.schemas.base import Body, Resource, moment
from parley.apikey.v1 import apikey_pb2 as pb

Provider = Literal["openai"]
PROVIDERS: dict[Provider | None, pb.Provider.ValueType] = {
    None: pb.PROVIDER_UNSPECIFIED,
    "openai": pb.PROVIDER_OPENAI,
}
_NAMES: dict[int, Provider] = {pb.PROVIDER_OPENAI: "openai"}


class NewKey(Body):
    name: str
    api_key: str = Field(json_schema_extra={"format": "password", "writeOnly": True})
    model: str
    base_url: str
    provider: Provider | None = None


class Key(Resource):
    """A connection as its owner may see it: never the key itself."""

    id: str
    name: str
    masked_key: str
    model: str
    base_url: str
    provider: Provider
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, key: pb.Key) -> "Key":
        return cls(
            id=key.id,
            name=key.name,
            masked_key=key.masked_key,
            model=key.model,
            base_url=key.base_url,
            provider=_NAMES[key.provider],
            created_at=moment(key.created_at),
            updated_at=moment(key.updated_at),
        )
