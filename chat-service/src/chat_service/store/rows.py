"""Rows, as `Statement` returns them, into what they stand for."""

from typing import Any

from chat_service.domain.message import Message, Role
from chat_service.domain.run import Run, RunStatus, Usage, known_finish_reason
from chat_service.domain.session import Session


def to_session(row: Any) -> Session:
    return Session(
        id=row.id,
        title=row.title,
        key_id=row.key_id,
        model=row.model,
        message_count=row.message_count,
        last_message_at=row.last_message_at,
        active_at=row.active_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def to_message(row: Any) -> Message:
    return Message(
        id=row.id,
        session_id=row.session_id,
        role=Role(row.role),
        content=row.content,
        order=row.order,
        run_id=row.run_id,
        status=None if row.status is None else RunStatus(row.status),
        provider=row.provider,
        model=row.model,
        reasoning=row.reasoning,
        usage=_usage(row),
        created_at=row.created_at,
    )


def to_run(row: Any) -> Run:
    return Run(
        id=row.id,
        session_id=row.session_id,
        user_id=row.user_id,
        tenant_id=row.tenant_id,
        question_id=row.question_id,
        answer_id=row.answer_id,
        question_order=row.question_order,
        answer_order=row.answer_order,
        provider=row.provider,
        model=row.model,
        temperature=row.temperature,
        max_tokens=row.max_tokens,
        owner=row.owner,
        epoch=row.epoch,
        status=RunStatus(row.status),
        reason=row.reason,
        last_seq=row.last_seq,
        usage=_usage(row),
        created_at=row.created_at,
        ended_at=row.ended_at,
        # Rows of earlier versions have it as the provider said it.
        finish_reason=known_finish_reason(row.finish_reason),
        cancel_requested=row.cancel_requested,
        continues=row.continues,
    )


def _usage(row: Any) -> Usage | None:
    if row.prompt_tokens is None or row.completion_tokens is None:
        return None
    return Usage(row.prompt_tokens, row.completion_tokens)
