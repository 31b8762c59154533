"""Answers to what begins a run: its events as they come, or the whole once it has ended."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from chassis.caller import Caller
from chassis.errors import AppError, Kind, Unauthenticated, Unavailable
from gateway import problems
from gateway.clients import Clients
from gateway.edge.accept import wants_events
from gateway.schemas.runs import RunResult
from gateway.streams.failures import STATUSES, beside, reason_of, status_of, unanswered, waiting
from gateway.streams.frame_channels import Asking, FrameChannels
from gateway.streams.frames import TERMINAL, Batch, FrameLike
from gateway.streams.presence import ClientGone, End, LongRequests, ShuttingDown, TokenOutlived
from gateway.streams.sse import EventStream
from parley.chat.v1 import chat_pb2 as pb

# What begins a run answers so, for the API's own documents.
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The run's events as they come, if `text/event-stream` is accepted; "
        "otherwise the run once it has ended, if there is text of its answer; `run.status` says whether "
        "that is whole.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "headers": {"X-Run-ID": {"schema": {"type": "string"}}},
    }
}
# Why it is not begun, or why there is no answer.
REFUSALS = (
    "NO_KEY",
    "KEY_NOT_FOUND",
    "KEY_UNREADABLE",
    "RUN_IN_PROGRESS",
    "ALLOWANCE_USED_UP",
    "USAGE_LIMIT_REACHED",
    "TOO_MANY_QUESTIONS",
    "TOO_MANY_RUNS",
    "TOO_MANY_STREAMS",
    "WORD_REFUSED",
    "FILE_NOT_FOUND",
    *(reason for reason, status in STATUSES.items() if status < 500),
)


class RunOutOfSight(Unavailable):
    reason = "RUN_OUT_OF_SIGHT"
    detail = "The question was taken, but its answer cannot be followed just now: ask for the run."


class AnswerDeleted(AppError):
    kind = Kind.NOT_FOUND
    reason = "RUN_NOT_FOUND"
    detail = "The question, or its conversation, was deleted while this was being answered."


async def answer(
    request: Request,
    response: Response,
    services: Clients,
    caller: Caller,
    asking: Asking,
    key: str | None,
) -> Response | RunResult:
    """Begin a run, and answer with what becomes of it. Raises AppError if it is not accepted.

    Whoever waits for the whole gets 200 only with text of an answer: one that completed, or was cut
    short. A run that failed, or has no text, is a problem.
    """
    state = request.app.state
    if wants_events(request):
        state.requests.check_room(str(caller.user_id))
    frame_channels: FrameChannels = state.frame_channels
    # A refusal is a plain problem: nothing has been sent yet.
    begun = await frame_channels.begin(asking, caller, key)
    run_id = begun.run.run_id
    headers = {"x-run-id": run_id}
    if wants_events(request):
        return EventStream(
            begun.batches,
            state.requests,
            heartbeat=state.settings.heartbeat_seconds,
            headers=headers,
        )
    async with aclosing(begun.batches) as batches:
        end = await end_of_run(request, state.requests, run_id, batches)
    if end.event == "error":
        return failure(end.data, headers)
    runs = services.runs
    form = asking.form if isinstance(asking, pb.StartRunRequest) else pb.TEXT_FORM_UNSPECIFIED
    wanted = pb.GetRunRequest(run_id=run_id, form=form)
    try:
        result = RunResult.of(await runs.ask(runs.stub.GetRun, wanted, caller))
    except AppError as error:
        if error.kind is Kind.NOT_FOUND:
            raise AnswerDeleted() from error
        raise
    if result.run.status == "running":
        # It has ended, and the database has not heard of it yet.
        raise RunOutOfSight(metadata={"run_id": run_id})
    if result.answer is None or not result.answer.content.strip():
        reason, detail = unanswered(result.run.status, result.run.reason)
        return problems.document(502, reason, detail, headers=headers)
    response.headers.update(headers)
    return result


async def end_of_run(
    request: Request,
    requests: LongRequests,
    run_id: str,
    batches: AsyncIterator[Batch],
) -> FrameLike:
    """The run's terminal frame, once it has come.

    Raises ClientGone, ShuttingDown when the server is being stopped, Unauthenticated when the token is
    revoked, TokenOutlived, and RunOutOfSight when the stream breaks off; the run goes on in each
    case. And AnswerDeleted of a run that is gone with its conversation: to ask for it again would not help.
    """
    end: FrameLike | None = None
    presence = requests.hold(request.receive, request.state.verified)
    async with presence:
        try:
            while end is None:
                end = _terminal(await anext(batches))
        except (AppError, StopAsyncIteration) as error:
            if isinstance(error, AppError) and error.kind is Kind.NOT_FOUND:
                raise AnswerDeleted() from error
            raise RunOutOfSight(metadata={"run_id": run_id}) from error
    match presence.ended:
        case End.CLIENT_GONE:
            raise ClientGone()
        case End.CLOSING:
            raise ShuttingDown(metadata={"run_id": run_id})
        case End.REVOKED:
            raise Unauthenticated()
        case End.OUTLIVED:
            raise TokenOutlived(metadata={"run_id": run_id})
    assert end is not None
    return end


def _terminal(batch: Batch) -> FrameLike | None:
    return next((frame for frame in batch.frames if frame.event in TERMINAL), None)


def failure(data: bytes, headers: Mapping[str, str]) -> Response:
    """The problem of an ``error`` frame, with the status of its reason."""
    reason, detail = reason_of(data)
    more = beside(data)
    status = status_of(reason)
    told = {**headers, **waiting(status, more.get("retry_after"))}
    return problems.document(status, reason, detail, headers=told, more=more)
