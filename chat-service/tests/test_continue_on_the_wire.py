"""An answer that is gone on with, as the gateway asks for it."""

from collections.abc import Sequence

import orjson
import pytest

from chassis.errors import Kind, RemoteError
from chassis.ids import new_id
from parley.chat.v1 import chat_pb2

from .client import Client

# Over the wire


def _text(frames: Sequence[chat_pb2.Frame]) -> str:
    return "".join(orjson.loads(frame.data)["text"] for frame in frames if frame.event == "delta")


async def test_its_frames_begin_with_the_text_so_far(client: Client) -> None:
    first, frames = await client.ask(model="no-finish-reason")
    assert orjson.loads(frames[-1].data)["status"] == "interrupted"
    second, more = await client.go_on(first.run_id, key="k")
    assert second.answer_id == first.answer_id
    assert [frame.event for frame in more[:2]] == ["start", "snapshot"]
    assert [frame.seq for frame in more] == list(range(1, len(more) + 1))
    assert orjson.loads(more[1].data) == {"text": _text(frames), "reasoning": ""}
    assert await client.go_on(first.run_id, key="k") == (second, more)

    listed = await client.call(
        "ListMessages", chat_pb2.ListMessagesRequest(session_id=first.session_id, count=True)
    )
    assert listed.total == len(listed.items) == 2
    answer = listed.items[1]
    assert answer.content == _text(frames) + _text(more)
    assert answer.run_id == second.run_id
    session = await client.call("GetSession", chat_pb2.GetSessionRequest(id=first.session_id))
    assert session.session.message_count == 2
    recovered = await client.call(
        "RecoverRun", chat_pb2.RecoverRunRequest(session_id=first.session_id)
    )
    assert (recovered.run.id, recovered.text) == (second.run_id, answer.content)
    assert recovered.seq == more[-1].seq


async def test_a_continuation_that_is_cancelled_keeps_all_that_was_said(client: Client) -> None:
    first, frames = await client.ask(model="no-finish-reason")
    text, events = "", list[str]()
    going_on = chat_pb2.ContinueRunRequest(run_id=first.run_id)
    async with client.start(going_on) as (second, responses):
        await client.call("CancelRun", chat_pb2.CancelRunRequest(run_id=second.run_id))
        async for response in responses:
            text += _text(response.frames)
            events += [frame.event for frame in response.frames]
    assert events[-1] == "done"
    found = await client.call("GetRun", chat_pb2.GetRunRequest(run_id=second.run_id))
    assert found.answer.content == _text(frames) + text


async def test_a_run_that_is_not_ones_own_cannot_be_continued(
    client: Client, strange_client: Client
) -> None:
    accepted, _ = await client.ask(model="no-finish-reason")
    for run_id in (accepted.run_id, str(new_id()), "x", ""):
        with pytest.raises(RemoteError) as refused:
            await strange_client.go_on(run_id)
        assert (refused.value.kind, refused.value.reason) == (Kind.NOT_FOUND, "RUN_NOT_FOUND")
