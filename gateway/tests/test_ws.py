"""The WebSocket: its handshake, its tokens, and what is said over it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from chassis.errors import AppError, Kind
from chassis.testing import eventually
from parley.auth.v1 import auth_pb2
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2

from .door import Door
from .sockets import Dial

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]
PATH = "/api/v1/ws"


class RunInProgress(AppError):
    kind = Kind.CONFLICT
    reason = "RUN_IN_PROGRESS"
    detail = "An answer is being generated in this conversation."


class RunNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "RUN_NOT_FOUND"
    detail = "There is no such run."


async def refusal(door: Door, **options: Any) -> tuple[int, str]:
    """Status and reason of a handshake that is refused."""
    url = f"ws://127.0.0.1:{door.port}{PATH}"
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, proxy=None, **options)
    response = refused.value.response
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, orjson.loads(response.body or b"")["reason"]


def event(run_id: str, seq: int, name: str, data: Any) -> Any:
    return {"type": "event", "run_id": run_id, "seq": seq, "event": name, "data": data}


@pytest.fixture
def script(make_frame: MakeFrame) -> list[list[chat_pb2.Frame]]:
    return [
        [make_frame(1, "start", b'{"model":"m"}')],
        [make_frame(2, "delta", '{"text":"Grüß"}'.encode()), make_frame(3, "delta", b"{}")],
        [make_frame(4, "done", b'{"status":"completed"}')],
    ]


async def test_a_question_is_acknowledged_and_its_events_follow(
    door: Door, dial: Dial, script: Any
) -> None:
    door.chat.script = script
    client = await dial(door)
    told = await client.ask(
        type="send",
        ref="1",
        session_id="s1",
        content="How are you?",
        temperature=0.5,
        attachments=["f1"],
    )
    run = door.chat.run_id
    assert told["type"] == "ack"
    assert (told["ref"], told["run_id"], told["session_id"]) == ("1", run, "s")
    assert told["question_id"] == "q"
    assert [await client.hear() for _ in range(4)] == [
        event(run, 1, "start", {"model": "m"}),
        event(run, 2, "delta", {"text": "Grüß"}),
        event(run, 3, "delta", {}),
        event(run, 4, "done", {"status": "completed"}),
    ]
    assert await client.ask(type="ping", ref="p") == {"type": "pong", "ref": "p"}
    (call,) = door.chat.asked
    assert call.token == door.caller.token
    assert call.request == chat_pb2.StartRunRequest(
        session_id="s1",
        content="How are you?",
        attachments=chat_pb2.Attached(file_ids=["f1"]),
        parameters=generation_pb2.GenerationParameters(temperature=0.5),
    )


async def test_a_run_is_continued_as_a_new_one(door: Door, dial: Dial, script: Any) -> None:
    door.chat.script = script
    client = await dial(door)
    told = await client.ask(type="continue", ref="1", run_id="r1", idempotency_key="k")
    assert (told["type"], told["run_id"]) == ("ack", door.chat.run_id)
    assert [(await client.hear())["seq"] for _ in range(4)] == [1, 2, 3, 4]
    (call,) = door.chat.asked
    assert call.request == chat_pb2.ContinueRunRequest(run_id="r1")
    assert call.idempotency_key == "k"


async def test_a_handshake_with_a_token_needs_no_first_frame(door: Door, dial: Dial) -> None:
    client = await dial(door, auth=False, additional_headers=door.bearer)
    assert await client.ask(type="ping") == {"type": "pong"}


async def test_a_bad_token_with_the_handshake_is_refused_before_the_upgrade(door: Door) -> None:
    expired = door.signer.caller(lifetime=-1.0).token
    stranger = type(door.signer)().token()
    for told in (
        f"Bearer {expired}",
        f"Bearer {stranger}",
        "Bearer forged",
        "Bearer",
        "Basic eDp5",
    ):
        headers = {"authorization": told}
        assert await refusal(door, additional_headers=headers) == (401, "UNAUTHENTICATED")
    assert len(door.gateway.sockets) == 0


async def test_a_handshake_before_any_key_has_arrived_is_503(open_door: Any) -> None:
    door = await open_door(ready=False)
    assert await refusal(door, additional_headers=door.bearer) == (503, "TRUST_UNAVAILABLE")


async def test_a_token_in_the_address_authenticates_nobody(door: Door) -> None:
    url = f"ws://127.0.0.1:{door.port}{PATH}?token={door.caller.token}"
    async with connect(url, proxy=None) as connection:
        await connection.send('{"type":"ping","ref":"1"}')
        told = orjson.loads(await connection.recv())
        assert (told["type"], told["ref"], told["reason"]) == ("problem", "1", "UNAUTHENTICATED")
        await connection.wait_closed()
        assert connection.close_code == 4401


async def test_a_socket_without_a_first_frame_is_closed(open_door: Any, dial: Dial) -> None:
    door = await open_door(socket_auth_seconds=0.05)
    client = await dial(door, auth=False)
    assert await client.closed() == 4401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é"])
async def test_a_bad_token_is_a_problem_and_the_end(door: Door, dial: Dial, token: str) -> None:
    client = await dial(door, auth=False)
    told = await client.ask(type="auth", token=token)
    assert (told["status"], told["reason"]) == (401, "UNAUTHENTICATED")
    assert await client.closed() == 4401


async def test_before_any_key_has_arrived_the_client_is_told_to_come_again(
    open_door: Any, dial: Dial
) -> None:
    door = await open_door(ready=False)
    client = await dial(door, auth=False)
    told = await client.ask(type="auth", token=door.caller.token)
    assert (told["status"], told["reason"]) == (503, "TRUST_UNAVAILABLE")
    assert await client.closed() == 1013


async def test_pages_of_other_origins_are_refused(open_door: Any, dial: Dial) -> None:
    door = await open_door(cors_origins=("https://app.example",))
    for origin in ("https://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"):
        assert await refusal(door, origin=origin) == (403, "ORIGIN_NOT_ALLOWED")
    for origin in ("https://app.example", f"http://127.0.0.1:{door.port}"):
        client = await dial(door, origin=origin)
        assert await client.ask(type="ping") == {"type": "pong"}


async def test_a_plain_request_is_told_to_upgrade(door: Door) -> None:
    response = await door.http.get(PATH)
    assert (response.status_code, response.json()["reason"]) == (426, "UPGRADE_REQUIRED")
    upgrade = {"connection": "Upgrade", "upgrade": "websocket"}
    for version, key in (("12", "dGhlIHNhbXBsZSBub25jZQ=="), ("13", "short"), ("13", "")):
        asked = {"sec-websocket-version": version, "sec-websocket-key": key}
        response = await door.http.get(PATH, headers={**upgrade, **asked})
        assert (response.status_code, response.json()["reason"]) == (426, "UPGRADE_REQUIRED")
    elsewhere = await door.http.get("/api/v1/nowhere", headers=upgrade)
    assert elsewhere.status_code == 404


async def test_a_token_that_ends_ends_the_socket_and_a_new_one_keeps_it(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    short = door.signer.caller(door.caller.user_id, lifetime=2)
    left, renewed = await dial(door, auth=False), await dial(door, auth=False)
    for client in (left, renewed):
        await client.ask(type="auth", token=short.token)
    assert (await renewed.ask(type="auth", token=door.caller.token))["type"] == "ack"
    assert await left.closed() == 4401
    assert time.time() >= short.expires_at
    assert await renewed.ask(type="ping") == {"type": "pong"}


async def test_another_users_token_cannot_take_a_socket_over(door: Door, dial: Dial) -> None:
    client = await dial(door)
    told = await client.ask(type="auth", token=door.signer.caller().token)
    assert told["reason"] == "UNAUTHENTICATED"
    assert await client.closed() == 4401


@pytest.mark.parametrize("by", ["sid", "user_id"])
async def test_a_revocation_ends_open_sockets_and_their_followers_within_5_seconds(
    door: Door, dial: Dial, make_frame: MakeFrame, by: str
) -> None:
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    client, other = await dial(door), await dial(door, auth=False)
    await other.ask(type="auth", token=door.signer.caller().token)
    assert (await client.ask(type="send", ref="1", content="x"))["type"] == "ack"
    assert (await client.hear())["event"] == "start"
    began = time.monotonic()
    door.auth.publish(
        auth_pb2.Revocation(
            **{by: str(getattr(door.caller, by))},
            revoked_at=Timestamp(seconds=int(time.time()) + 1),
            expires_at=Timestamp(seconds=int(time.time()) + 600),
        )
    )
    assert await client.closed() == 4401
    async with asyncio.timeout(30):
        await door.chat.ended.wait()
    assert time.monotonic() - began < 15
    assert await other.ask(type="ping") == {"type": "pong"}


async def test_a_reader_that_comes_back_follows_from_its_cursor(
    door: Door, dial: Dial, script: Any
) -> None:
    door.chat.script = script[2:]
    client = await dial(door)
    assert await client.ask(type="follow", ref="f", run_id="r", after=3) == {
        "type": "ack",
        "ref": "f",
        "run_id": "r",
    }
    assert await client.hear() == event("r", 4, "done", {"status": "completed"})
    assert door.chat.calls[0].request == chat_pb2.FollowRunRequest(run_id="r", after=3)


async def test_following_a_run_that_was_seen_to_its_end_says_so(door: Door, dial: Dial) -> None:
    client = await dial(door)
    told = await client.ask(type="follow", ref="f", run_id="r", after=9)
    assert told == {"type": "ack", "ref": "f", "run_id": "r", "ended": True}


async def test_a_run_that_is_silent_is_acknowledged_all_the_same_and_so_is_its_end(
    door: Door, dial: Dial
) -> None:
    end = asyncio.Event()
    door.chat.script = [end]
    client = await dial(door)
    ack = {"type": "ack", "ref": "f", "run_id": "r"}
    # Behind what it will have had: as a run that had ended before.
    assert await client.ask(type="follow", ref="f", run_id="r", after=9) == ack
    end.set()
    assert await client.hear() == ack | {"ended": True}


async def test_refusals_of_the_services_are_problems_and_end_nothing(
    door: Door, dial: Dial
) -> None:
    client = await dial(door)
    door.chat.refusal = RunInProgress(metadata={"run_id": "r9"})
    told = await client.ask(type="send", ref="1", session_id="s", content="x")
    assert told.pop("request_id")
    assert told == {
        "type": "problem",
        "ref": "1",
        "title": "Conflict",
        "status": 409,
        "reason": "RUN_IN_PROGRESS",
        "detail": RunInProgress.detail,
        "run_id": "r9",
    }
    # Someone else's run is told like one that does not exist.
    door.chat.refusal = RunNotFound()
    door.chat.answers["CancelRun"] = RunNotFound()
    for kind in ("follow", "cancel", "continue"):
        told = await client.ask(type=kind, ref="2", run_id="r")
        assert (told["status"], told["reason"], told["ref"]) == (404, "RUN_NOT_FOUND", "2")
    assert await client.ask(type="ping") == {"type": "pong"}


async def test_each_question_of_a_socket_has_an_identity_of_its_own(door: Door, dial: Dial) -> None:
    client = await dial(door)
    door.chat.refusal = RunNotFound()
    told = [await client.ask(type="send", ref=ref, content="x") for ref in ("1", "2")]
    assert [one["request_id"] for one in told] == [call.request_id for call in door.chat.calls]
    assert len({call.request_id for call in door.chat.calls}) == 2
    assert len({call.traceparent.split("-")[1] for call in door.chat.calls}) == 2


async def test_a_cancel_reaches_the_run_and_is_acknowledged(door: Door, dial: Dial) -> None:
    door.chat.answers["CancelRun"] = chat_pb2.CancelRunResponse()
    client = await dial(door)
    told = await client.ask(type="cancel", ref="c", run_id="r")
    assert told == {"type": "ack", "ref": "c", "run_id": "r"}
    assert door.chat.calls[0].request == chat_pb2.CancelRunRequest(run_id="r")


async def test_a_cancel_just_before_the_end_is_still_passed_on(door: Door, dial: Dial) -> None:
    door.chat.answers["CancelRun"] = chat_pb2.CancelRunResponse()
    client = await dial(door)
    await client.say(type="cancel", ref="c", run_id="r")
    await client.connection.close()
    await eventually(lambda: door.chat.calls)


@pytest.mark.parametrize(
    ("frame", "fields"),
    [
        ({}, {"type": "REQUIRED"}),
        ({"type": "shout", "ref": "1"}, {"type": "NOT_ONE_OF"}),
        ({"type": ["send"], "ref": "1"}, {"type": "NOT_ONE_OF"}),
        ({"type": "send", "content": "x"}, {"ref": "REQUIRED"}),
        (
            {"type": "send", "ref": "1", "content": "x", "user_id": "u"},
            {"user_id": "UNKNOWN_FIELD"},
        ),
        ({"type": "send", "ref": "1", "content": "a\x00"}, {"content": "INVALID_CHARACTER"}),
        ({"type": "send", "ref": "1", "content": 5}, {"content": "WRONG_TYPE"}),
        (
            {"type": "send", "ref": "1", "content": "x", "idempotency_key": "a b"},
            {"idempotency_key": "INVALID"},
        ),
        ({"type": "follow", "ref": "1", "run_id": "r", "after": -1}, {"after": "TOO_SMALL"}),
        ({"type": "follow", "ref": "1", "run_id": "r", "after": 2**63}, {"after": "TOO_LARGE"}),
        ({"type": "cancel", "ref": "x" * 65, "run_id": "r"}, {"ref": "TOO_LONG"}),
        ([1], {"body": "WRONG_TYPE"}),
    ],
)
async def test_a_frame_that_does_not_fit_is_a_problem_by_field(
    door: Door, dial: Dial, frame: Any, fields: dict[str, str]
) -> None:
    client = await dial(door)
    await client.connection.send(orjson.dumps(frame).decode())
    told = await client.hear()
    assert (told["type"], told["status"], told["reason"]) == ("problem", 422, "VALIDATION")
    assert {error["field"]: error["reason"] for error in told["errors"]} == fields
    ref = frame.get("ref") if isinstance(frame, dict) else None
    assert told.get("ref") == (ref if ref == "1" else None)
    assert await client.ask(type="ping") == {"type": "pong"}
    assert door.chat.calls == []


async def test_an_idempotency_key_travels_with_the_question(
    door: Door, dial: Dial, script: Any
) -> None:
    door.chat.script = script
    client = await dial(door)
    told = await client.ask(type="send", ref="1", content="x", idempotency_key="k-1")
    assert told["type"] == "ack"
    assert door.chat.calls[0].idempotency_key == "k-1"


async def test_a_socket_is_described_in_the_api_document(door: Door) -> None:
    document = (await door.http.get("/openapi.json")).json()
    assert "auth" in document["paths"][PATH]["get"]["description"]


async def test_a_gateway_with_no_room_says_so_before_the_handshake(
    open_door: Any, dial: Dial
) -> None:
    door = await open_door(sockets=1)
    await dial(door)
    assert await refusal(door) == (503, "NO_ROOM")


async def test_a_user_has_so_many_sockets_and_gets_their_places_back(
    open_door: Any, dial: Dial
) -> None:
    door = await open_door(sockets_per_user=1)
    first = await dial(door)
    second = await dial(door, auth=False)
    told = await second.ask(type="auth", token=door.caller.token)
    assert (told["status"], told["reason"]) == (429, "TOO_MANY_SOCKETS")
    assert told["retry_after"] == 1
    assert await second.closed() == 4429
    assert await refusal(door, additional_headers=door.bearer) == (429, "TOO_MANY_SOCKETS")
    stranger = await dial(door, auth=False)
    told = await stranger.ask(type="auth", ref="s", token=door.signer.caller().token)
    assert told == {"type": "ack", "ref": "s"}
    await first.connection.close()

    async def again() -> bool:
        try:
            await dial(door, auth=False, additional_headers=door.bearer)
        except InvalidStatus:
            return False
        return True

    await eventually(again)


async def test_draining_closes_sockets_with_1012(open_door: Any, dial: Dial) -> None:
    door = await open_door(drain_seconds=5)
    door.chat.script = [asyncio.Event()]
    client = await dial(door)
    await client.ask(type="send", ref="1", content="x")
    stopping = asyncio.create_task(door.gateway.service.stop())
    assert await client.closed() == 1012
    async with asyncio.timeout(30):
        await stopping
