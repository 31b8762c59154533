"""Provider connections."""

from datetime import datetime
from typing import Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from gateway.schemas.base import Body, Resource, example, moment
from gateway.schemas.texts import ApiKey, BaseUrl, KeyName, Model
from parley.apikey.v1 import apikey_pb2 as pb
from parley.chat.v1 import chat_pb2 as chat_pb

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


class UnsavedKey(Body):
    """A connection to be tried: what is stored of one, but for its name."""

    model_config = example(api_key="sk-anything", model="demo", base_url="http://127.0.0.1:8001/v1")

    api_key: ApiKey = Field(description="Visible ASCII.")
    model: Model = Field(description="The provider's name of it. Printable.")
    base_url: BaseUrl = Field(description="Where the provider's API begins, as of a stored one.")
    provider: Provider | None = Field(None, description="`openai` if absent.")


class Suggestion(Resource):
    """What did answer in its place; what is absent was right."""

    base_url: str | SkipJsonSchema[None] = None
    provider: Provider | SkipJsonSchema[None] = None


class Tested(Resource):
    """What came of a test."""

    model_config = example(
        ok=False,
        latency_ms=112,
        reason="PROVIDER_PATH_NOT_FOUND",
        detail="The model server does not know this address; check the base URL.",
        provider_message="Not Found",
        suggestion={"base_url": "http://127.0.0.1:8001/v1"},
    )

    ok: bool
    latency_ms: int = Field(
        description="To the first of the answer, or to the failure, milliseconds."
    )
    reason: str | SkipJsonSchema[None] = Field(
        None, description="Why it failed, as of a run that fails so."
    )
    detail: str | SkipJsonSchema[None] = Field(None, description="What to do.")
    provider_message: str | SkipJsonSchema[None] = Field(
        None, description="What the model server said, without credentials."
    )
    suggestion: Suggestion | SkipJsonSchema[None] = None

    @classmethod
    def of(cls, tested: chat_pb.TestConnectionResponse) -> "Tested":
        failure, told = tested.failure, tested.suggestion
        suggestion = Suggestion(
            base_url=told.base_url if told.HasField("base_url") else None,
            provider=_NAMES[told.provider] if told.HasField("provider") else None,
        )
        return cls(
            ok=not tested.HasField("failure"),
            latency_ms=tested.latency_ms,
            reason=failure.reason or None,
            detail=failure.detail or None,
            provider_message=failure.provider_message or None,
            suggestion=suggestion if tested.HasField("suggestion") else None,
        )


class ModelInfo(Resource):
    """What a server says of a model; of what is absent nothing."""

    id: str
    context_tokens: int | SkipJsonSchema[None] = Field(
        None, description="What the model takes in all."
    )
    output_tokens: int | SkipJsonSchema[None] = Field(None, description="The longest answer.")
    vision: bool | SkipJsonSchema[None] = Field(None, description="Whether it reads images.")
    reasoning: bool | SkipJsonSchema[None] = Field(
        None, description="Whether it thinks before it answers."
    )

    @classmethod
    def of(cls, model: chat_pb.Model) -> "ModelInfo":
        return cls(
            id=model.id,
            context_tokens=model.context_tokens if model.HasField("context_tokens") else None,
            output_tokens=model.output_tokens if model.HasField("output_tokens") else None,
            vision=model.vision if model.HasField("vision") else None,
            reasoning=model.reasoning if model.HasField("reasoning") else None,
        )


class Models(Resource):
    """The models of a connection's server, by id; a thousand at most."""

    model_config = example(
        items=[{"id": "demo", "context_tokens": 32768, "output_tokens": 4096, "vision": False}]
    )

    items: list[ModelInfo]


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
