"""The messages of a conversation: its paths, other answers, edited messages, and what leaves it."""

from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from gateway.clients import Services
from gateway.identity.authentication import ChatReader, ChatWriter
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.schemas.base import Nothing, Page
from gateway.schemas.chat import FORMS, ORDERS
from gateway.schemas.messages import Message, MessageListQuery
from gateway.schemas.runs import RunResult
from gateway.schemas.sessions import Session
from gateway.schemas.tree import Again, Context, Edit, EditedAnswer, EditResult, Extent, Fork
from gateway.streams.answers import ANSWERS, REFUSALS, answer
from gateway.streams.editing import edit_answer
from parley.chat.v1 import chat_pb2 as pb

router = api_router("Chat", "/chat/sessions/{session_id}")

_RUN_REFUSALS = (*REFUSALS, "TOO_MANY_VARIANTS")

# Of an edited answer there is no run to name in a header.
_EDITED: dict[int | str, dict[str, Any]] = {
    status: {key: value for key, value in told.items() if key != "headers"}
    for status, told in ANSWERS.items()
}


@router.get("/messages")
async def list_messages(
    session_id: str,
    query: Annotated[MessageListQuery, Query()],
    caller: ChatReader,
    services: Services,
) -> Page[Message]:
    """List the messages of a conversation, in their order or backwards.

    Those of the chosen path, unless all are asked for.
    """
    sessions = services.sessions
    response = await sessions.ask(
        sessions.stub.ListMessages,
        pb.ListMessagesRequest(
            session_id=session_id,
            limit=query.limit,
            cursor=query.cursor,
            count=query.count,
            order=ORDERS[query.order],
            all_paths=query.path == "all",
            form=FORMS[query.format],
        ),
        caller,
    )
    return Page[Message](
        items=[Message.of(message) for message in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.post(
    "/messages/{message_id}/regenerate",
    response_model=RunResult,
    responses=ANSWERS,
    openapi_extra=refuses("MESSAGE_NOT_ANSWERABLE", "MESSAGE_NOT_FINISHED", *_RUN_REFUSALS),
)
async def regenerate(
    session_id: str,
    message_id: str,
    caller: ChatWriter,
    services: Services,
    key: IdempotencyKeyOf,
    request: Request,
    response: Response,
    body: Again | None = None,
) -> Any:
    """Have a question answered once more.

    Of an answer its question is meant. The new answer stands beside the others, and is the chosen one unless another was chosen before it has ended. It is answered as a question is.
    """
    asking = (body or Again()).request(session_id, message_id)
    return await answer(request, response, services, caller, asking, key)


@router.post(
    "/messages/{message_id}/edit",
    response_model=EditResult,
    responses=_EDITED,
    openapi_extra=refuses("MESSAGE_NOT_EDITABLE", "MESSAGE_NOT_FINISHED", *_RUN_REFUSALS),
)
async def edit(
    session_id: str,
    message_id: str,
    body: Edit,
    caller: ChatWriter,
    services: Services,
    key: IdempotencyKeyOf,
    request: Request,
    response: Response,
) -> Any:
    """Put an edited message beside another one, and choose it.

    A question is answered anew, as one that is asked. An answer is only kept: 200 with it, and `run` null. What was there stays.
    """
    edited = await edit_answer(services.sessions, caller, session_id, message_id, body, key)
    if edited is not None:
        return EditedAnswer(answer=Message.of(edited))
    asking = body.question(session_id, message_id)
    return await answer(request, response, services, caller, asking, key)


@router.post("/messages/{message_id}/choose", openapi_extra=refuses("MESSAGE_NOT_FINISHED"))
async def choose(
    session_id: str,
    message_id: str,
    caller: ChatWriter,
    services: Services,
    _body: Nothing | None = None,
) -> Message:
    """Choose the path through a message, down to its newest leaf, which is shown.

    While an answer is written there, that is its question.
    """
    sessions = services.sessions
    response = await sessions.tell(
        sessions.stub.ChooseMessage,
        pb.ChooseMessageRequest(session_id=session_id, message_id=message_id),
        caller,
    )
    return Message.of(response.leaf)


@router.get("/messages/{message_id}/extent")
async def measure_message(
    session_id: str, message_id: str, caller: ChatReader, services: Services
) -> Extent:
    """Count what deleting a message would take away.

    Itself and all that follow it, on whatever path; an answer that is being written counts.
    """
    sessions = services.sessions
    measured = await sessions.ask(
        sessions.stub.MeasureMessage,
        pb.MeasureMessageRequest(session_id=session_id, message_id=message_id),
        caller,
    )
    return Extent(messages=measured.messages)


@router.delete("/messages/{message_id}", status_code=204)
async def delete_message(
    session_id: str, message_id: str, caller: ChatWriter, services: Services
) -> None:
    """Delete a message for good, and all that follow it, on whatever path.

    Its other variants stay. The chosen path goes on with the newest of these, else it ends before. An answer that is being written there
    ends, unsaved. Shares that show any of it end, and a title made of it becomes the first line of
    the oldest question left.
    """
    sessions = services.sessions
    await sessions.tell(
        sessions.stub.DeleteMessage,
        pb.DeleteMessageRequest(session_id=session_id, message_id=message_id),
        caller,
    )


@router.get(
    "/messages/{message_id}/context",
    openapi_extra=refuses("CONTEXT_UNKNOWN", "MESSAGE_NOT_FINISHED"),
)
async def get_context(
    session_id: str, message_id: str, caller: ChatReader, services: Services
) -> Context:
    """Show what the model was given for an answer."""
    runs = services.runs
    given = await runs.ask(
        runs.stub.GetContext,
        pb.GetContextRequest(session_id=session_id, message_id=message_id),
        caller,
    )
    return Context.of(given)


@router.post(
    "/fork", status_code=201, openapi_extra=refuses("MESSAGE_NOT_FOUND", "MESSAGE_NOT_FINISHED")
)
async def fork(
    session_id: str,
    caller: ChatWriter,
    services: Services,
    key: IdempotencyKeyOf,
    body: Fork | None = None,
) -> Session:
    """Copy the path to a message into a conversation of its own."""
    sessions = services.sessions
    response = await sessions.tell(
        sessions.stub.ForkSession,
        pb.ForkSessionRequest(
            session_id=session_id, message_id=None if body is None else body.message_id
        ),
        caller,
        idempotency_key=key,
    )
    return Session.of(response.session)
