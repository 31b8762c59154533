"""Rows of runs, as `Statement` returns them, into what they stand for."""

from typing import Any

from chat_service.answer.domain.ending import RunStatus, known_finish_reason
from chat_service.answer.domain.form import TextForm
from chat_service.conversations.store.rows import to_adapted, to_cache, to_fell_back, to_usage
from chat_service.runs.domain.run import Run, Turn
from servicekit.generation_parameters import GenerationParameters


def to_run(row: Any) -> Run:
    return Run(
        id=row.id,
        user_id=row.user_id,
        tenant_id=row.tenant_id,
        turn=_turn(row),
        provider=row.provider,
        model=row.model,
        parameters=_parameters(row),
        owner=row.owner,
        epoch=row.epoch,
        status=RunStatus(row.status),
        reason=row.reason,
        # Rows of earlier versions have it as the provider said it.
        finish_reason=known_finish_reason(row.finish_reason),
        last_seq=row.last_seq,
        usage=to_usage(row),
        created_at=row.created_at,
        ended_at=row.ended_at,
        cancel_requested=row.cancel_requested,
        continues=row.continues,
        key_id=row.key_id,
        metered=row.metered,
        fell_back=to_fell_back(row),
        adapted=to_adapted(row),
        cache=to_cache(row),
        form=TextForm.MARKDOWN if row.form is None else TextForm(row.form),
    )


def _turn(row: Any) -> Turn | None:
    if row.session_id is None:
        return None
    return Turn(
        session_id=row.session_id,
        question_id=row.question_id,
        answer_id=row.answer_id,
        question_order=row.question_order,
        answer_order=row.answer_order,
    )


def _parameters(row: Any) -> GenerationParameters:
    if row.parameters is not None:
        return GenerationParameters.of(row.parameters)
    # Written by a version that had a column for each.
    return GenerationParameters(temperature=row.temperature, max_tokens=row.max_tokens)
