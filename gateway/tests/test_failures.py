"""What is said of a run that failed: one problem, by stream, by socket, and in place of the answer."""

from typing import Any

import orjson
import pytest

from gateway.streams.failures import shown
from parley.chat.v1 import chat_pb2

# Fixtures of conftest.py; a test module cannot import its classes by name.
Door = Any
MakeFrame = Any

ASK = "/api/v1/chat/messages"
PLACE = {"message_id": "a", "order": 2, "saved": True}


def failed(reason: str | None, detail: str = "Why it failed.") -> bytes:
    return orjson.dumps({"reason": reason, "detail": detail, **PLACE})


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("PROVIDER_BROKE", 502),
        ("PROVIDER_BUSY", 503),
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


async def test_who_waits_for_the_whole_answer_gets_502_with_the_same_reason_and_detail(
    door: Door, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(1, "error", failed("PROVIDER_BUSY", "Too many."))]]
    response = await door.http.post(ASK, json={"content": "hello"}, headers=door.bearer)
    told = response.json()
    assert (response.status_code, told["status"]) == (502, 502)
    assert (told["reason"], told["detail"]) == ("PROVIDER_BUSY", "Too many.")


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
