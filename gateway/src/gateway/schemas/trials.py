"""Connections tried out: what came of it, and which models their servers have."""

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from gateway.schemas.base import Resource, example
from gateway.schemas.keys import NAMES, Provider
from parley.chat.v1 import chat_pb2 as pb


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
    retry_after: int | SkipJsonSchema[None] = Field(
        None, description="Seconds until another try may help, where the model server said so."
    )
    suggestion: Suggestion | SkipJsonSchema[None] = None

    @classmethod
    def of(cls, tested: pb.TestConnectionResponse) -> "Tested":
        failure, told = tested.failure, tested.suggestion
        suggestion = Suggestion(
            base_url=told.base_url if told.HasField("base_url") else None,
            provider=NAMES[told.provider] if told.HasField("provider") else None,
        )
        return cls(
            ok=not tested.HasField("failure"),
            latency_ms=tested.latency_ms,
            reason=failure.reason or None,
            detail=failure.detail or None,
            provider_message=failure.provider_message or None,
            retry_after=failure.retry_after if failure.HasField("retry_after") else None,
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
    def of(cls, model: pb.Model) -> "ModelInfo":
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
