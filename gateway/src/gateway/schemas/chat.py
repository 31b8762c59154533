"""What messages and runs both say."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from gateway.schemas.base import Resource
from parley.chat.v1 import chat_pb2 as pb

MessageRole = Literal["user", "assistant", "system"]
MESSAGE_ROLES: dict[int, MessageRole] = {
    pb.MESSAGE_ROLE_USER: "user",
    pb.MESSAGE_ROLE_ASSISTANT: "assistant",
    pb.MESSAGE_ROLE_SYSTEM: "system",
}

MessageStatus = Literal["running", "completed", "cancelled", "interrupted", "failed", "edited"]
RunStatus = Literal["running", "completed", "cancelled", "interrupted", "failed"]
STATUSES: dict[int, RunStatus] = {
    pb.RUN_STATUS_RUNNING: "running",
    pb.RUN_STATUS_COMPLETED: "completed",
    pb.RUN_STATUS_CANCELLED: "cancelled",
    pb.RUN_STATUS_INTERRUPTED: "interrupted",
    pb.RUN_STATUS_FAILED: "failed",
}

CacheState = Literal["off", "miss", "hit"]
CACHE_STATES: dict[int, CacheState] = {
    # Of a version that kept no answers.
    pb.CACHE_STATE_UNSPECIFIED: "off",
    pb.CACHE_STATE_OFF: "off",
    pb.CACHE_STATE_MISS: "miss",
    pb.CACHE_STATE_HIT: "hit",
}

TextForm = Literal["markdown", "text"]
FORMS: dict[TextForm | None, pb.TextForm.ValueType] = {
    None: pb.TEXT_FORM_UNSPECIFIED,
    "markdown": pb.TEXT_FORM_MARKDOWN,
    "text": pb.TEXT_FORM_PLAIN,
}
FormOfAnswers = Annotated[
    TextForm, Query(description="Of answers: as the model wrote them, or without Markdown's marks.")
]
FormOfEvents = Annotated[
    TextForm | None,
    Query(
        description="Of the text: as the model wrote it, or without Markdown's marks; as the question asked for it if absent."
    ),
]

Order = Literal["asc", "desc"]
ORDERS: dict[Order, pb.ListOrder.ValueType] = {"asc": pb.LIST_ORDER_ASC, "desc": pb.LIST_ORDER_DESC}


# The API's document has this module's name in its name, since `usage.py` has another one.
class Usage(Resource):
    """Tokens, as the provider counted them."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = Field(
        description="Of those of the prompt: found kept from an earlier one. Null, as the next one:"
        " the provider does not say."
    )
    reasoning_tokens: int | None = Field(description="Of those of the completion: thinking.")

    @classmethod
    def of(cls, usage: pb.Usage) -> "Usage":
        return cls(
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cached_tokens=usage.cached_tokens if usage.HasField("cached_tokens") else None,
            reasoning_tokens=usage.reasoning_tokens if usage.HasField("reasoning_tokens") else None,
        )


class Adapted(Resource):
    """A parameter that was asked for, and that the model server did not take so."""

    parameter: str
    use: str | None = Field(
        description="What was sent in its place, as text; null: it was left out."
    )

    @classmethod
    def of(cls, told: pb.Adapted) -> "Adapted":
        return cls(parameter=told.parameter, use=told.use if told.HasField("use") else None)


FINISH_REASON = (
    "The provider's word for the end: `stop`, `length`, `content_filter`, `tool_calls`, "
    "`function_call` or `other`; null where it said none."
)
ASKED_FOR = "What was asked for; of what is null in it nothing was said."
NOT_TAKEN = (
    "What of `parameters` the answer was not generated with, since the model server does not take it;"
    " each at most once."
)


class Fallback(Resource):
    """Another connection has answered than was asked first."""

    from_key_id: str | None = Field(description="The one that was asked first.")
    reason: str = Field(description="Why that one failed, such as PROVIDER_OVERLOADED.")

    @classmethod
    def of(cls, told: pb.Message | pb.Run) -> "Fallback | None":
        if not told.HasField("fallback"):
            return None
        fallback = told.fallback
        return cls(
            from_key_id=fallback.from_key_id if fallback.HasField("from_key_id") else None,
            reason=fallback.reason,
        )
