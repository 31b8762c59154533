"""Conversations and messages in the words of the contract."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import FieldError, ValidationFailed
from chassis.ids import parse_named_id
from chat_service.answer.domain.ending import Adapted, FellBack, RunStatus, Usage
from chat_service.answer.domain.form import TextForm
from chat_service.conversations.domain.listing import Wanted
from chat_service.conversations.domain.message import Message, Role
from chat_service.conversations.domain.session import (
    UNCHANGED,
    NewSession,
    Session,
    SessionChange,
    SessionState,
    TitleBy,
    Unchanged,
)
from chat_service.files.domain.attachment import Attachment
from chat_service.personas.domain.persona import Told
from chat_service.providers.domain.errors import KeyNotFound
from parley.chat.v1 import chat_pb2
from servicekit.generation_messages import parameters_from_proto, parameters_to_proto
from servicekit.timestamps import timestamp_of

ROLES = {
    Role.USER: chat_pb2.MESSAGE_ROLE_USER,
    Role.ASSISTANT: chat_pb2.MESSAGE_ROLE_ASSISTANT,
    Role.SYSTEM: chat_pb2.MESSAGE_ROLE_SYSTEM,
}
STATUSES = {
    RunStatus.RUNNING: chat_pb2.RUN_STATUS_RUNNING,
    RunStatus.COMPLETED: chat_pb2.RUN_STATUS_COMPLETED,
    RunStatus.CANCELLED: chat_pb2.RUN_STATUS_CANCELLED,
    RunStatus.INTERRUPTED: chat_pb2.RUN_STATUS_INTERRUPTED,
    RunStatus.FAILED: chat_pb2.RUN_STATUS_FAILED,
}


_TITLE_BY = {
    TitleBy.FIRST_LINE: chat_pb2.TITLE_BY_FIRST_LINE,
    TitleBy.MODEL: chat_pb2.TITLE_BY_MODEL,
    TitleBy.USER: chat_pb2.TITLE_BY_USER,
}
_STATES = {
    chat_pb2.SESSION_STATE_UNSPECIFIED: SessionState.ACTIVE,
    chat_pb2.SESSION_STATE_ACTIVE: SessionState.ACTIVE,
    chat_pb2.SESSION_STATE_ARCHIVED: SessionState.ARCHIVED,
    chat_pb2.SESSION_STATE_DELETED: SessionState.DELETED,
}


def session_to_proto(session: Session) -> chat_pb2.Session:
    return chat_pb2.Session(
        id=str(session.id),
        title=session.title,
        key_id=None if session.key_id is None else str(session.key_id),
        model=session.model,
        message_count=session.message_count,
        last_message_at=timestamp_to_proto(session.last_message_at),
        created_at=timestamp_to_proto(session.created_at),
        updated_at=timestamp_to_proto(session.updated_at),
        pinned=session.pinned,
        parameters=parameters_to_proto(session.parameters),
        instructions=session.instructions,
        folder=session.folder,
        archived_at=timestamp_to_proto(session.archived_at),
        deleted_at=timestamp_to_proto(session.deleted_at),
        temporary=session.temporary,
        read_order=session.read_order,
        unread=session.unread,
        persona=session.persona,
        title_by=_TITLE_BY[session.title_by],
        summary=session.summary,
    )


def new_session_from_proto(request: chat_pb2.CreateSessionRequest) -> NewSession:
    """Raises KeyNotFound for what is the id of no connection."""
    return NewSession(
        title=request.title,
        key_id=parse_named_id(request.key_id, KeyNotFound) if request.HasField("key_id") else None,
        model=request.model if request.HasField("model") else None,
        parameters=parameters_from_proto(request.parameters),
        instructions=request.instructions or None,
        folder=request.folder if request.HasField("folder") else None,
        temporary=request.temporary,
        summary=request.summary,
    )


def encode_session(session: Session) -> bytes:
    return session_to_proto(session).SerializeToString()


def decode_session(content: bytes) -> Session:
    """The session that `encode_session` was given when it had just been made."""
    message = chat_pb2.Session.FromString(content)
    created_at = message.created_at.ToDatetime(tzinfo=UTC)
    return Session(
        id=UUID(message.id),
        title=message.title,
        title_by=TitleBy.of(message.title),
        key_id=UUID(message.key_id) if message.HasField("key_id") else None,
        model=message.model if message.HasField("model") else None,
        parameters=parameters_from_proto(message.parameters),
        instructions=message.instructions if message.HasField("instructions") else None,
        folder=message.folder if message.HasField("folder") else None,
        temporary=message.temporary,
        summary=message.summary,
        persona=message.persona if message.HasField("persona") else None,
        message_count=0,
        last_message_at=None,
        active_at=created_at,
        created_at=created_at,
        updated_at=message.updated_at.ToDatetime(tzinfo=UTC),
    )


def change_from_proto(
    request: chat_pb2.UpdateSessionRequest, persona: Told | Unchanged | None
) -> SessionChange:
    """Raises KeyNotFound for a key's id that is none; `persona` is the one that the request names."""

    def said(field: str) -> bool:
        return request.HasField(field)  # type: ignore[arg-type]  # its name is not known here

    def text(field: str) -> str | Unchanged | None:
        # Empty: none.
        return (getattr(request, field) or None) if said(field) else UNCHANGED

    key_id = text("key_id")
    return SessionChange(
        title=request.title if said("title") else UNCHANGED,
        key_id=parse_named_id(key_id, KeyNotFound) if isinstance(key_id, str) else key_id,
        model=text("model"),
        parameters=parameters_from_proto(request.parameters),
        cleared=frozenset(request.cleared_parameters),
        instructions=text("instructions"),
        pinned=request.pinned if said("pinned") else UNCHANGED,
        folder=text("folder"),
        persona=persona,
        archived=request.archived if said("archived") else UNCHANGED,
        read_order=request.read_order if said("read_order") else UNCHANGED,
        summary=request.summary if said("summary") else UNCHANGED,
    )


