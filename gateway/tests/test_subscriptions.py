"""One run's frames on their way to its reader: what may wait there, and how often a stream of its own may break."""

from collections.abc import AsyncGenerator
from typing import Any

from chassis.errors import Unavailable
from gateway.streams.subscription import FrameChannel, RunSubscription
from parley.chat.v1 import chat_pb2


async def test_a_stream_that_breaks_time_and_again_goes_on_while_each_brings_something() -> None:
    async def follow(_run_id: str, after: int) -> AsyncGenerator[Any, None]:
        event = "done" if after == 4 else "delta"
        yield chat_pb2.FollowRunResponse(frames=[chat_pb2.Frame(seq=after + 1, event=event)])
        raise Unavailable()

    subscription = RunSubscription(1, follow, lambda: None)
    subscription.begin("run", None)
    assert [frame.seq async for batch in subscription for frame in batch.frames] == [1, 2, 3, 4, 5]
    await subscription.aclose()


async def test_what_was_read_has_room_again() -> None:
    def follow(run_id: str, after: int) -> Any:
        raise AssertionError(f"{run_id} is on the channel behind {after}")

    subscription = RunSubscription(1, follow, lambda: None)
    subscription.begin("run", FrameChannel())
    for seq in range(1, 21, 2):
        # Two may wait, whatever came before them.
        for one in (seq, seq + 1):
            frame = chat_pb2.Frame(seq=one, event="delta", data=b"x" * 30_000)
            subscription.take(chat_pb2.Batch(frames=[frame]))
        heard = [frame.seq for _ in range(2) for frame in (await anext(subscription)).frames]
        assert heard == [seq, seq + 1]
    await subscription.aclose()
