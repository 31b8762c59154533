"""What is said of a run that failed: one problem, by stream, by socket, and in place of the answer."""

from collections.abc import Callable

import orjson
import pytest

from gateway.streams.failures import shown
from parley.chat.v1 import chat_pb2

from .door import Door

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]

ASK = "/api/v1/chat/messages"
PLACE = {"message_id": "a", "order": 2, "saved": True}


def failed(reason: str | None, detail: str = "Why it failed.") -> bytes:
    return orjson.dumps({"reason": reason, "detail": detail, **PLACE})


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("PROVIDER_BROKE", 502),
        ("PROVIDER_BUSY", 503),
        ("PROVIDER_QUOTA_EXCEEDED", 402),
        ("PROVIDER_OVERLOADED", 503),
        ("PROVIDER_RATE_LIMITED", 429),
        ("PROVIDER_UNAUTHORIZED", 502),
        ("PROVIDER_TIMED_OUT", 504),
        ("FIRST_TOKEN_TIMEOUT", 504),
        ("INTERNAL", 500),
        ("SOMETHING_NEW", 502),
        (None, 502),
    ],
)
async def test_a_stream_ends_with_the_problem_and_the_place_of_the_answer(
    door: Door, make_frame: MakeFrame, reason: str | None, status: int
) -> None:
    door.chat.script = [[make_frame(1, "start", b"{}"), make_frame(2, "error", failed(reason))]]
    headers = {**door.bearer, "accept": "text/event-stream"}
    response = await door.http.post(ASK, json={"content": "hello"}, headers=headers)
    *_, last = response.text.strip().split("\n\n")
    number, event, data = last.split("\n")
    assert (number, event) == ("id: 2", "event: error")
    assert orjson.loads(data.removeprefix("data: ")) == {
        "problem": {
            "type": "about:blank",
            "title": "Answer failed",
            "status": status,
            "detail": "Why it failed.",
            "reason": reason or "MODEL_FAILED",
        },
        **PLACE,
    }


@pytest.mark.parametrize(
    ("reason", "status", "retry_after"),
    [
        ("PROVIDER_BROKE", 502, None),
        ("PROVIDER_UNAUTHORIZED", 502, None),
        ("PROVIDER_QUOTA_EXCEEDED", 402, None),
        ("PROVIDER_RATE_LIMITED", 429, "5"),
        ("PROVIDER_OVERLOADED", 503, "1"),
        ("PROVIDER_BUSY", 503, "1"),
        ("FIRST_TOKEN_TIMEOUT", 504, "1"),
        ("INTERNAL", 500, None),
        ("PROVIDER_SOMETHING_NEW", 502, None),
    ],
)
async def test_who_waits_for_the_whole_answer_gets_the_status_of_its_reason(
    door: Door, make_frame: MakeFrame, reason: str, status: int, retry_after: str | None
) -> None:
    door.chat.script = [[make_frame(1, "error", failed(reason, "Why."))]]
    response = await door.http.post(ASK, json={"content": "hello"}, headers=door.bearer)
    told = response.json()
    assert (response.status_code, told["status"]) == (status, status)
    assert (told["reason"], told["detail"]) == (reason, "Why.")
    assert response.headers.get("retry-after") == retry_after
    assert response.headers["x-run-id"] == door.chat.run_id


DONE = b'{"status":"whatever","saved":true}'
STATUSES = chat_pb2.RunStatus.Value


def ended(status: str, text: str | None, reason: str | None = None) -> chat_pb2.GetRunResponse:
    return chat_pb2.GetRunResponse(
        run=chat_pb2.Run(id="r", status=STATUSES(f"RUN_STATUS_{status.upper()}"), reason=reason),
        question=chat_pb2.Message(id="q", role=chat_pb2.MESSAGE_ROLE_USER, content="hello"),
        answer=text
        if text is None
        else chat_pb2.Message(id="a", role=chat_pb2.MESSAGE_ROLE_ASSISTANT, content=text),
    )


