"""Rows, as `Statement` returns them, into what they stand for."""

from typing import Any

import orjson

from chat_service.answer.domain.ending import Adapted, CacheState, FellBack, RunStatus, Usage
from chat_service.conversations.domain.message import Message, Role
from chat_service.conversations.domain.session import Gave, Session, TitleBy
from chat_service.files.store.attachments import to_attachments
from servicekit.generation_parameters import GenerationParameters


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
        pinned=row.pinned,
        title_by=TitleBy(row.title_by),
        parameters=GenerationParameters.of(row.parameters or {}),
        instructions=row.instructions,
        folder=row.folder,
        archived_at=row.archived_at,
        deleted_at=row.deleted_at,
        temporary=row.temporary,
        read_order=row.read_order,
        unread=bool(row.unread),
        persona=row.persona,
        persona_gave=to_gave(row.persona_gave),
        summary=row.summary,
    )


def to_gave(stored: dict[str, Any] | None) -> Gave:
    if stored is None:
        return Gave()
    return Gave(stored["model"], GenerationParameters.of(stored["parameters"]))


def gave_json(gave: Gave) -> str | None:
    """As `to_gave` reads it."""
    if gave == Gave():
        return None
    return orjson.dumps({"model": gave.model, "parameters": gave.parameters.said()}).decode()


def to_message(row: Any) -> Message:
    status = None if row.status is None else RunStatus(row.status)
    return Message(
        id=row.id,
        session_id=row.session_id,
        role=Role(row.role),
        content=row.content,
        order=row.order,
        run_id=row.run_id,
        status=status,
        provider=row.provider,
        model=row.model,
        reasoning=row.reasoning,
        usage=to_usage(row),
        created_at=row.created_at,
        finish_reason=row.finish_reason,
        # A version that does not know the column leaves it when it completes what was cut short.
        reason=None if status is RunStatus.COMPLETED else row.reason,
        parameters=None if row.parameters is None else GenerationParameters.of(row.parameters),
        fell_back=to_fell_back(row),
        adapted=to_adapted(row),
        cached=to_cache(row) is CacheState.HIT,
        parent_id=row.parent_id,
        parent_order=row.order - 1 if row.parent_order is None else row.parent_order,
        chosen=row.chosen,
        followed=row.followed,
        variants=tuple(row.variants),
        attachments=to_attachments(row.attachments),
    )


def to_fell_back(row: Any) -> FellBack | None:
    if row.fallback_reason is None:
        return None
    return FellBack(row.fallback_from, row.fallback_reason)


def to_usage(row: Any) -> Usage | None:
    if row.prompt_tokens is None or row.completion_tokens is None:
        return None
    return Usage(row.prompt_tokens, row.completion_tokens, row.cached_tokens, row.reasoning_tokens)


def to_adapted(row: Any) -> tuple[Adapted, ...]:
    return tuple(Adapted(one["parameter"], one["use"]) for one in row.adapted or ())


def to_cache(row: Any) -> CacheState:
    return CacheState.OFF if row.cache is None else CacheState(row.cache)
