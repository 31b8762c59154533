"""What the domain says, in the words of the contract."""

from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from chat_service.domain.message import Message, Role
from chat_service.domain.run import Run, RunStatus, Usage
from chat_service.domain.session import Session
from parley.chat.v1 import chat_pb2

_ROLES = {
    Role.USER: chat_pb2.MESSAGE_ROLE_USER,
    Role.ASSISTANT: chat_pb2.MESSAGE_ROLE_ASSISTANT,
    Role.SYSTEM: chat_pb2.MESSAGE_ROLE_SYSTEM,
}
_STATUSES = {
    RunStatus.RUNNING: chat_pb2.RUN_STATUS_RUNNING,
    RunStatus.COMPLETED: chat_pb2.RUN_STATUS_COMPLETED,
    RunStatus.CANCELLED: chat_pb2.RUN_STATUS_CANCELLED,
    RunStatus.INTERRUPTED: chat_pb2.RUN_STATUS_INTERRUPTED,
    RunStatus.FAILED: chat_pb2.RUN_STATUS_FAILED,
}


def session_to_proto(session: Session) -> chat_pb2.Session:
    return chat_pb2.Session(
        id=str(session.id),
        title=session.title,
        key_id=None if session.key_id is None else str(session.key_id),
        model=session.model,
        message_count=session.message_count,
        last_message_at=_timestamp(session.last_message_at),
        created_at=_timestamp(session.created_at),
        updated_at=_timestamp(session.updated_at),
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
        key_id=UUID(message.key_id) if message.HasField("key_id") else None,
        model=message.model if message.HasField("model") else None,
        message_count=0,
        last_message_at=None,
        active_at=created_at,
        created_at=created_at,
        updated_at=message.updated_at.ToDatetime(tzinfo=UTC),
    )


def message_to_proto(message: Message) -> chat_pb2.Message:
    return chat_pb2.Message(
        id=str(message.id),
        session_id=str(message.session_id),
        role=_ROLES[message.role],
        content=message.content,
        order=message.order,
        run_id=None if message.run_id is None else str(message.run_id),
        status=None if message.status is None else _STATUSES[message.status],
        provider=message.provider,
        model=message.model,
        reasoning=message.reasoning,
        usage=_usage(message.usage),
        created_at=_timestamp(message.created_at),
    )


def run_to_proto(run: Run) -> chat_pb2.Run:
    return chat_pb2.Run(
        id=str(run.id),
        session_id=str(run.session_id),
        question_id=str(run.question_id),
        answer_id=str(run.answer_id),
        status=_STATUSES[run.status],
        reason=run.reason,
        provider=run.provider,
        model=run.model,
        last_seq=run.last_seq,
        usage=_usage(run.usage),
        created_at=_timestamp(run.created_at),
        ended_at=_timestamp(run.ended_at),
    )


def accepted_to_proto(run: Run) -> chat_pb2.RunAccepted:
    return chat_pb2.RunAccepted(
        run_id=str(run.id),
        session_id=str(run.session_id),
        question_id=str(run.question_id),
        answer_id=str(run.answer_id),
    )


def _usage(usage: Usage | None) -> chat_pb2.Usage | None:
    if usage is None:
        return None
    return chat_pb2.Usage(
        prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens
    )


def _timestamp(at: datetime | None) -> Timestamp | None:
    if at is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(at)
    return timestamp
