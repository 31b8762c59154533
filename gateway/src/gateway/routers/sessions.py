"""Conversations."""

from typing import Annotated

from fastapi import Query

from gateway.clients import Services
from gateway.identity.authentication import ChatReader, ChatWriter
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.schemas.base import Page
from gateway.schemas.chat import FORMS, FormOfEvents
from gateway.schemas.runs import RecoveredRun
from gateway.schemas.sessions import NewSession, Session, SessionChange, SessionListQuery
from parley.chat.v1 import chat_pb2 as pb

router = api_router("Chat", "/chat/sessions")


@router.post(
    "",
    status_code=201,
    openapi_extra=refuses("KEY_NOT_FOUND", "PERSONA_NOT_FOUND", "WORD_REFUSED"),
)
async def create_session(
    caller: ChatWriter, services: Services, key: IdempotencyKeyOf, body: NewSession | None = None
) -> Session:
    """Begin a conversation.

    Every field may be left to its default.
    """
    wanted = body or NewSession()
    sessions = services.sessions
    response = await sessions.tell(
        sessions.stub.CreateSession,
        wanted.request(),
        caller,
        idempotency_key=key,
    )
    return Session.of(response.session)


@router.get("")
async def list_sessions(
    query: Annotated[SessionListQuery, Query()], caller: ChatReader, services: Services
) -> Page[Session]:
    """List one's conversations: what is pinned first, then what was active last.

    One that is temporary is not among them, unless these are asked for.
    """
    sessions = services.sessions
    response = await sessions.ask(sessions.stub.ListSessions, query.request(), caller)
    return Page[Session](
        items=[Session.of(session) for session in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.get("/{session_id}")
async def get_session(session_id: str, caller: ChatReader, services: Services) -> Session:
    """Show a conversation."""
    sessions = services.sessions
    response = await sessions.ask(
        sessions.stub.GetSession, pb.GetSessionRequest(id=session_id), caller
    )
    return Session.of(response.session)


@router.patch(
    "/{session_id}", openapi_extra=refuses("KEY_NOT_FOUND", "PERSONA_NOT_FOUND", "WORD_REFUSED")
)
async def update_session(
    session_id: str, body: SessionChange, caller: ChatWriter, services: Services
) -> Session:
    """Change a conversation.

    What is given is changed, all of it or nothing, and holds from the next question on. Null takes
    away what may be absent.
    """
    sessions = services.sessions
    response = await sessions.tell(sessions.stub.UpdateSession, body.request(session_id), caller)
    return Session.of(response.session)


@router.get("/{session_id}/recover", openapi_extra=refuses("RUN_NOT_FOUND"))
async def recover_run(
    session_id: str,
    caller: ChatReader,
    services: Services,
    format: FormOfEvents = None,  # noqa: A002 - the parameter's name
) -> RecoveredRun:
    """Show the live or last run of a conversation, with its text so far.

    What comes after it is at the run's `events`, behind `seq`.
    """
    runs = services.runs
    response = await runs.ask(
        runs.stub.RecoverRun,
        pb.RecoverRunRequest(session_id=session_id, form=FORMS[format]),
        caller,
    )
    return RecoveredRun.of(response)
