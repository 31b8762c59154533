"""Frames that go from the channel's message to the client's socket, past the stream's own task."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from gateway.streams.frames import Batch
from gateway.streams.subscription import FrameChannel, RunSubscription
from parley.chat.v1 import chat_pb2

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]


class Sink:
    """Takes what it is told to take."""

    def __init__(self) -> None:
        self.takes = True
        self.breaks = False
        self.taken: list[int] = []

    def __call__(self, batch: Batch) -> bool:
        if self.breaks:
            raise ValueError("no frame that can be shown")
        if self.takes:
            self.taken += [frame.seq for frame in batch.frames]
        return self.takes


class Reading:
    """A subscription that is read by a task of its own, as a stream does it."""

    def __init__(self) -> None:
        self.sink = Sink()
        self.subscription = RunSubscription(1, self._follow, lambda: None)
        self.subscription.pour_into(self.sink)
        self.read: list[int] = []
        self.task = asyncio.create_task(self._read())

    def _follow(self, run_id: str, after: int) -> Any:
        raise AssertionError(f"{run_id} is on the channel behind {after}")

    async def _read(self) -> None:
        async for batch in self.subscription:
            self.read += [frame.seq for frame in batch.frames]

    async def turn(self) -> None:
        """Let the task come to where it waits."""
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.fixture
def delivery(make_frame: MakeFrame) -> Callable[..., chat_pb2.Batch]:
    def make(seq: int, event: str = "delta") -> chat_pb2.Batch:
        return chat_pb2.Batch(subscription=1, frames=[make_frame(seq, event, b"{}")])

    return make


async def test_what_the_sink_takes_does_not_come_to_the_reader_and_the_end_ends_its_reading(
    delivery: Callable[..., chat_pb2.Batch],
) -> None:
    reading = Reading()
    await reading.turn()
    for seq in range(1, 5):
        reading.subscription.take(delivery(seq))
    reading.subscription.take(delivery(5, "done"))
    await asyncio.wait_for(reading.task, 30)
    assert reading.sink.taken == [1, 2, 3, 4, 5]
    assert reading.read == []


async def test_what_the_sink_does_not_take_comes_to_the_reader_and_nothing_overtakes_it(
    delivery: Callable[..., chat_pb2.Batch],
) -> None:
    reading = Reading()
    await reading.turn()
    reading.subscription.take(delivery(1))
    reading.sink.takes = False
    reading.subscription.take(delivery(2))
    reading.sink.takes = True
    # The reader has not come to the second one yet.
    reading.subscription.take(delivery(3))
    assert reading.sink.taken == [1]
    await reading.turn()
    assert reading.read == [2, 3]
    reading.subscription.take(delivery(4, "done"))
    await asyncio.wait_for(reading.task, 30)
    assert reading.sink.taken == [1, 4]


async def test_what_is_too_much_for_a_reader_who_is_not_ready_is_not_kept_for_it() -> None:
    followed: list[int] = []

    async def follow(_run_id: str, after: int) -> AsyncGenerator[Any, None]:
        followed.append(after)
        yield chat_pb2.FollowRunResponse(frames=[chat_pb2.Frame(seq=after + 1, event="done")])

    def burst(seq: int) -> chat_pb2.Batch:
        return chat_pb2.Batch(frames=[chat_pb2.Frame(seq=seq, event="delta", data=b"x" * 40_000)])

    subscription = RunSubscription(1, follow, lambda: None)
    subscription.begin("run", FrameChannel())
    subscription.take(burst(1))
    assert [frame.seq for frame in (await anext(subscription)).frames] == [1]
    subscription.take(burst(2))
    # One may wait; with the second it is all left to the log.
    subscription.take(burst(3))
    assert not subscription._deliveries
    subscription.take(burst(4))
    assert [frame.seq for frame in (await anext(subscription)).frames] == [2]
    assert followed == [1]


async def test_what_came_already_or_behind_a_hole_is_not_poured(
    delivery: Callable[..., chat_pb2.Batch],
) -> None:
    reading = Reading()
    await reading.turn()
    for seq in (1, 1):
        reading.subscription.take(delivery(seq))
    await reading.turn()
    assert (reading.sink.taken, reading.read) == ([1], [])
    reading.subscription.take(delivery(2, "done"))
    await asyncio.wait_for(reading.task, 30)
    assert reading.sink.taken == [1, 2]


async def test_a_frame_that_cannot_be_shown_is_its_own_streams_trouble(
    delivery: Callable[..., chat_pb2.Batch],
) -> None:
    reading = Reading()
    await reading.turn()
    reading.sink.breaks = True
    reading.subscription.take(delivery(1))
    await reading.turn()
    assert reading.read == [1]
    reading.task.cancel()