@pytest.mark.parametrize("status", ["completed", "cancelled", "interrupted"])
async def test_an_answer_with_text_is_200_and_says_how_it_ended(
    door: Door, make_frame: MakeFrame, status: str
) -> None:
    door.chat.script = [[make_frame(1, "done", DONE)]]
    door.chat.answers["GetRun"] = ended(status, "Once")
    response = await door.http.post(ASK, json={"content": "hello"}, headers=door.bearer)
    told = response.json()
    assert response.status_code == 200
    assert (told["run"]["status"], told["answer"]["content"]) == (status, "Once")


@pytest.mark.parametrize("text", [None, "", " \n"])
@pytest.mark.parametrize(
    ("status", "reason", "shown_reason"),
    [
        ("completed", None, "PROVIDER_EMPTY"),
        ("cancelled", "CANCELLED_BY_USER", "CANCELLED_BY_USER"),
        ("interrupted", "OWNER_LOST", "OWNER_LOST"),
    ],
)
async def test_an_answer_without_a_word_is_502_however_it_ended(
    door: Door,
    make_frame: MakeFrame,
    status: str,
    reason: str | None,
    shown_reason: str,
    text: str | None,
) -> None:
    door.chat.script = [[make_frame(1, "done", DONE)]]
    door.chat.answers["GetRun"] = ended(status, text, reason)
    response = await door.http.post(ASK, json={"content": "hello"}, headers=door.bearer)
    assert (response.status_code, response.json()["reason"]) == (502, shown_reason)
    assert (
        "first word" in response.json()["detail"] or "without a word" in response.json()["detail"]
    )
    assert response.headers["x-run-id"] == door.chat.run_id


async def test_an_answer_that_is_not_saved_yet_is_503_with_the_run_to_ask_for(
    door: Door, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(1, "done", b'{"status":"completed","saved":false}')]]
    door.chat.answers["GetRun"] = ended("running", None)
    response = await door.http.post(ASK, json={"content": "hello"}, headers=door.bearer)
    assert (response.status_code, response.json()["reason"]) == (503, "RUN_OUT_OF_SIGHT")
    assert response.json()["run_id"] == door.chat.run_id


BESIDE = {"provider_message": "Slow down.", "retry_after": 7}


def test_what_the_model_server_says_and_when_to_come_back_are_in_the_problem_of_a_stream() -> None:
    told = {"reason": "PROVIDER_RATE_LIMITED", "detail": "Later.", **BESIDE, **PLACE}
    frame = chat_pb2.Frame(seq=1, event="error", data=orjson.dumps(told))
    found = orjson.loads(shown(frame))
    assert {name: found["problem"][name] for name in BESIDE} == BESIDE
    assert {name: value for name, value in found.items() if name != "problem"} == PLACE


async def test_they_are_in_the_problem_of_who_waits_for_the_whole_answer(
    door: Door, make_frame: MakeFrame
) -> None:
    told = {"reason": "PROVIDER_RATE_LIMITED", "detail": "Later.", **BESIDE, **PLACE}
    door.chat.script = [[make_frame(1, "error", orjson.dumps(told))]]
    response = await door.http.post(ASK, json={"content": "hello"}, headers=door.bearer)
    assert {name: response.json()[name] for name in BESIDE} == BESIDE
    assert response.headers["retry-after"] == "7"


def test_the_document_that_an_earlier_chat_service_wrote_is_shown_as_it_is() -> None:
    data = orjson.dumps({"problem": {"reason": "PROVIDER_BROKE", "status": 502}, **PLACE})
    assert shown(chat_pb2.Frame(seq=1, event="error", data=data)) == data


def test_no_other_frame_is_looked_at() -> None:
    frame = chat_pb2.Frame(seq=1, event="delta", data=b"not JSON")
    assert shown(frame) == b"not JSON"