def wanted_from_proto(request: chat_pb2.ListSessionsRequest) -> Wanted:
    """Raises ValidationFailed for a state that this version does not know."""
    state = _STATES.get(request.state)
    if state is None:
        raise ValidationFailed(fields=[FieldError("state", "UNKNOWN")])
    return Wanted(
        state=state,
        folder=request.folder if request.HasField("folder") else None,
        pinned=request.pinned if request.HasField("pinned") else None,
        temporary=request.temporary,
    )


_FORMS = {
    chat_pb2.TEXT_FORM_UNSPECIFIED: TextForm.MARKDOWN,
    chat_pb2.TEXT_FORM_MARKDOWN: TextForm.MARKDOWN,
    chat_pb2.TEXT_FORM_PLAIN: TextForm.TEXT,
}


def form_from_proto(
    form: chat_pb2.TextForm.ValueType, unsaid: TextForm = TextForm.MARKDOWN
) -> TextForm:
    """Raises ValidationFailed for a form that this version does not know."""
    if form == chat_pb2.TEXT_FORM_UNSPECIFIED:
        return unsaid
    known = _FORMS.get(form)
    if known is None:
        raise ValidationFailed(fields=[FieldError("format", "UNKNOWN")])
    return known


def message_to_proto(message: Message) -> chat_pb2.Message:
    return chat_pb2.Message(
        id=str(message.id),
        session_id=str(message.session_id),
        role=ROLES[message.role],
        content=message.content,
        order=message.order,
        run_id=None if message.run_id is None else str(message.run_id),
        status=None if message.status is None else STATUSES[message.status],
        provider=message.provider,
        model=message.model,
        reasoning=message.reasoning,
        usage=usage_to_proto(message.usage),
        created_at=timestamp_to_proto(message.created_at),
        finish_reason=message.finish_reason,
        reason=message.reason,
        parameters=(
            None if message.parameters is None else parameters_to_proto(message.parameters)
        ),
        can_continue=message.can_continue,
        fallback=fallback_to_proto(message.fell_back),
        adapted=adapted_to_proto(message.adapted),
        cached=message.cached,
        parent_id=None if message.parent_id is None else str(message.parent_id),
        chosen=message.chosen,
        variants=chat_pb2.Variants(
            index=message.variants.index(message.id), ids=[str(one) for one in message.variants]
        ),
        edited=message.edited,
        attachments=[attachment_to_proto(one) for one in message.attachments],
    )


def attachment_to_proto(attachment: Attachment) -> chat_pb2.Attachment:
    return chat_pb2.Attachment(
        file_id=str(attachment.id),
        name=attachment.name,
        kind=attachment.kind,
        size=attachment.size,
        deleted=not attachment.is_there,
    )


def encode_id(one: UUID) -> bytes:
    return one.bytes


def decode_id(content: bytes) -> UUID:
    return UUID(bytes=content)


def fallback_to_proto(fell_back: FellBack | None) -> chat_pb2.Fallback | None:
    if fell_back is None:
        return None
    key_id = fell_back.from_key_id
    return chat_pb2.Fallback(
        from_key_id=None if key_id is None else str(key_id), reason=fell_back.reason
    )


def usage_to_proto(usage: Usage | None) -> chat_pb2.Usage | None:
    if usage is None:
        return None
    return chat_pb2.Usage(**usage.said())


def adapted_to_proto(adapted: Iterable[Adapted]) -> list[chat_pb2.Adapted]:
    return [chat_pb2.Adapted(parameter=one.parameter, use=one.use) for one in adapted]


def timestamp_to_proto(at: datetime | None) -> Timestamp | None:
    return None if at is None else timestamp_of(at)
