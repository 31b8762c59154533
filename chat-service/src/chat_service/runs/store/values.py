"""What the statements of a turn are given, and what they return."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from chassis.idempotency import RequestKey
from chat_service.answer.domain.ending import CacheState, Ending
from chat_service.answer.domain.form import TextForm
from chat_service.conversations.domain.session import Gave, given_by
from chat_service.conversations.store.rows import gave_json
from chat_service.files.domain.attachment import Attachment
from chat_service.files.store.attachments import to_attachments
from chat_service.prompt.room import ContextWindow
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.admission import Admission, NewRun
from chat_service.runs.domain.run import Run, Turn
from chat_service.usage.domain.periods import utc_day
from chat_service.usage.domain.rules import Bounds
from chat_service.usage.domain.spent import Cost, Purpose, Tokens
from chat_service.usage.store.ledger import values_of_answer, values_of_bounds
from servicekit.generation_parameters import GenerationParameters


def of_new(new: NewRun, runs_per_user: int) -> dict[str, Any]:
    question = new.question
    return {
        "id": new.id,
        "session_id": new.session_id,
        "user_id": new.user_id,
        "tenant_id": new.tenant_id,
        "question_id": new.question_id,
        "answer_id": new.answer_id,
        "content": question.content,
        "title": new.title,
        "provider": new.provider,
        "model": question.model,
        "fallback_model": new.fallback_model,
        "open_models": list(new.open_models) or None,
        "owner": new.owner,
        "created_at": new.created_at,
        "runs_per_user": runs_per_user,
        **_of_connection(new.key_id, new.metered, new.bounds, new.created_at),
        "defaults": _json(new.defaults),
        "wishes": _json(question.parameters),
        "form": _form(question.form),
        **_older(new.parameters),
        **_of_request(question.request),
    }


def of_new_session(new: NewRun) -> dict[str, Any]:
    """What ADMIT_TO_NEW_SESSION wants to know besides."""
    persona = new.persona
    gave = Gave() if persona is None else given_by(persona, model=new.question.model)
    return {
        "key_id": new.question.key_id,
        "session_model": new.question.model or gave.model,
        "persona": None if persona is None else persona.name,
        "persona_prompt": None if persona is None else persona.prompt,
        "persona_gave": gave_json(gave),
        "session_parameters": _json(gave.parameters) if gave.parameters.said() else None,
    }


def of_continuation(
    run: Run, request: RequestKey | None, runs_per_user: int, bounds: Bounds
) -> dict[str, Any]:
    return {
        "id": run.id,
        "session_id": run.session_id,
        "tenant_id": run.tenant_id,
        "user_id": run.user_id,
        "question_id": run.question_id,
        "answer_id": run.answer_id,
        "question_order": run.question_order,
        "answer_order": run.answer_order,
        "provider": run.provider,
        "model": run.model,
        "owner": run.owner,
        "created_at": run.created_at,
        "continues": run.continues,
        "runs_per_user": runs_per_user,
        **_of_connection(run.key_id, run.metered, bounds, run.created_at),
        "form": _form(run.form),
        **_of_parameters(run.parameters),
        **_of_request(request),
    }


def of_fallback(run: Run) -> dict[str, Any]:
    """What NOTE_FALLBACK wants to know."""
    first = run.fell_back
    return {
        "id": run.id,
        "user_id": run.user_id,
        "epoch": run.epoch,
        "provider": run.provider,
        "model": run.model,
        "connection_id": run.key_id,
        "metered": run.metered,
        "fallback_from": None if first is None else first.from_key_id,
        "fallback_reason": None if first is None else first.reason,
        **_of_parameters(run.parameters),
    }


def of_ending(run: Run, ending: Ending, at: datetime, tokens: Tokens, cost: Cost) -> dict[str, Any]:
    """What END_LONE_RUN wants to know."""
    usage = ending.usage
    first, answered = ending.fallbacks[:1], ending.fallbacks[-1:]
    return {
        "id": run.id,
        "user_id": run.user_id,
        "epoch": run.epoch,
        "status": ending.status.value,
        "reason": ending.reason,
        "finish_reason": ending.finish_reason,
        "last_seq": ending.last_seq,
        "prompt_tokens": None if usage is None else usage.prompt_tokens,
        "completion_tokens": None if usage is None else usage.completion_tokens,
        "cached_tokens": None if usage is None else usage.cached_tokens,
        "reasoning_tokens": None if usage is None else usage.reasoning_tokens,
        "adapted": orjson.dumps(ending.adapted).decode() if ending.adapted else None,
        "cache": None if ending.cache is CacheState.OFF else ending.cache.value,
        "at": at,
        **_of_use(run, ending, at, tokens, cost),
        "answered_provider": answered[0].provider if answered else None,
        "answered_model": answered[0].model if answered else None,
        "answered_key_id": answered[0].key_id if answered else None,
        "answered_metered": answered[0].metered if answered else None,
        "fallback_from": first[0].from_key_id if first else None,
        "fallback_reason": first[0].reason if first else None,
    }


def of_deleted(
    run: Run, ending: Ending, at: datetime, tokens: Tokens, cost: Cost
) -> dict[str, Any]:
    """What COUNT_DELETED wants to know: the last connection is the one that answered."""
    answered = ending.fallbacks[-1] if ending.fallbacks else run
    return {
        "id": run.id,
        "user_id": run.user_id,
        "epoch": run.epoch,
        "key_id": answered.key_id,
        "provider": answered.provider,
        "model": answered.model,
        "metered": answered.metered,
        **_of_use(run, ending, at, tokens, cost),
    }


def _of_use(run: Run, ending: Ending, at: datetime, tokens: Tokens, cost: Cost) -> dict[str, Any]:
    return {
        "day": utc_day(at),
        "purpose": (Purpose.CACHED if ending.cache is CacheState.HIT else Purpose.ANSWER).value,
        **values_of_answer(
            ending.status, tokens, cost, seconds=(at - run.created_at).total_seconds()
        ),
    }


def of_answer(run: Run, ending: Ending, at: datetime, tokens: Tokens, cost: Cost) -> dict[str, Any]:
    """What END_RUN wants to know."""
    return {
        **of_ending(run, ending, at, tokens, cost),
        "session_id": run.session_id,
        "content": ending.text,
        "reasoning": ending.reasoning or None,
        "context": None if run.context is None else run.context.to_json(),
    }


# Of each pair that a model may be shown so many messages are read, since some are joined into one.
_MESSAGES_OF_A_PAIR = 4


def of_window(window: ContextWindow) -> dict[str, Any]:
    return {
        "window_messages": window.pairs * _MESSAGES_OF_A_PAIR,
        "window_characters": window.characters,
    }


def _of_connection(
    key_id: UUID | None, metered: bool, bounds: Bounds, at: datetime
) -> dict[str, Any]:
    told = values_of_bounds(bounds, key_id, at) if bounds.are_any else {}
    return {**told, "connection_id": key_id, "metered": metered}


# What the two columns hold where nothing was said: they take no nulls, and are read by versions
# that know no other, which asked every model server for this.
_OLDER = GenerationParameters(temperature=0.7, max_tokens=2048)


def _of_parameters(parameters: GenerationParameters) -> dict[str, Any]:
    return {"parameters": _json(parameters), **_older(parameters)}


def _older(parameters: GenerationParameters) -> dict[str, Any]:
    whole = parameters.over(_OLDER)
    return {"temperature": whole.temperature, "max_tokens": whole.max_tokens}


def _form(form: TextForm) -> str | None:
    return None if form is TextForm.MARKDOWN else form.value


def _json(parameters: GenerationParameters) -> str:
    return orjson.dumps(parameters.said()).decode()


def _of_request(request: RequestKey | None) -> dict[str, object]:
    return {
        "idempotency_key": None if request is None else request.key,
        "request_hash": None if request is None else request.request_hash,
    }


def earlier_in(rows: Sequence[Any]) -> tuple[PromptMessage, ...]:
    """What the model is told in each turn, what sums up the conversation, and the messages of the window.

    A row without a role stands for none of these; one without an order is no message.
    """
    return tuple(
        PromptMessage(row.role, row.content, (row.order,) if row.order else ())
        for row in rows
        if row.role is not None
    )


def attached_in(rows: Sequence[Any]) -> dict[int, tuple[Attachment, ...]]:
    """What is attached to the messages of the window, by their order."""
    return {
        row.order: to_attachments(row.attachments) for row in rows if row.attachments is not None
    }


def admission(new: NewRun, rows: Sequence[Any]) -> Admission:
    row = rows[0]
    parameters, wishes = new.parameters, new.question.parameters
    if row.session_parameters is not None:
        parameters = GenerationParameters.of(row.run_parameters)
        wishes = wishes.over(GenerationParameters.of(row.session_parameters))
    run = Run(
        id=new.id,
        user_id=new.user_id,
        tenant_id=new.tenant_id,
        turn=Turn(
            session_id=new.session_id,
            question_id=new.question_id,
            answer_id=new.answer_id,
            question_order=row.question_order,
            answer_order=row.answer_order,
        ),
        provider=new.provider,
        model=row.model,
        parameters=parameters,
        owner=new.owner,
        created_at=new.created_at,
        key_id=new.key_id,
        metered=new.metered,
        role=new.role,
        wants_title=row.wants_title,
        sums_up=row.sums_up,
        temporary=row.temporary,
    )
    return Admission(row.key_id, run, earlier_in(rows), wishes, attached_in(rows))
