"""Requests that last longer than the access token they came with."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import Unavailable
from chassis.testing import eventually
from parley.auth.v1 import auth_pb2
from parley.chat.v1 import chat_pb2

from .door import Door
from .fake_streams import FakeChannel

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]

ASK = "/api/v1/chat/messages"
QUESTION = {"content": "How are you?"}
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture
def door(own_door: Door) -> Door:
    """One of them has a channel."""
    return own_door


async def with_a_short_token(door: Door, **request: Any) -> Any:
    """Begin to ask with a token of two seconds; returns once it has expired."""
    door.caller = door.signer.caller(lifetime=2.0)
    headers = {**door.bearer, **request.pop("headers", {})}
    before = len(door.chat.calls)
    asking = asyncio.create_task(door.http.post(ASK, json=QUESTION, headers=headers))
    await eventually(lambda: len(door.chat.calls) > before)
    await eventually(lambda: time.time() > door.caller.expires_at)
    return asking


def answered() -> chat_pb2.GetRunResponse:
    return chat_pb2.GetRunResponse(
        run=chat_pb2.Run(id="r", session_id="s", status=chat_pb2.RUN_STATUS_COMPLETED),
        question=chat_pb2.Message(id="q", role=chat_pb2.MESSAGE_ROLE_USER, content="How are you?"),
        answer=chat_pb2.Message(id="a", role=chat_pb2.MESSAGE_ROLE_ASSISTANT, content="Well"),
    )


async def test_a_whole_answer_is_given_although_its_token_has_expired(
    door: Door, make_frame: MakeFrame
) -> None:
    end = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], end, [make_frame(2, "done", b"{}")]]
    door.chat.answers["GetRun"] = answered()
    asking = await with_a_short_token(door)
    end.set()
    response = await asking
    assert (response.status_code, response.json()["answer"]["content"]) == (200, "Well")
    # To begin anything with, the token is no longer good.
    for method, path in (("POST", ASK), ("GET", f"/api/v1/chat/runs/{door.chat.run_id}")):
        body = QUESTION if method == "POST" else None
        again = await door.http.request(method, path, json=body, headers=door.bearer)
        assert again.status_code == 401


async def test_a_whole_answer_is_not_given_to_a_login_that_was_revoked_meanwhile(
    door: Door, make_frame: MakeFrame
) -> None:
    end = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], end, [make_frame(2, "done", b"{}")]]
    door.chat.answers["GetRun"] = answered()
    asking = await with_a_short_token(door)
    now = int(time.time())
    door.auth.publish(
        auth_pb2.Revocation(
            sid=door.caller.sid,
            revoked_at=Timestamp(seconds=now),
            expires_at=Timestamp(seconds=now + 600),
        )
    )
    response = await asyncio.wait_for(asking, 30)
    assert response.status_code == 401
    assert not [call for call in door.chat.calls if call.method == "GetRun"]


async def test_a_stream_whose_channel_breaks_goes_on_although_its_token_has_expired(
    door: Door, channel: FakeChannel, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(2, "delta", b"{}")], [make_frame(3, "done", b"{}")]]
    asking = await with_a_short_token(door, headers=EVENTS)
    (_, subscription) = door.chat.destinations[-1]
    channel.bring(chat_pb2.Batch(subscription=subscription, frames=[make_frame(1, "start", b"{}")]))
    channel.steps.put_nowait(Unavailable())
    response = await asking
    assert [line for line in response.text.splitlines() if line.startswith("id: ")] == [
        "id: 1",
        "id: 2",
        "id: 3",
    ]
