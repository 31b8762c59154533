"""A message is kept as a note: what it says is asked of chat-service, with its user's token."""

from typing import Any

import pytest

from chassis.errors import AppError, Kind, Unavailable
from parley.chat.v1 import chat_pb2
from parley.notes.v1 import notes_pb2 as pb

from .door import Door

ID = "01900000-0000-7000-8000-000000000003"
SESSION = "01900000-0000-7000-8000-000000000004"
PATH = "/api/v1/notes"
NOTE = pb.Note(id=ID, title="Tea", content="Tea\nis nice.", version=1)
SAID = chat_pb2.GetMessageResponse(
    message=chat_pb2.Message(id=ID, session_id=SESSION, content="Tea\nis nice.")
)


class MessageNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "MESSAGE_NOT_FOUND"
    detail = "There is no such message."


class MessageNotFinished(AppError):
    kind = Kind.CONFLICT
    reason = "MESSAGE_NOT_FINISHED"
    detail = "This answer is still being written; wait for its end."


async def keep(door: Door, key: str | None = None, **body: Any) -> Any:
    headers = {**door.bearer, **({} if key is None else {"Idempotency-Key": key})}
    return await door.http.post(PATH, json=body, headers=headers)


async def test_the_note_says_what_the_message_says(door: Door) -> None:
    door.chat.answers["GetMessage"] = SAID
    door.notes.answers["CreateNote"] = pb.CreateNoteResponse(note=NOTE)
    kept = await keep(door, message_id=ID, tags=["tea"], pinned=True)
    assert (kept.status_code, kept.json()["title"]) == (201, "Tea")
    assert kept.headers["etag"] == '"1"'
    (asked,) = door.chat.calls
    assert asked.request == chat_pb2.GetMessageRequest(id=ID)
    assert asked.token == door.caller.token
    assert door.notes.calls[-1].request == pb.CreateNoteRequest(
        tags=["tea"],
        pinned=True,
        message_id=ID,
        taken=pb.Taken(session_id=SESSION, content="Tea\nis nice."),
    )
    await keep(door, message_id=ID, title=" Mine ")
    assert door.notes.calls[-1].request.title == "Mine"


@pytest.mark.parametrize(
    ("error", "status"), [(MessageNotFound(), 404), (MessageNotFinished(), 409)]
)
async def test_what_cannot_be_had_is_refused_and_nothing_is_kept(
    door: Door, error: AppError, status: int
) -> None:
    door.chat.answers["GetMessage"] = error
    refused = await keep(door, message_id=ID)
    assert (refused.status_code, refused.json()["reason"]) == (status, error.reason)
    assert door.notes.calls == []


async def test_a_message_without_text_is_no_note_and_one_that_is_too_long_says_so(
    door: Door,
) -> None:
    door.chat.answers["GetMessage"] = chat_pb2.GetMessageResponse(
        message=chat_pb2.Message(id=ID, session_id=SESSION, content=" \n")
    )
    refused = await keep(door, message_id=ID)
    assert (refused.status_code, refused.json()["reason"]) == (409, "MESSAGE_EMPTY")
    door.chat.answers["GetMessage"] = chat_pb2.GetMessageResponse(
        message=chat_pb2.Message(id=ID, session_id=SESSION, content="x" * 100_001)
    )
    refused = await keep(door, message_id=ID)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"field": "message_id", "reason": "TOO_LONG", "maximum": 100_000}
    ]
    assert door.notes.calls == []


async def test_a_repeated_request_finds_its_note_though_the_message_is_gone(door: Door) -> None:
    door.chat.answers["GetMessage"] = MessageNotFound()
    door.notes.answers["CreateNote"] = pb.CreateNoteResponse(note=NOTE)
    again = await keep(door, "once", message_id=ID)
    assert (again.status_code, again.json()["title"]) == (201, "Tea")
    (asked,) = door.notes.calls
    assert asked.request == pb.CreateNoteRequest(message_id=ID)
    assert asked.idempotency_key == "once"
    # Where it had made none, it is refused for what it is.
    door.chat.answers["GetMessage"] = MessageNotFinished()
    door.notes.answers["CreateNote"] = MessageNotFound()
    refused = await keep(door, "twice", message_id=ID)
    assert (refused.status_code, refused.json()["reason"]) == (409, "MESSAGE_NOT_FINISHED")


async def test_while_chat_service_is_away_nothing_is_guessed(door: Door) -> None:
    door.chat.answers["GetMessage"] = Unavailable()
    refused = await keep(door, "once", message_id=ID)
    assert refused.status_code == 503
    assert door.notes.calls == []


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (
            {},
            [
                {"field": "title", "reason": "REQUIRED"},
                {"field": "content", "reason": "REQUIRED"},
            ],
        ),
        ({"title": "T"}, [{"field": "content", "reason": "REQUIRED"}]),
        ({"content": "C"}, [{"field": "title", "reason": "REQUIRED"}]),
        ({"message_id": ID, "content": "C"}, [{"field": "content", "reason": "INVALID"}]),
        ({"message_id": ID, "title": ""}, [{"field": "title", "reason": "REQUIRED"}]),
        (
            {"message_id": ID, "source": {"session_id": ID, "message_id": ID}},
            [{"field": "source", "reason": "INVALID"}],
        ),
        ({"message_id": 1}, [{"field": "message_id", "reason": "WRONG_TYPE"}]),
    ],
)
async def test_a_note_is_of_a_text_or_of_a_message(
    door: Door, body: dict[str, Any], errors: list[dict[str, Any]]
) -> None:
    refused = await keep(door, **body)
    assert (refused.status_code, refused.json()["errors"]) == (422, errors)
    assert door.chat.calls == []
    assert door.notes.calls == []


@pytest.mark.parametrize(
    ("scope", "status"), [("notes:write", 403), ("chat:read", 403), ("notes:write chat:read", 201)]
)
async def test_a_token_has_to_be_good_for_reading_conversations_too(
    door: Door, scope: str, status: int
) -> None:
    door.chat.answers["GetMessage"] = SAID
    door.notes.answers["CreateNote"] = pb.CreateNoteResponse(note=NOTE)
    token = door.signer.caller(scope=scope).token
    headers = {"authorization": f"Bearer {token}"}
    answer = await door.http.post(PATH, json={"message_id": ID}, headers=headers)
    assert answer.status_code == status
    assert len(door.chat.calls) == (status == 201)
