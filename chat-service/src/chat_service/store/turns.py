"""The beginning and the end of a turn in PostgreSQL: a run is admitted, a run is ended."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from chat_service.domain.prompt import PromptMessage, Window
from chat_service.domain.run import Ending, Run, RunStatus
from chat_service.store import statements
from chat_service.usecases.errors import RunInProgress, SessionNotFound
from chat_service.usecases.ports import Admission, NewRun


async def admit_run(connection: AsyncConnection, new: NewRun, window: Window) -> Admission:
    """See `ports.Transaction.admit_run`."""
    parameters: dict[str, Any] = {
        "id": new.id,
        "session_id": new.session_id or new.new_session_id,
        "user_id": new.user_id,
        "tenant_id": new.tenant_id,
        "question_id": new.question_id,
        "answer_id": new.answer_id,
        "content": new.content,
        "title": new.title,
        "provider": new.provider,
        "model": new.model,
        "fallback_model": new.fallback_model,
        "temperature": new.temperature,
        "max_tokens": new.max_tokens,
        "owner": new.owner,
        "created_at": new.created_at,
    }
    if new.session_id is None:
        parameters["key_id"] = new.key_id
        row = await statements.ADMIT_TO_NEW_SESSION.first(connection, **parameters)
        return _admission(new, row, ())
    bounds = {
        "window_messages": window.messages,
        "window_characters": window.characters,
    }
    rows = await statements.ADMIT_TO_SESSION.all(connection, **parameters, **bounds)
    if not rows:
        raise SessionNotFound()
    first = rows[0]
    if first.id is None:
        live = await statements.LIVE_RUN.first(connection, session_id=new.session_id)
        assert live is not None
        raise RunInProgress(live.id)
    if (first.newest or 0) != first.question_order - 1:
        # The statement waited for the session's lock and missed what was saved meanwhile.
        rows = await statements.READ_WINDOW.all(
            connection, session_id=new.session_id, question_id=new.question_id, **bounds
        )
    earlier = tuple(PromptMessage(row.role, row.content) for row in rows if row.role is not None)
    return _admission(new, first, earlier)


def _admission(new: NewRun, row: Any, earlier: tuple[PromptMessage, ...]) -> Admission:
    run = Run(
        id=new.id,
        session_id=new.session_id or new.new_session_id,
        user_id=new.user_id,
        tenant_id=new.tenant_id,
        question_id=new.question_id,
        answer_id=new.answer_id,
        question_order=row.question_order,
        answer_order=row.answer_order,
        provider=new.provider,
        model=row.model,
        temperature=new.temperature,
        max_tokens=new.max_tokens,
        owner=new.owner,
        epoch=1,
        status=RunStatus.RUNNING,
        reason=None,
        last_seq=0,
        usage=None,
        created_at=new.created_at,
        ended_at=None,
    )
    return Admission(row.key_id, run, earlier)


async def end_run(connection: AsyncConnection, run: Run, ending: Ending, at: datetime) -> bool:
    """See `ports.Transaction.end_run`."""
    usage = ending.usage
    ended = await statements.END_RUN.run(
        connection,
        id=run.id,
        session_id=run.session_id,
        epoch=run.epoch,
        status=ending.status.value,
        reason=ending.reason,
        finish_reason=ending.finish_reason,
        last_seq=ending.last_seq,
        content=ending.text,
        reasoning=ending.reasoning or None,
        prompt_tokens=None if usage is None else usage.prompt_tokens,
        completion_tokens=None if usage is None else usage.completion_tokens,
        at=at,
    )
    return ended == 1
