"""Provider connections."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from gateway.schemas.base import Body, Resource, example, moment
from gateway.schemas.texts import ApiKey, BaseUrl, KeyName, Model
from parley.apikey.v1 import apikey_pb2 as pb

Provider = Literal["openai"]
PROVIDERS: dict[Provider | None, pb.Provider.ValueType] = {
    None: pb.PROVIDER_UNSPECIFIED,
    "openai": pb.PROVIDER_OPENAI,
}
_NAMES: dict[int, Provider] = {pb.PROVIDER_OPENAI: "openai"}


class NewKey(Body):
    model_config = example(
        name="demo", api_key="sk-anything", model="demo", base_url="http://127.0.0.1:8001/v1"
    )

    name: KeyName = Field(description="Printable; unique, whatever the case.")
    api_key: ApiKey = Field(description="Visible ASCII.")
    model: Model = Field(description="The provider's name of it. Printable.")
    base_url: BaseUrl = Field(
        description="Where an OpenAI-compatible API begins: http or https, without userinfo, query"
        " and fragment."
    )
    provider: Provider | None = Field(None, description="`openai` if absent.")


class Key(Resource):
    """A connection as its owner may see it: never the key itself."""

    model_config = example(
        id="01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e03",
        name="demo",
        masked_key="…",
        model="demo",
        base_url="http://127.0.0.1:8001/v1",
        provider="openai",
        created_at="2026-11-02T09:31:00Z",
        updated_at="2026-11-02T09:31:00Z",
    )

    id: str
    name: str
    masked_key: str = Field(description="`sk-…wxyz`, or `…` for a short one.")
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
