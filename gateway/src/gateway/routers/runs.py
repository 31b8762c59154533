"""Runs: what became of a question, its events from wherever a reader left off, and its end."""

from typing import Annotated, Any, Literal

from fastapi import Header, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.clients import Services
from gateway.identity.authentication import ChatReader, ChatWriter
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.schemas.base import DIGITS, Count, Nothing, Page
from gateway.schemas.chat import FORMS, FormOfAnswers, FormOfEvents
from gateway.schemas.runs import Run, RunResult
from gateway.streams.answers import ANSWERS, REFUSALS, answer
from gateway.streams.frames import begin
from gateway.streams.sse import EventStream
from parley.chat.v1 import chat_pb2 as pb

router = api_router("Chat", "/chat/runs")

_INT64_MAX = 2**63 - 1
_Live = Annotated[
    Literal["true"],
    Query(alias="live", description="Live ones alone can be listed, as they are without it."),
]
_Seq = Annotated[int, Field(ge=0, le=_INT64_MAX), DIGITS]
# A run that says nothing for so long is only silent: its reader gets the response's head.
_PATIENCE_SECONDS = 1.0


@router.get("")
async def list_runs(
    caller: ChatReader, services: Services, _live: _Live = "true", count: Count = False
) -> Page[Run]:
    """List one's live runs, the newest first: all there are, on one page.

    Those that have ended are with their messages.
    """
    runs = services.runs
    response = await runs.ask(runs.stub.ListLiveRuns, pb.ListLiveRunsRequest(), caller)
    return Page[Run].whole([Run.of(run) for run in response.items], count=count)


@router.get("/{run_id}")
async def get_run(
    run_id: str,
    caller: ChatReader,
    services: Services,
    format: FormOfAnswers = "markdown",  # noqa: A002 - the parameter's name
) -> RunResult:
    """Show a run with its question and, once saved, its answer."""
    runs = services.runs
    response = await runs.ask(
        runs.stub.GetRun, pb.GetRunRequest(run_id=run_id, form=FORMS[format]), caller
    )
    return RunResult.of(response)


@router.get(
    "/{run_id}/events",
    response_class=Response,
    openapi_extra=refuses("TOO_MANY_STREAMS"),
    responses={
        200: {
            "description": "The run's events behind `after`, then live ones.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "Nothing is left to send: the run has ended, and all was seen."},
    },
)
async def follow_run(
    run_id: str,
    caller: ChatReader,
    services: Services,
    request: Request,
    after: Annotated[_Seq, Query()] = 0,
    last_event_id: Annotated[_Seq | None, Header()] = None,
    format: FormOfEvents = None,  # noqa: A002 - the parameter's name
) -> Response:
    """Follow the events of a run.

    `Last-Event-ID`, which a browser sends by itself when it connects again, wins over `after`,
    which is part of the address it began with.
    """
    state = request.app.state
    state.requests.check_room(str(caller.user_id))
    frames = services.frames
    batches = frames.follow(
        frames.stub.FollowRun,
        pb.FollowRunRequest(
            run_id=run_id,
            after=after if last_event_id is None else last_event_id,
            form=FORMS[format],
        ),
        caller,
    )
    opening = await begin(batches, patience=_PATIENCE_SECONDS)
    if opening.done() and opening.result() is None:
        return Response(status_code=204)
    return EventStream(
        batches,
        state.requests,
        heartbeat=state.settings.heartbeat_seconds,
        headers={"x-run-id": run_id},
        opening=opening,
    )


@router.post("/{run_id}/cancel", status_code=202, response_class=Response)
async def cancel_run(
    run_id: str, caller: ChatWriter, services: Services, _body: Nothing | None = None
) -> Response:
    """Cancel a run.

    It ends within two seconds, and what there is of its answer is kept. Of no effect on a run that has ended.
    """
    runs = services.runs
    await runs.tell(runs.stub.CancelRun, pb.CancelRunRequest(run_id=run_id), caller)
    return Response(status_code=202)


@router.post(
    "/{run_id}/continue",
    response_model=RunResult,
    responses=ANSWERS,
    openapi_extra=refuses(*REFUSALS, "RUN_NOT_CONTINUABLE"),
)
async def continue_run(
    run_id: str,
    caller: ChatWriter,
    services: Services,
    key: IdempotencyKeyOf,
    request: Request,
    response: Response,
    _body: Nothing | None = None,
) -> Any:
    """Go on with an answer that was cut short.

    Nothing may follow it: interrupted, cancelled, broken off behind its first word, or at the most tokens it might have (`finish_reason` `length`); `can_continue` says so. A new run, the same message: its events begin with a `snapshot` of the text so far.
    """
    wanted = pb.ContinueRunRequest(run_id=run_id)
    return await answer(request, response, services, caller, wanted, key)
