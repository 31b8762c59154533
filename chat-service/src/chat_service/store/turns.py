"""The beginning and the end of a turn in PostgreSQL: a run is admitted, a run is ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database, Scope
from chassis.idempotency import RequestKey
from chat_service.domain.prompt import PromptMessage, Window
from chat_service.domain.run import Ending, Run, RunStatus
from chat_service.store import statements
from chat_service.store.rows import to_run
from chat_service.usecases.errors import RunInProgress, SessionNotFound, TooManyRuns
from chat_service.usecases.ports import Admission, NewRun, RepeatedRequest


class PostgresTurns:
    """The port `Turns`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def admit_at_once(
        self, new: NewRun, window: Window, runs_per_user: int, guessed_key_id: UUID | None
    ) -> Admission | None:
        rows = await self._database.all(
            Scope(new.tenant_id, new.user_id),
            statements.ADMIT_AT_ONCE,
            **_of_new(new, runs_per_user),
            **_bounds(window),
            own_key=new.key_id is not None,
            guessed_key_id=guessed_key_id,
        )
        if not rows or rows[0].id is None:
            return None
        return _admission(new, rows[0], _earlier(rows))

    async def end_run(self, run: Run, ending: Ending, at: datetime) -> bool:
        ended = await self._database.run(
            Scope(run.tenant_id, run.user_id), statements.END_RUN, **of_ending(run, ending, at)
        )
        return ended == 1


async def admit_run(
    connection: AsyncConnection, new: NewRun, window: Window, runs_per_user: int
) -> Admission:
    """See `ports.Transaction.admit_run`."""
    parameters = _of_new(new, runs_per_user)
    if new.session_id is None:
        parameters["key_id"] = new.key_id
        row = await statements.ADMIT_TO_NEW_SESSION.first(connection, **parameters)
        if row is None:
            await _refuse(connection, new.user_id, new.new_session_id, new.request)
        return _admission(new, row, ())
    bounds = _bounds(window)
    rows = await statements.ADMIT_TO_SESSION.all(connection, **parameters, **bounds)
    if not rows:
        raise SessionNotFound()
    first = rows[0]
    if first.id is None:
        await _refuse(connection, new.user_id, new.session_id, new.request)
    if first.newest != first.question_order - 1:
        # The statement waited for the session's lock and missed what was saved meanwhile.
        rows = await statements.READ_WINDOW.all(
            connection, session_id=new.session_id, question_id=new.question_id, **bounds
        )
    return _admission(new, first, _earlier(rows))


def _of_new(new: NewRun, runs_per_user: int) -> dict[str, Any]:
    return {
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
        "runs_per_user": runs_per_user,
        **_of_request(new.request),
    }


def _bounds(window: Window) -> dict[str, Any]:
    return {"window_messages": window.messages, "window_characters": window.characters}


def _earlier(rows: Sequence[Any]) -> tuple[PromptMessage, ...]:
    return tuple(PromptMessage(row.role, row.content) for row in rows if row.role is not None)


def _of_request(request: RequestKey | None) -> dict[str, object]:
    return {
        "idempotency_key": None if request is None else request.key,
        "request_hash": None if request is None else request.request_hash,
    }


async def _refuse(
    connection: AsyncConnection, user_id: UUID, session_id: UUID, request: RequestKey | None
) -> NoReturn:
    """Raises what kept a run from being stored: its own request comes first, then a live run."""
    if request is not None and (run := await find_run_of(connection, user_id, request)):
        raise RepeatedRequest(run)
    live = await statements.LIVE_RUN.first(connection, session_id=session_id)
    raise TooManyRuns() if live is None else RunInProgress(live.id)


async def find_run_of(
    connection: AsyncConnection, user_id: UUID, request: RequestKey
) -> Run | None:
    """See `ports.Transaction.find_run_of`."""
    row = await statements.RUN_OF_KEY.first(
        connection, user_id=user_id, idempotency_key=request.key
    )
    if row is None:
        return None
    request.check(row.request_hash)
    return to_run(row)


async def read_window(
    connection: AsyncConnection, session_id: UUID, before: int, window: Window
) -> tuple[PromptMessage, ...]:
    """See `ports.Transaction.read_window`."""
    rows = await statements.READ_WINDOW_BEFORE.all(
        connection,
        session_id=session_id,
        before=before,
        **_bounds(window),
    )
    return tuple(PromptMessage(row.role, row.content) for row in rows)


async def admit_continuation(
    connection: AsyncConnection, run: Run, request: RequestKey | None, runs_per_user: int
) -> None:
    """See `ports.Transaction.admit_continuation`."""
    admitted = await statements.ADMIT_CONTINUATION.run(
        connection,
        id=run.id,
        session_id=run.session_id,
        tenant_id=run.tenant_id,
        user_id=run.user_id,
        question_id=run.question_id,
        answer_id=run.answer_id,
        question_order=run.question_order,
        answer_order=run.answer_order,
        provider=run.provider,
        model=run.model,
        temperature=run.temperature,
        max_tokens=run.max_tokens,
        owner=run.owner,
        created_at=run.created_at,
        continues=run.continues,
        runs_per_user=runs_per_user,
        **_of_request(request),
    )
    if not admitted:
        await _refuse(connection, run.user_id, run.session_id, request)


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


def of_ending(run: Run, ending: Ending, at: datetime) -> dict[str, Any]:
    """What END_RUN wants to know."""
    usage = ending.usage
    return {
        "id": run.id,
        "session_id": run.session_id,
        "epoch": run.epoch,
        "status": ending.status.value,
        "reason": ending.reason,
        "finish_reason": ending.finish_reason,
        "last_seq": ending.last_seq,
        "content": ending.text,
        "reasoning": ending.reasoning or None,
        "prompt_tokens": None if usage is None else usage.prompt_tokens,
        "completion_tokens": None if usage is None else usage.completion_tokens,
        "at": at,
    }
