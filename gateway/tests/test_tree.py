"""The tree of a conversation over REST and the socket."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import AppError, Kind
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2

from .door import Door
from .sockets import Dial

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]

SESSION = "01900000-0000-7000-8000-000000000002"
MESSAGE = "01900000-0000-7000-8000-000000000003"
PATH = f"/api/v1/chat/sessions/{SESSION}"
MESSAGE_PATH = f"{PATH}/messages/{MESSAGE}"
WHEN = Timestamp(seconds=1_700_000_000)
EDITED = chat_pb2.Message(
    id="m4",
    session_id=SESSION,
    role=chat_pb2.MESSAGE_ROLE_ASSISTANT,
    content="Mine.",
    order=4,
    created_at=WHEN,
    edited=True,
    chosen=True,
    parent_id="m1",
    variants=chat_pb2.Variants(index=1, ids=["m2", "m4"]),
)


class MessageNotEditable(AppError):
    kind = Kind.CONFLICT
    reason = "MESSAGE_NOT_EDITABLE"
    detail = "It is a question."


class MessageNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "MESSAGE_NOT_FOUND"
    detail = "There is no such message."


@pytest.fixture
def frames(make_frame: MakeFrame) -> list[chat_pb2.Frame]:
    return [
        make_frame(1, "start", b'{"run_id":"r"}'),
        make_frame(2, "delta", b'{"text":"Once"}'),
        make_frame(3, "done", b'{"status":"completed"}'),
    ]


async def test_another_answer_comes_as_events(door: Door, frames: list[chat_pb2.Frame]) -> None:
    door.chat.script = [frames]
    response = await door.http.post(
        f"{MESSAGE_PATH}/regenerate",
        json={"model": "another", "key_id": "k1", "parameters": {"stop": ["END"], "top_p": 0.5}},
        headers={**door.bearer, "accept": "text/event-stream", "idempotency-key": "k"},
    )
    assert response.status_code == 200
    assert response.headers["x-run-id"] == door.chat.run_id
    assert response.content.startswith(b"id: 1\nevent: start\n")
    (call,) = door.chat.asked
    assert call.idempotency_key == "k"
    assert call.request == chat_pb2.RegenerateRunRequest(
        session_id=SESSION,
        message_id=MESSAGE,
        key_id="k1",
        parameters=generation_pb2.GenerationParameters(model="another", stop=["END"], top_p=0.5),
    )


@pytest.mark.parametrize(
    "body",
    [{"model": 1}, {"temperature": 0.5}, {"parameters": {"temperature": 3}}, {"user_id": "x"}],
)
async def test_what_another_answer_is_not_made_with_is_422(
    door: Door, body: dict[str, Any]
) -> None:
    response = await door.http.post(f"{MESSAGE_PATH}/regenerate", json=body, headers=door.bearer)
    assert (response.status_code, response.json()["reason"]) == (422, "VALIDATION")
    assert door.chat.calls == []


@pytest.mark.parametrize("said", [{}, {"temperature": 0.5}])
async def test_an_edited_question_is_asked_beside_the_first(
    door: Door, frames: list[chat_pb2.Frame], said: dict[str, Any]
) -> None:
    door.chat.script = [frames]
    door.chat.answers["EditAnswer"] = MessageNotEditable()
    response = await door.http.post(
        f"{MESSAGE_PATH}/edit",
        json={"content": "How?", **said},
        headers={**door.bearer, "accept": "text/event-stream", "idempotency-key": "k"},
    )
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    *tried, asked = door.chat.asked
    # What says how to answer is a question.
    assert [call.method for call in tried] == ([] if said else ["EditAnswer"])
    assert asked.idempotency_key == "k"
    assert asked.request == chat_pb2.StartRunRequest(
        session_id=SESSION,
        content="How?",
        parameters=generation_pb2.GenerationParameters(**said),
        edits_message_id=MESSAGE,
    )


@pytest.mark.parametrize("attachments", [[], ["f1", "f2"]])
async def test_an_edit_that_names_files_is_of_a_question(
    door: Door, frames: list[chat_pb2.Frame], attachments: list[str]
) -> None:
    door.chat.script = [frames]
    response = await door.http.post(
        f"{MESSAGE_PATH}/edit",
        json={"content": "How?", "attachments": attachments},
        headers={**door.bearer, "accept": "text/event-stream"},
    )
    assert response.status_code == 200
    (asked,) = door.chat.asked
    # None at all is said as well: a question keeps its own only where nothing is.
    assert asked.request.HasField("attachments")
    assert list(asked.request.attachments.file_ids) == attachments


async def test_an_edited_answer_is_shown_and_nothing_is_asked(door: Door) -> None:
    door.chat.answers["EditAnswer"] = chat_pb2.EditAnswerResponse(message=EDITED)
    response = await door.http.post(
        f"{MESSAGE_PATH}/edit",
        json={"content": "Mine."},
        headers={**door.bearer, "accept": "text/event-stream"},
    )
    assert response.status_code == 200
    shown = response.json()
    assert (shown["run"], shown["question"]) == (None, None)
    assert (shown["answer"]["status"], shown["answer"]["variants"]["index"]) == ("edited", 1)
    assert [call.method for call in door.chat.calls] == ["EditAnswer"]


async def test_a_path_is_chosen_and_its_end_is_shown(door: Door) -> None:
    door.chat.answers["ChooseMessage"] = chat_pb2.ChooseMessageResponse(leaf=EDITED)
    response = await door.http.post(f"{MESSAGE_PATH}/choose", headers=door.bearer)
    assert (response.status_code, response.json()["id"]) == (200, "m4")


async def test_all_paths_are_listed_where_they_are_asked_for(door: Door) -> None:
    door.chat.answers["ListMessages"] = chat_pb2.ListMessagesResponse(items=[EDITED])
    for path, wanted in (("chosen", False), ("all", True)):
        response = await door.http.get(f"{PATH}/messages?path={path}", headers=door.bearer)
        assert response.status_code == 200
        assert door.chat.calls[-1].request.all_paths is wanted
    response = await door.http.get(f"{PATH}/messages?path=every", headers=door.bearer)
    assert response.status_code == 422


async def test_what_a_model_was_given_is_shown(door: Door) -> None:
    given = chat_pb2.GetContextResponse(
        parts=[
            chat_pb2.ContextPart(
                role=chat_pb2.MESSAGE_ROLE_USER,
                message_ids=["m1"],
                characters=4,
                tokens=1,
                files=[
                    chat_pb2.GivenFile(
                        file_id="f1", name="a.txt", kind="text", characters=3, of_characters=9
                    ),
                    chat_pb2.GivenFile(file_id="f2", name="b.png", kind="png", left_out="DELETED"),
                ],
            )
        ],
        left_out=[chat_pb2.LeftOut(message_id="m0", reason="SUMMED_UP")],
        tokens=1,
        budget=chat_pb2.ContextBudget(
            tokens=900, used=5, factor=1.23456, context_tokens=2000, known=True
        ),
        summary=chat_pb2.ContextSummary(text="So far.", last_message_id="m0"),
    )
    shown = {
        "parts": [
            {
                "role": "user",
                "message_ids": ["m1"],
                "characters": 4,
                "tokens": 1,
                "files": [
                    {"id": "f1", "name": "a.txt", "kind": "text", "characters": 3}
                    | {"of_characters": 9, "left_out": None},
                    {"id": "f2", "name": "b.png", "kind": "png", "characters": None}
                    | {"of_characters": None, "left_out": "DELETED"},
                ],
            }
        ],
        "left_out": [{"message_id": "m0", "reason": "SUMMED_UP"}],
        "tokens": 1,
        "budget": {
            "tokens": 900,
            "used": 5,
            "factor": 1.235,
            "context_tokens": 2000,
            "known": True,
        },
        "summary": {"text": "So far.", "last_message_id": "m0"},
    }
    door.chat.answers["GetContext"] = given
    response = await door.http.get(f"{MESSAGE_PATH}/context", headers=door.bearer)
    assert response.json() == shown
    # What was taken away since.
    given.summary.CopyFrom(chat_pb2.ContextSummary())
    response = await door.http.get(f"{MESSAGE_PATH}/context", headers=door.bearer)
    assert response.json()["summary"] == {"text": None, "last_message_id": None}
    # And of an earlier version.
    given.ClearField("summary")
    given.ClearField("budget")
    response = await door.http.get(f"{MESSAGE_PATH}/context", headers=door.bearer)
    assert response.json() == {**shown, "budget": None, "summary": None}


async def test_a_fork_is_a_session_of_its_own(door: Door) -> None:
    session = chat_pb2.Session(id="f", title="T", created_at=WHEN, updated_at=WHEN)
    door.chat.answers["ForkSession"] = chat_pb2.ForkSessionResponse(session=session)
    for body, wanted in (
        (None, chat_pb2.ForkSessionRequest(session_id=SESSION)),
        (
            {"message_id": MESSAGE},
            chat_pb2.ForkSessionRequest(session_id=SESSION, message_id=MESSAGE),
        ),
    ):
        response = await door.http.post(f"{PATH}/fork", json=body, headers=door.bearer)
        assert (response.status_code, response.json()["id"]) == (201, "f")
        assert door.chat.calls[-1].request == wanted


async def test_live_runs_are_listed_and_no_others(door: Door) -> None:
    run = chat_pb2.Run(id="r", status=chat_pb2.RUN_STATUS_RUNNING, model="m", created_at=WHEN)
    door.chat.answers["ListLiveRuns"] = chat_pb2.ListLiveRunsResponse(items=[run])
    for query, total in (("", None), ("?live=true", None), ("?count=true", 1)):
        response = await door.http.get(f"/api/v1/chat/runs{query}", headers=door.bearer)
        assert [one["id"] for one in response.json()["items"]] == ["r"]
        assert (response.json()["next_cursor"], response.json()["total"]) == (None, total)
    response = await door.http.get("/api/v1/chat/runs?live=false", headers=door.bearer)
    assert (response.status_code, response.json()["reason"]) == (422, "VALIDATION")
    assert response.json()["errors"] == [{"field": "live", "reason": "NOT_ONE_OF"}]


async def test_a_message_is_measured_and_deleted(door: Door) -> None:
    door.chat.answers |= {
        "MeasureMessage": chat_pb2.MeasureMessageResponse(messages=7),
        "DeleteMessage": chat_pb2.DeleteMessageResponse(),
    }
    measured = await door.http.get(f"{MESSAGE_PATH}/extent", headers=door.bearer)
    assert (measured.status_code, measured.json()) == (200, {"messages": 7})
    deleted = await door.http.delete(MESSAGE_PATH, headers=door.bearer)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert [call.request for call in door.chat.calls] == [
        chat_pb2.MeasureMessageRequest(session_id=SESSION, message_id=MESSAGE),
        chat_pb2.DeleteMessageRequest(session_id=SESSION, message_id=MESSAGE),
    ]


@pytest.mark.parametrize(
    ("method", "path", "rpc"),
    [
        ("POST", "regenerate", None),
        ("POST", "edit", "EditAnswer"),
        ("POST", "choose", "ChooseMessage"),
        ("GET", "context", "GetContext"),
        ("GET", "extent", "MeasureMessage"),
        ("DELETE", "", "DeleteMessage"),
    ],
)
async def test_a_message_that_is_not_there_is_404_as_an_id_that_is_none(
    door: Door, method: str, path: str, rpc: str | None
) -> None:
    if rpc is None:
        door.chat.refusal = MessageNotFound()
    else:
        door.chat.answers[rpc] = MessageNotFound()
    body = {"content": "x"} if path == "edit" else None
    for message in (MESSAGE, "nothing"):
        response = await door.http.request(
            *(method, f"{PATH}/messages/{message}/{path}".rstrip("/")),
            json=body,
            headers=door.bearer,
        )
        assert (response.status_code, response.json()["reason"]) == (404, "MESSAGE_NOT_FOUND")
        assert response.json()["detail"] == "There is no such message."


async def test_another_answer_and_an_edited_question_come_over_the_socket(
    door: Door, dial: Dial, frames: list[chat_pb2.Frame]
) -> None:
    door.chat.script = [frames]
    door.chat.answers["EditAnswer"] = MessageNotEditable()
    client = await dial(door)
    told = await client.ask(
        type="regenerate", ref="1", session_id=SESSION, message_id=MESSAGE, idempotency_key="k"
    )
    assert (told["type"], told["run_id"]) == ("ack", door.chat.run_id)
    assert [(await client.hear())["seq"] for _ in range(3)] == [1, 2, 3]
    message = {"session_id": SESSION, "message_id": MESSAGE, "content": "How?"}
    told = await client.ask(type="edit", ref="2", idempotency_key="e", **message)
    assert (told["type"], told["run_id"]) == ("ack", door.chat.run_id)
    assert [(await client.hear())["seq"] for _ in range(3)] == [1, 2, 3]
    assert [(call.method, call.idempotency_key) for call in door.chat.asked] == [
        ("RegenerateRun", "k"),
        ("EditAnswer", "e"),
        ("StartRun", "e"),
    ]


async def test_an_edited_answer_is_acknowledged_over_the_socket(door: Door, dial: Dial) -> None:
    door.chat.answers["EditAnswer"] = chat_pb2.EditAnswerResponse(message=EDITED)
    client = await dial(door)
    told = await client.ask(
        type="edit", ref="2", session_id=SESSION, message_id=MESSAGE, content="Mine."
    )
    assert told == {"type": "ack", "ref": "2", "session_id": SESSION, "message_id": "m4"}
