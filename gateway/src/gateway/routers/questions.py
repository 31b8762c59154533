"""Asking: a question goes in, its answer comes out as events or as a whole."""

from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from chassis.caller import Caller
from chassis.errors import Internal
from gateway.answers import end_of_run, failure, wants_events
from gateway.auth import CallerOf
from gateway.clients import Clients, Services
from gateway.routers import router as api_router
from gateway.schemas.chat import Question, RunResult
from gateway.sse import EventStream, first_batch
from parley.chat.v1 import chat_pb2 as pb

router = api_router("Chat", "/chat")

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The run's events as they come, if `text/event-stream` is accepted; "
        "otherwise the run once it has ended.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "headers": {"X-Run-ID": {"schema": {"type": "string"}}},
    }
}


@router.post("/messages", response_model=RunResult, responses=ANSWERS)
async def ask_anew(
    body: Question, caller: CallerOf, services: Services, request: Request, response: Response
) -> Any:
    """Ask in a conversation made for the question."""
    return await _ask(request, response, services, caller, _request(body))


@router.post("/sessions/{session_id}/messages", response_model=RunResult, responses=ANSWERS)
async def ask(
    session_id: str,
    body: Question,
    caller: CallerOf,
    services: Services,
    request: Request,
    response: Response,
) -> Any:
    """Ask in a conversation. The answer is generated and saved whether its reader stays or not."""
    return await _ask(request, response, services, caller, _request(body, session_id))


def _request(question: Question, session_id: str | None = None) -> pb.StartRunRequest:
    return pb.StartRunRequest(
        session_id=session_id,
        content=question.content,
        key_id=question.key_id,
        model=question.model,
        temperature=question.temperature,
        max_tokens=question.max_tokens,
    )


async def _ask(
    request: Request,
    response: Response,
    services: Clients,
    caller: Caller,
    question: pb.StartRunRequest,
) -> Response | RunResult:
    state = request.app.state
    chat = services.chat
    batches = chat.follow(chat.stub.StartRun, question, caller)
    # Only now is it known whether the question was taken: a refusal is a plain problem.
    first = await first_batch(batches, within=state.settings.accept_seconds)
    if first is None or not first.HasField("accepted"):
        await batches.aclose()
        raise Internal()
    run_id = first.accepted.run_id
    headers = {"x-run-id": run_id}
    if wants_events(request):
        return EventStream(
            batches,
            state.requests,
            heartbeat=state.settings.heartbeat_seconds,
            headers=headers,
            first=first,
        )
    async with aclosing(batches):
        end = await end_of_run(request, state.requests, run_id, first, batches)
    if end.event == "error":
        return failure(end.data, headers)
    response.headers.update(headers)
    result = await chat.ask(chat.stub.GetRun, pb.GetRunRequest(run_id=run_id), caller)
    return RunResult.of(result)
