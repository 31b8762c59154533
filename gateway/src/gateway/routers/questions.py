"""Asking: a question goes in, its answer comes out as events or as a whole."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.clients import Services
from gateway.identity.authentication import ChatWriter
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.asking_route import AskingRoute
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.schemas.questions import Question
from gateway.schemas.runs import RunResult
from gateway.streams.answers import ANSWERS, REFUSALS, answer

router = api_router("Chat", "/chat", AskingRoute)


_REFUSALS = refuses(*REFUSALS)


@router.post("/messages", response_model=RunResult, responses=ANSWERS, openapi_extra=_REFUSALS)
async def ask_anew(
    body: Question,
    caller: ChatWriter,
    services: Services,
    key: IdempotencyKeyOf,
    request: Request,
    response: Response,
) -> Any:
    """Ask a question in a conversation made for it.

    With `Accept: text/event-stream` the answer comes as it is written, otherwise once it has ended: 200 if it has text (`run.status` says whether it is whole), or the problem of what failed.
    """
    return await answer(request, response, services, caller, body.request(), key)


@router.post(
    "/sessions/{session_id}/messages",
    response_model=RunResult,
    responses=ANSWERS,
    openapi_extra=_REFUSALS,
)
async def ask(
    session_id: str,
    body: Question,
    caller: ChatWriter,
    services: Services,
    key: IdempotencyKeyOf,
    request: Request,
    response: Response,
) -> Any:
    """Ask a question in a conversation.

    With `Accept: text/event-stream` the answer comes as it is written, otherwise once it has ended: 200 if it has text (`run.status` says whether it is whole), or the problem of what failed.
    It is generated and saved whether its reader stays or not. The same `Idempotency-Key` and body again: the same run, from its first event.
    """
    return await answer(request, response, services, caller, body.request(session_id), key)
