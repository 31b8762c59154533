"""The messages of conversations."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from gateway.schemas.base import ListQuery, Resource, example, moment
from gateway.schemas.chat import (
    ASKED_FOR,
    FINISH_REASON,
    MESSAGE_ROLES,
    NOT_TAKEN,
    STATUSES,
    Adapted,
    Fallback,
    MessageRole,
    MessageStatus,
    Order,
    TextForm,
    Usage,
)
from gateway.schemas.chat_examples import AN_ANSWER
from gateway.schemas.parameters import GenerationParameters, asked_for
from parley.chat.v1 import chat_pb2 as pb

Path = Literal["chosen", "all"]


class MessageListQuery(ListQuery):
    order: Order = Field(
        "asc",
        description="From the oldest on, or from the newest. A cursor is a place in the conversation: with"
        " the other order than it was given for, the page leads back from there.",
    )
    path: Path = Field(
        "chosen", description="The messages of the chosen path, or all with their variants."
    )
    format: TextForm = Field(
        "markdown", description="Of answers: as the model wrote them, or without Markdown's marks."
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
    order: int = Field(
        description="Place in the session, from 1; with gaps where some were deleted."
    )
    run_id: str | None = Field(description="Null on questions, as all from here to `usage` are.")
    status: MessageStatus | None = Field(
        description="As of its run; `edited`: its user wrote this answer, and there was no run."
    )
    reason: str | None = Field(description="Why it ended other than completed.")
    finish_reason: str | None = Field(description=FINISH_REASON)
    can_continue: bool | None = Field(
        description="Whether its run can be continued: it was cut short, and nothing follows it."
    )
    provider: str | None
    model: str | None
    parameters: GenerationParameters | None = Field(description=ASKED_FOR)
    adapted: list[Adapted] | None = Field(description=NOT_TAKEN)
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
    return STATUSES[message.status] if message.HasField("status") else None
