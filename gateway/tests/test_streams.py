"""Runs as event streams and as whole answers."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from chassis.errors import AppError, Kind
from chassis.testing import eventually, sample
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2

from .access_log import AccessLog
from .door import Door
from .event_stream import ASK, EVENTS, QUESTION, RunNotFound, connection, result, sse

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]


class RunInProgress(AppError):
    kind = Kind.CONFLICT
    reason = "RUN_IN_PROGRESS"
    detail = "An answer is being generated in this conversation."


class ShuttingDown(AppError):
    kind = Kind.UNAVAILABLE
    reason = "SHUTTING_DOWN"
    detail = "This replica is closing."


async def test_frames_come_as_events_byte_for_byte(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    door.chat.script = [frames[:1], frames[1:3], frames[3:]]
    response = await door.http.post(
        ASK,
        json={**QUESTION, "key_id": "k", "model": "m", "temperature": 0, "max_tokens": 5},
        headers={**door.bearer, **EVENTS},
    )
    assert response.status_code == 200
    assert response.content == sse(frames)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache, no-store, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["x-run-id"] == door.chat.run_id
    (call,) = door.chat.asked
    assert call.token == door.caller.token
    assert call.request == chat_pb2.StartRunRequest(
        session_id="01900000-0000-7000-8000-000000000002",
        content="How are you?",
        key_id="k",
        parameters=generation_pb2.GenerationParameters(model="m", temperature=0.0, max_tokens=5),
    )


async def test_a_question_without_a_session_asks_for_one(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    door.chat.script = [frames]
    response = await door.http.post(
        "/api/v1/chat/messages", json=QUESTION, headers={**door.bearer, **EVENTS}
    )
    assert response.content == sse(frames)
    assert door.chat.calls[0].request == chat_pb2.StartRunRequest(
        content="How are you?", parameters=generation_pb2.GenerationParameters()
    )


async def test_a_question_says_what_is_attached_to_it(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    door.chat.script = [frames]
    headers = {**door.bearer, **EVENTS}
    body = {**QUESTION, "attachments": ["f1", "f2"]}
    assert (await door.http.post(ASK, json=body, headers=headers)).status_code == 200
    (call,) = door.chat.asked
    assert list(call.request.attachments.file_ids) == ["f1", "f2"]
    wrongs: tuple[object, ...] = ("f1", [1], ["f"] * 11)
    for wrong in wrongs:
        response = await door.http.post(
            ASK, json={**QUESTION, "attachments": wrong}, headers=headers
        )
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"].startswith("attachments")


async def test_all_frames_of_a_message_go_out_in_one_chunk(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    door.chat.script = [frames]
    async with connection(door, "POST", ASK, QUESTION) as (reader, _):
        await reader.readuntil(b"\r\n\r\n")
        events = sse(frames)
        expected = b"%x\r\n%b\r\n0\r\n\r\n" % (len(events), events)
        assert await reader.readexactly(len(expected)) == expected


async def test_a_refusal_before_acceptance_is_a_problem_with_its_status(door: Door) -> None:
    door.chat.refusal = RunInProgress(metadata={"run_id": "r9"})
    for accept in ("text/event-stream", "application/json"):
        response = await door.http.post(
            ASK, json=QUESTION, headers={**door.bearer, "accept": accept}
        )
        assert response.status_code == 409
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["reason"] == "RUN_IN_PROGRESS"
        assert response.json()["run_id"] == "r9"


@pytest.mark.parametrize(("key", "times"), [(None, 1), ("k", 3)])
async def test_while_chat_service_is_away_a_question_is_asked_again_under_its_key_alone(
    door: Door, key: str | None, times: int
) -> None:
    door.chat.refusal = ShuttingDown()
    keyed = {} if key is None else {"idempotency-key": key}
    response = await door.http.post(ASK, json=QUESTION, headers={**door.bearer, **EVENTS, **keyed})
    assert (response.status_code, response.json()["reason"]) == (503, "SHUTTING_DOWN")
    assert [call.idempotency_key for call in door.chat.asked] == [key] * times


async def test_a_question_that_is_not_accepted_in_time_is_504(open_door: Any) -> None:
    door = await open_door(accept_seconds=0.2)
    door.chat.refusal = asyncio.Event()
    response = await door.http.post(ASK, json=QUESTION, headers={**door.bearer, **EVENTS})
    assert response.status_code == 504
    assert response.json()["reason"] == "DEADLINE_EXCEEDED"


async def test_a_silent_stream_has_a_heartbeat_without_an_id(
    open_door: Any, frames: list[chat_pb2.Frame]
) -> None:
    door = await open_door(heartbeat_seconds=0.05)
    more = asyncio.Event()
    door.chat.script = [frames[:1], more, frames[1:]]
    async with connection(door, "POST", ASK, QUESTION) as (reader, _), asyncio.timeout(30):
        await reader.readuntil(sse(frames[:1]))
        for _beat in range(3):
            await reader.readuntil(b"\r\n: \n\n\r\n")
        more.set()
        await reader.readuntil(sse(frames[1:]))
        await reader.readuntil(b"0\r\n\r\n")


async def test_a_stream_counts_with_the_time_to_its_start_and_is_logged_with_all_of_it(
    door: Door, frames: list[chat_pb2.Frame], access_log: AccessLog
) -> None:
    counted = "http_request_duration_seconds_sum"
    labels = {"method": "POST", "route": "/api/v1/chat/sessions/{session_id}/messages"}
    before = sample(counted, **labels) or 0.0
    more = asyncio.Event()
    door.chat.script = [frames[:1], more, frames[1:]]
    loop = asyncio.get_running_loop()
    async with connection(door, "POST", ASK, QUESTION) as (reader, _), asyncio.timeout(30):
        await reader.readuntil(sse(frames[:1]))
        began = loop.time()
        await eventually(lambda: loop.time() > began + 0.1)
        lasted = loop.time() - began
        more.set()
        await reader.readuntil(b"0\r\n\r\n")
    await eventually(lambda: access_log.lines)
    (line,) = access_log.lines
    to_its_start = (sample(counted, **labels) or 0.0) - before
    # The log tells tenths of milliseconds.
    assert line["duration_ms"] / 1000 - to_its_start > lasted - 0.001


async def test_a_client_that_has_gone_ends_the_call_at_once(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    door.chat.script = [frames[:1], asyncio.Event()]
    async with connection(door, "POST", ASK, QUESTION) as (reader, _):
        await reader.readuntil(sse(frames[:1]))
        assert not door.chat.ended.is_set()
    async with asyncio.timeout(30):
        await door.chat.ended.wait()


async def test_a_client_that_waits_for_the_whole_answer_and_goes_ends_the_call(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    door.chat.script = [frames[:1], asyncio.Event()]
    waiting = asyncio.create_task(door.http.post(ASK, json=QUESTION, headers=door.bearer))
    await eventually(lambda: door.chat.sent)
    waiting.cancel()
    await asyncio.wait((waiting,))
    async with asyncio.timeout(30):
        await door.chat.ended.wait()


async def test_a_client_that_does_not_read_stops_the_reading_behind_it(
    door: Door, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(number, "delta", b"x" * 65536)] for number in range(1, 2000)]
    async with connection(door, "POST", ASK, QUESTION) as (reader, _):
        await reader.readuntil(b"\r\n\r\n")
        sent = -1

        async def at_rest() -> bool:
            nonlocal sent
            before, sent = sent, door.chat.sent
            await asyncio.sleep(0.3)
            return bool(door.chat.sent == before)

        await eventually(at_rest)
        # Of 125 MiB only what sockets and flow-control windows hold is under way.
        assert door.chat.sent < 600
        assert not door.chat.ended.is_set()
    async with asyncio.timeout(30):
        await door.chat.ended.wait()


async def test_a_stream_that_breaks_off_ends_without_a_terminal_event(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    door.chat.script = [frames[:2], ShuttingDown()]
    response = await door.http.post(ASK, json=QUESTION, headers={**door.bearer, **EVENTS})
    assert response.status_code == 200
    assert response.content == sse(frames[:2])


async def test_the_whole_answer_comes_once_the_run_has_ended(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    more = asyncio.Event()
    door.chat.script = [frames[:2], more, frames[2:]]
    door.chat.answers["GetRun"] = result(chat_pb2.RUN_STATUS_COMPLETED)
    waiting = asyncio.create_task(door.http.post(ASK, json=QUESTION, headers=door.bearer))
    await eventually(lambda: door.chat.sent)
    assert not waiting.done()
    more.set()
    response = await waiting
    assert response.status_code == 200
    assert response.headers["x-run-id"] == door.chat.run_id
    told = response.json()
    assert set(told) == {"run", "question", "answer"}
    assert told["run"]["status"] == "completed"
    assert told["run"]["ended_at"] is None
    assert (told["question"]["content"], told["answer"]["content"]) == ("How are you?", "Well")
    assert door.chat.calls[-1].request == chat_pb2.GetRunRequest(run_id=door.chat.run_id)


async def test_a_failed_run_is_answered_with_the_problem_of_its_error_event(
    door: Door, make_frame: MakeFrame
) -> None:
    told = {"reason": "PROVIDER_RATE_LIMITED", "detail": "The model is too busy.", "status": 429}
    data = orjson.dumps({"problem": told, "message_id": "a", "order": 2, "saved": True})
    door.chat.script = [[make_frame(1, "start", b"{}"), make_frame(2, "error", data)]]
    response = await door.http.post(ASK, json=QUESTION, headers=door.bearer)
    assert response.status_code == response.json()["status"] == 429
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-run-id"] == door.chat.run_id
    assert response.json()["reason"] == "PROVIDER_RATE_LIMITED"
    assert response.json()["detail"] == "The model is too busy."


async def test_a_run_that_cannot_be_followed_to_its_end_is_503_with_its_id(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    scripts: list[list[Any]] = [[frames[:2], ShuttingDown()], [frames[:2]]]
    for breaking in scripts:
        door.chat.script = breaking
        response = await door.http.post(ASK, json=QUESTION, headers=door.bearer)
        assert response.status_code == 503
        assert response.json()["reason"] == "RUN_OUT_OF_SIGHT"
        assert response.json()["run_id"] == door.chat.run_id


async def test_a_run_whose_conversation_is_deleted_meanwhile_is_not_found(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    cases: list[tuple[list[Any], dict[str, Any]]] = [
        ([frames[:2], RunNotFound()], {}),
        ([frames], {"GetRun": RunNotFound()}),
    ]
    for script, answers in cases:
        door.chat.script = script
        door.chat.answers |= answers
        response = await door.http.post(ASK, json=QUESTION, headers=door.bearer)
        assert (response.status_code, response.json()["reason"]) == (404, "RUN_NOT_FOUND")
        assert "was deleted" in response.json()["detail"]
