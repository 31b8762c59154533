"""Editing a message, of which nobody has said whether it is a question."""

from chassis.caller import Caller
from chassis.errors import RemoteError
from gateway.clients import Peer
from gateway.schemas.tree import Edit
from parley.chat.v1 import chat_pb2 as pb
from parley.chat.v1.chat_pb2_grpc import SessionServiceStub


async def edit_answer(
    sessions: Peer[SessionServiceStub],
    caller: Caller,
    session_id: str,
    message_id: str,
    edit: Edit,
    key: str | None,
) -> pb.Message | None:
    """The edited answer; None: it is to be asked as a question, and nothing was done. Raises AppError."""
    if edit.asks:
        return None
    wanted = pb.EditAnswerRequest(
        session_id=session_id, message_id=message_id, content=edit.content
    )
    try:
        edited = await sessions.tell(sessions.stub.EditAnswer, wanted, caller, idempotency_key=key)
    except RemoteError as refusal:
        if refusal.reason != "MESSAGE_NOT_EDITABLE":
            raise
        return None
    return edited.message
