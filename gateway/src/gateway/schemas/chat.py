"""Sessions, messages and runs."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from gateway.schemas.base import ListQuery, Resource, example, moment
from gateway.schemas.parameters import PARAMETERS, GenerationParameters, asked_for
from gateway.schemas.texts import Id, Model, QuestionText
from parley import bounds
from parley.chat.v1 import chat_pb2 as pb
from parley.generation.v1 import generation_pb2

MessageRole = Literal["user", "assistant", "system"]
MESSAGE_ROLES: dict[int, MessageRole] = {
    pb.MESSAGE_ROLE_USER: "user",
    pb.MESSAGE_ROLE_ASSISTANT: "assistant",
    pb.MESSAGE_ROLE_SYSTEM: "system",
}

MessageStatus = Literal["running", "completed", "cancelled", "interrupted", "failed", "edited"]
RunStatus = Literal["running", "completed", "cancelled", "interrupted", "failed"]
_STATUSES: dict[int, RunStatus] = {
    pb.RUN_STATUS_RUNNING: "running",
    pb.RUN_STATUS_COMPLETED: "completed",
    pb.RUN_STATUS_CANCELLED: "cancelled",
    pb.RUN_STATUS_INTERRUPTED: "interrupted",
    pb.RUN_STATUS_FAILED: "failed",
}

CacheState = Literal["off", "miss", "hit"]
_CACHE_STATES: dict[int, CacheState] = {
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

_A_RUN: dict[str, Any] = {
    "id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e09",
    "session_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0a",
    "question_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0b",
    "answer_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0c",
    "status": "completed",
    "reason": None,
    "provider": "openai",
    "model": "demo",
    "finish_reason": "stop",
    "parameters": {
        "temperature": 0.7,
        "max_tokens": 2048,
        **dict.fromkeys(("top_p", "stop", "reasoning_effort")),
    },
    "can_continue": False,
    "last_seq": 42,
    "usage": {
        "prompt_tokens": 12,
        "completion_tokens": 38,
        "cached_tokens": None,
        "reasoning_tokens": None,
    },
    "adapted": [],
    "cache": "off",
    "created_at": "2026-11-02T09:34:00Z",
    "ended_at": "2026-11-02T09:34:03Z",
    "fallback": None,
}
_A_QUESTION: dict[str, Any] = {
    "id": _A_RUN["question_id"],
    "session_id": _A_RUN["session_id"],
    "role": "user",
    "content": "What is Parley?",
    "order": 1,
    **dict.fromkeys(("run_id", "status", "reason", "finish_reason", "can_continue")),
    **dict.fromkeys(("provider", "model", "parameters", "adapted", "reasoning", "usage")),
    "cached": None,
    "parent_id": None,
    "chosen": True,
    "variants": {"index": 0, "ids": [_A_RUN["question_id"]]},
    "attachments": [
        {
            "id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0d",
            "name": "plan.pdf",
            "kind": "pdf",
            "size": 48213,
            "deleted": False,
        }
    ],
    "created_at": "2026-11-02T09:34:00Z",
    "fallback": None,
}
AN_ANSWER: dict[str, Any] = {
    **_A_QUESTION,
    "id": _A_RUN["answer_id"],
    "role": "assistant",
    "content": "A chat platform of your own.",
    "order": 2,
    "run_id": _A_RUN["id"],
    **{name: _A_RUN[name] for name in ("status", "reason", "finish_reason", "can_continue")},
    **{name: _A_RUN[name] for name in ("provider", "model", "parameters", "adapted", "usage")},
    "reasoning": "",
    "cached": False,
    "parent_id": _A_RUN["question_id"],
    "variants": {"index": 0, "ids": [_A_RUN["answer_id"]]},
    "attachments": [],
    "created_at": "2026-11-02T09:34:03Z",
}


class Question(GenerationParameters):
    model_config = example(content="What is Parley?")

    content: QuestionText = Field(
        description="As long as the operator allows, 32,000 characters unless set otherwise."
    )
    key_id: Id | None = Field(None, description="The conversation's connection if absent.")
    model: Model | None = Field(None, description="The conversation's model if absent.")
    cache: bool = Field(
        False,
        description="Whether an answer will do that was kept of the very same question: to the same model, with the "
        "same parameters and everything that was said before it. This one's is kept, if it is whole. An operator "
        "sets for how long, 24 hours otherwise.",
    )
    format: TextForm = Field(
        "markdown",
        description="`text`: the answer's events, and the answer in this response, come without Markdown's marks. What "
        "is kept is what the model wrote.",
    )
    attachments: list[Id] | None = Field(
        None,
        max_length=bounds.MAX_ATTACHMENTS,
        description="Files of one's own, each once. An edited question keeps its own if absent.",
    )

    def request(self, session_id: str | None = None) -> pb.StartRunRequest:
        """What asks this, in that session or in one made for it."""
        said = self.model_dump(include=PARAMETERS, exclude_none=True)
        files = None if self.attachments is None else pb.Attached(file_ids=self.attachments)
        return pb.StartRunRequest(
            session_id=session_id,
            content=self.content,
            key_id=self.key_id,
            attachments=files,
            parameters=generation_pb2.GenerationParameters(model=self.model, **said),
            cache=self.cache,
            form=pb.TEXT_FORM_UNSPECIFIED if self.format == "markdown" else FORMS[self.format],
        )


Path = Literal["chosen", "all"]


class MessageListQuery(ListQuery):
    order: Order = "asc"
    path: Path = Field(
        "chosen", description="The messages of the chosen path, or all with their variants."
    )
    format: TextForm = Field(
        "markdown", description="Of answers: as the model wrote them, or without Markdown's marks."
    )


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


_FINISH_REASON = (
    "The provider's word for the end: `stop`, `length`, `content_filter`, `tool_calls`, "
    "`function_call` or `other`; null where it said none."
)
_ASKED_FOR = "What was asked for; of what is null in it nothing was said."
_NOT_TAKEN = (
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


class Variants(Resource):
    """The messages that follow the same one."""

    index: int = Field(description="Its own place among them, from 0.")
    ids: list[str] = Field(description="In order, itself among them.")


class Attachment(Resource):
    """A file as it was when it was attached."""

    id: str = Field(description="The file's.")
    name: str
    kind: str = Field(description="Such as `png`; those that there are: `GET /files/limits`.")
    size: int = Field(description="Bytes.")
    deleted: bool = Field(description="Whether the file itself is gone.")

    @classmethod
    def of(cls, attachment: pb.Attachment) -> "Attachment":
        return cls(
            id=attachment.file_id,
            name=attachment.name,
            kind=attachment.kind,
            size=attachment.size,
            deleted=attachment.deleted,
        )


class Message(Resource):
    model_config = example(**AN_ANSWER)

    id: str
    session_id: str
    role: MessageRole
    content: str
    order: int = Field(description="Place in the session, from 1, without gaps.")
    run_id: str | None = Field(description="Null on questions, as all from here to `usage` are.")
    status: MessageStatus | None = Field(
        description="As of its run; `edited`: its user wrote this answer, and there was no run."
    )
    reason: str | None = Field(description="Why it ended other than completed.")
    finish_reason: str | None = Field(description=_FINISH_REASON)
    can_continue: bool | None = Field(
        description="Whether its run can be continued: it was cut short, and nothing follows it."
    )
    provider: str | None
    model: str | None
    parameters: GenerationParameters | None = Field(description=_ASKED_FOR)
    adapted: list[Adapted] | None = Field(description=_NOT_TAKEN)
    reasoning: str | None
    usage: Usage | None
    cached: bool | None = Field(
        description="Whether it was kept from an earlier answer, and no model was asked; null on questions."
    )
    created_at: datetime
    fallback: Fallback | None = Field(description="As of its run; null on questions.")

    parent_id: str | None = Field(description="The message that it follows; null: a beginning.")
    chosen: bool = Field(description="Whether it is on the chosen path.")
    variants: Variants
    attachments: list[Attachment] = Field(description="Of questions alone.")

    @classmethod
    def of(cls, message: pb.Message) -> "Message":
        return cls(
            id=message.id,
            parent_id=message.parent_id if message.HasField("parent_id") else None,
            chosen=message.chosen,
            variants=Variants(index=message.variants.index, ids=list(message.variants.ids)),
            session_id=message.session_id,
            role=MESSAGE_ROLES[message.role],
            content=message.content,
            order=message.order,
            run_id=message.run_id if message.HasField("run_id") else None,
            status=_status_of(message),
            reason=message.reason if message.HasField("reason") else None,
            finish_reason=message.finish_reason if message.HasField("finish_reason") else None,
            can_continue=message.can_continue if message.HasField("status") else None,
            provider=message.provider if message.HasField("provider") else None,
            model=message.model if message.HasField("model") else None,
            parameters=asked_for(message.parameters) if message.HasField("parameters") else None,
            adapted=[Adapted.of(one) for one in message.adapted]
            if message.HasField("status")
            else None,
            reasoning=message.reasoning if message.HasField("reasoning") else None,
            usage=Usage.of(message.usage) if message.HasField("usage") else None,
            cached=message.cached if message.HasField("status") else None,
            created_at=moment(message.created_at),
            fallback=Fallback.of(message),
            attachments=[Attachment.of(one) for one in message.attachments],
        )


def _status_of(message: pb.Message) -> MessageStatus | None:
    if message.edited:
        return "edited"
    return _STATUSES[message.status] if message.HasField("status") else None


class Run(Resource):
    """The generation of one answer."""

    model_config = example(**_A_RUN)

    id: str
    session_id: str | None = Field(
        description="Null, as the next two are: it belongs to no conversation."
    )
    question_id: str | None
    answer_id: str | None
    status: RunStatus
    reason: str | None = Field(description="Why it ended other than completed.")
    finish_reason: str | None = Field(description=_FINISH_REASON)
    can_continue: bool = Field(
        description="Whether `continue` may go on with its answer: it was cut short, and no run is newer."
    )
    provider: str
    model: str
    parameters: GenerationParameters | None = Field(description=_ASKED_FOR)
    adapted: list[Adapted] = Field(description=_NOT_TAKEN + " Once it has ended.")
    cache: CacheState = Field(
        description="Whether its answer was looked for among those that are kept (`miss`), and was found there (`hit`). Once it has ended."
    )
    last_seq: int = Field(description="Number of the newest frame when the run ended.")
    usage: Usage | None
    created_at: datetime
    ended_at: datetime | None
    fallback: Fallback | None = Field(
        description="Null: `provider`, `model` and `parameters` are of the connection that was asked first."
    )

    @classmethod
    def of(cls, run: pb.Run) -> "Run":
        return cls(
            id=run.id,
            session_id=run.session_id if run.HasField("session_id") else None,
            question_id=run.question_id if run.HasField("question_id") else None,
            answer_id=run.answer_id if run.HasField("answer_id") else None,
            status=_STATUSES[run.status],
            reason=run.reason if run.HasField("reason") else None,
            finish_reason=run.finish_reason if run.HasField("finish_reason") else None,
            can_continue=run.can_continue,
            provider=run.provider,
            model=run.model,
            parameters=asked_for(run.parameters) if run.HasField("parameters") else None,
            adapted=[Adapted.of(one) for one in run.adapted],
            cache=_CACHE_STATES.get(run.cache, "off"),
            last_seq=run.last_seq,
            usage=Usage.of(run.usage) if run.HasField("usage") else None,
            created_at=moment(run.created_at),
            ended_at=moment(run.ended_at) if run.HasField("ended_at") else None,
            fallback=Fallback.of(run),
        )


class RunResult(Resource):
    """A run with its question and, once saved, its answer."""

    model_config = example(run=_A_RUN, question=_A_QUESTION, answer=AN_ANSWER)

    run: Run
    question: Message | None = Field(description="Null: the run belongs to no conversation.")
    answer: Message | None

    @classmethod
    def of(cls, result: pb.GetRunResponse) -> "RunResult":
        return cls(
            run=Run.of(result.run),
            question=Message.of(result.question) if result.HasField("question") else None,
            answer=Message.of(result.answer) if result.HasField("answer") else None,
        )


class RecoveredRun(Resource):
    """What there is of a conversation's live or last run."""

    model_config = example(run=_A_RUN, text=AN_ANSWER["content"], reasoning="", seq=42)

    run: Run
    text: str
    reasoning: str
    seq: int = Field(description="The newest event that is contained: follow behind it.")

    @classmethod
    def of(cls, recovered: pb.RecoverRunResponse) -> "RecoveredRun":
        return cls(
            run=Run.of(recovered.run),
            text=recovered.text,
            reasoning=recovered.reasoning,
            seq=recovered.seq,
        )
