"""A run that is shown, and followed by whoever comes back to it."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from chassis.testing import eventually
from gateway.streams.sse import encode
from parley.chat.v1 import chat_pb2

from .door import Door
from .event_stream import ASK, EVENTS, QUESTION, RunNotFound, connection, result, sse

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]


async def test_a_run_is_shown_with_question_and_answer(door: Door) -> None:
    door.chat.answers["GetRun"] = result(chat_pb2.RUN_STATUS_INTERRUPTED)
    response = await door.http.get(
        "/api/v1/chat/runs/01900000-0000-7000-8000-000000000001", headers=door.bearer
    )
    assert response.json()["run"]["status"] == "interrupted"
    assert response.json()["answer"]["id"] == "a"


async def test_events_are_followed_from_the_last_one_seen(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    late = [chat_pb2.Frame(seq=f.seq + 7, event=f.event, data=f.data) for f in frames]
    door.chat.script = [late]
    path = "/api/v1/chat/runs/01900000-0000-7000-8000-000000000001/events"
    for query, headers, after in (
        ("", {}, 0),
        ("?after=2", {}, 2),
        ("", {"last-event-id": "7"}, 7),
        ("?after=2", {"last-event-id": "7"}, 7),
    ):
        response = await door.http.get(path + query, headers={**door.bearer, **headers})
        assert response.status_code == 200
        assert response.content == sse(late)
        assert response.headers["x-run-id"] == "01900000-0000-7000-8000-000000000001"
        assert door.chat.calls[-1].request == chat_pb2.FollowRunRequest(
            run_id="01900000-0000-7000-8000-000000000001", after=after
        )


async def test_following_a_run_of_somebody_else_is_404(door: Door) -> None:
    door.chat.refusal = RunNotFound()
    response = await door.http.get(
        "/api/v1/chat/runs/01900000-0000-7000-8000-000000000001/events", headers=door.bearer
    )
    assert response.status_code == 404
    assert response.json()["reason"] == "RUN_NOT_FOUND"


async def test_when_nothing_is_left_to_send_it_is_204(door: Door) -> None:
    door.chat.script = []
    response = await door.http.get(
        "/api/v1/chat/runs/01900000-0000-7000-8000-000000000001/events?after=9", headers=door.bearer
    )
    assert (response.status_code, response.content) == (204, b"")


async def test_a_follower_of_a_silent_run_gets_its_head_and_heartbeats(
    open_door: Any, frames: list[chat_pb2.Frame]
) -> None:
    door = await open_door(heartbeat_seconds=0.05)
    more = asyncio.Event()
    door.chat.script = [more, frames[3:]]
    path = "/api/v1/chat/runs/01900000-0000-7000-8000-000000000001/events?after=3"
    async with connection(door, "GET", path) as (reader, _), asyncio.timeout(30):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        await reader.readuntil(b": \n\n")
        more.set()
        await reader.readuntil(sse(frames[3:]))
        await reader.readuntil(b"0\r\n\r\n")


async def test_a_follower_that_goes_while_the_run_is_silent_ends_the_call(door: Door) -> None:
    door.chat.script = [asyncio.Event()]
    async with connection(
        door, "GET", "/api/v1/chat/runs/01900000-0000-7000-8000-000000000001/events"
    ) as (reader, _):
        await reader.readuntil(b"\r\n\r\n")
    async with asyncio.timeout(30):
        await door.chat.ended.wait()


async def test_odd_positions_are_422(door: Door) -> None:
    path = "/api/v1/chat/runs/01900000-0000-7000-8000-000000000001/events"
    for query, headers in (
        ("?after=-1", {}),
        ("?after=x", {}),
        (f"?after={2**63}", {}),
        ("", {"last-event-id": "abc"}),
        ("", {"last-event-id": "-5"}),
        ("", {"last-event-id": "1_0"}),
        ("", {"last-event-id": "1.0"}),
        ("?after=1_0", {}),
        ("?after=%2B1", {}),
    ):
        response = await door.http.get(path + query, headers={**door.bearer, **headers})
        assert (query, headers, response.status_code) == (query, headers, 422)
    assert door.chat.calls == []


async def test_a_head_request_for_events_holds_nothing_open(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    door.chat.script = [frames[:1], asyncio.Event()]
    response = await door.http.head(
        "/api/v1/chat/runs/01900000-0000-7000-8000-000000000001/events", headers=door.bearer
    )
    assert response.status_code == 200
    async with asyncio.timeout(30):
        await door.chat.ended.wait()


async def test_a_socket_is_refused_on_a_connection_that_still_answers(
    door: Door, frames: list[chat_pb2.Frame]
) -> None:
    door.chat.script = [frames[:1], asyncio.Event()]
    path = f"/api/v1/chat/runs/{door.chat.run_id}/events"
    async with connection(door, "GET", path) as (reader, writer), asyncio.timeout(30):
        await reader.readuntil(sse(frames[:1]))
        writer.write(
            b"GET /api/v1/ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP/1.1 101" not in await reader.read()
        # Its stream has ended with it.
        await door.chat.ended.wait()
    assert len(door.gateway.sockets) == 0


async def test_a_user_has_so_many_event_streams_and_gets_their_places_back(
    open_door: Any, frames: list[chat_pb2.Frame]
) -> None:
    door = await open_door(event_streams_per_user=1)
    path = f"/api/v1/chat/runs/{door.chat.run_id}/events"
    door.chat.script = [frames[:1], asyncio.Event()]
    async with connection(door, "GET", path) as (reader, _), asyncio.timeout(30):
        await reader.readuntil(sse(frames[:1]))
        calls = len(door.chat.calls)
        for response in (
            await door.http.get(path, headers=door.bearer),
            await door.http.post(ASK, json=QUESTION, headers={**door.bearer, **EVENTS}),
        ):
            assert (response.status_code, response.json()["reason"]) == (429, "TOO_MANY_STREAMS")
            assert response.headers["retry-after"] == "1"
            assert response.headers["ratelimit"] == '"too-many-streams";r=0;t=1'
        assert len(door.chat.calls) == calls
        door.chat.script = [frames[3:]]
        stranger = {"authorization": f"Bearer {door.signer.caller().token}"}
        assert (await door.http.get(path, headers=stranger)).status_code == 200

    async def free() -> bool:
        response = await door.http.get(path, headers=door.bearer)
        return bool(response.status_code == 200)

    await eventually(free)


def test_a_history_is_written_in_slices_for_which_there_must_be_room(
    make_frame: MakeFrame,
) -> None:
    history = [make_frame(seq, "delta", b'"%b"' % (b"x" * 10_000)) for seq in range(1, 30)]
    slices = list(encode(chat_pb2.FollowRunResponse(frames=history)))
    assert b"".join(slices) == sse(history)
    assert max(map(len, slices)) < 64 * 1024 + 11_000
    assert len(slices) == 5
