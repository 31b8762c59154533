"""Generation parameters: a question's wishes, a connection's defaults, and what an answer was asked with."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.schemas.base import WHOLE, Body
from parley import bounds
from parley.generation.v1 import generation_pb2

StopText = Annotated[str, Field(min_length=bounds.STOP.minimum, max_length=bounds.STOP.maximum)]

MaxTokens = Annotated[int, Field(ge=bounds.MAX_TOKENS.minimum, le=bounds.MAX_TOKENS.maximum), WHOLE]


def _effort(word: str) -> str:
    if word not in bounds.REASONING_EFFORTS:
        raise PydanticCustomError("enum", "must be one of those that there are")
    return word


# Not a Literal: what a later version was asked for is shown as well.
ReasoningEffort = Annotated[
    str,
    AfterValidator(_effort),
    WithJsonSchema({"type": "string", "enum": list(bounds.REASONING_EFFORTS)}),
]


class GenerationParameters(Body):
    """How an answer is to be generated; named as in the contract."""

    temperature: float | None = Field(
        None,
        ge=bounds.TEMPERATURE.minimum,
        le=bounds.TEMPERATURE.maximum,
        description="The connection's if absent, as all of these; it may leave it to the model.",
    )
    max_tokens: MaxTokens | None = Field(
        None,
        description="Of the answer, thinking included where the model counts it so.",
    )
    top_p: float | None = Field(
        None,
        ge=bounds.TOP_P.minimum,
        le=bounds.TOP_P.maximum,
        description="The share of likely tokens that is chosen from.",
    )
    stop: list[StopText] | None = Field(
        None,
        max_length=bounds.MAX_STOPS,
        description="Where any of these comes, the answer ends.",
    )
    reasoning_effort: ReasoningEffort | None = Field(
        None, description="How much a model that thinks is to think."
    )

    def on_the_wire(self) -> generation_pb2.GenerationParameters:
        """What something is said of."""
        said = self.model_dump(include=PARAMETERS, exclude_none=True)
        return generation_pb2.GenerationParameters(**said)

    def cleared(self) -> list[str]:
        """The names of those that were given as null, or as an empty list."""
        return [name for name in sorted(self.model_fields_set) if getattr(self, name) in (None, [])]


PARAMETERS = set(GenerationParameters.model_fields)


def asked_for(parameters: generation_pb2.GenerationParameters) -> GenerationParameters:
    """What is said, null for the rest; the model is told by itself."""
    said = {field.name: value for field, value in parameters.ListFields()}
    known: dict[str, Any] = {name: said[name] for name in PARAMETERS & said.keys()}
    if "stop" in known:
        known["stop"] = list(known["stop"])
    # As it is: a service that is newer knows more words than this gateway.
    return GenerationParameters.model_construct(None, **known)
