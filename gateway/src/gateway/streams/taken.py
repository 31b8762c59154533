"""A message of a conversation, taken to be kept elsewhere."""

from chassis.caller import Caller
from chassis.errors import AppError, FieldError, Kind, ValidationFailed
from gateway.clients import Clients
from parley.bounds import NOTE_CONTENT
from parley.chat.v1 import chat_pb2
from parley.notes.v1 import notes_pb2


class MessageEmpty(AppError):
    kind = Kind.CONFLICT
    reason = "MESSAGE_EMPTY"
    detail = "There is no text in this message."


async def take_message(services: Clients, caller: Caller, message_id: str) -> notes_pb2.Taken:
    """What a message of the caller's says at this moment: of an answer that has failed, as far as it came.

    Raises MessageEmpty, ValidationFailed for what is too long for a note, and what chat-service raises: MESSAGE_NOT_FOUND,
    MESSAGE_NOT_FINISHED.
    """
    runs = services.runs
    found = await runs.ask(runs.stub.GetMessage, chat_pb2.GetMessageRequest(id=message_id), caller)
    message = found.message
    if not message.content.strip():
        raise MessageEmpty()
    if len(message.content) > NOTE_CONTENT.maximum:
        too_long = FieldError("message_id", "TOO_LONG", maximum=NOTE_CONTENT.maximum)
        raise ValidationFailed(fields=[too_long])
    return notes_pb2.Taken(session_id=message.session_id, content=message.content)
