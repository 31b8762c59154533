"""Conversations deleted, restored, and cleared of their messages."""

from typing import Annotated

from fastapi import Query

from gateway.clients import Services
from gateway.identity.authentication import ChatWriter
from gateway.routes.api import router as api_router
from gateway.schemas.base import Nothing
from gateway.schemas.sessions import Session
from parley.chat.v1 import chat_pb2 as pb

router = api_router("Chat", "/chat/sessions")

Permanent = Annotated[bool, Query(description="For good, at once: nothing can be restored.")]


@router.delete("", status_code=204)
async def delete_sessions(
    caller: ChatWriter, services: Services, permanent: Permanent = False
) -> None:
    """Delete all conversations, archived and temporary ones included.

    Each as if it were deleted by itself; for good also those that are deleted already.
    """
    sessions = services.sessions
    await sessions.tell(
        sessions.stub.DeleteSessions, pb.DeleteSessionsRequest(permanent=permanent), caller
    )


@router.delete("/{session_id}", status_code=204)
async def delete_session(
    session_id: str, caller: ChatWriter, services: Services, permanent: Permanent = False
) -> None:
    """Delete a conversation, and end the answer that is being written in it.

    It can be restored for 30 days, unless the operator has set another time, and is in the list of what
    is deleted; elsewhere it is as if absent.
    """
    sessions = services.sessions
    request = pb.DeleteSessionRequest(id=session_id, permanent=permanent)
    await sessions.tell(sessions.stub.DeleteSession, request, caller)


@router.post("/{session_id}/restore")
async def restore_session(
    session_id: str, caller: ChatWriter, services: Services, _body: Nothing | None = None
) -> Session:
    """Restore a conversation that was deleted, with all its messages.

    One that is not deleted stays as it is.
    """
    sessions = services.sessions
    response = await sessions.tell(
        sessions.stub.RestoreSession, pb.RestoreSessionRequest(id=session_id), caller
    )
    return Session.of(response.session)


@router.delete("/{session_id}/messages", status_code=204)
async def clear_session(session_id: str, caller: ChatWriter, services: Services) -> None:
    """Delete all messages of a conversation for good.

    The answer that is being written ends, and the conversation stays; a title that its user has not written goes along, and
    the next question gives another. No `order` is given twice: the next message has one behind the highest that
    there was.
    """
    sessions = services.sessions
    await sessions.tell(sessions.stub.ClearSession, pb.ClearSessionRequest(id=session_id), caller)
