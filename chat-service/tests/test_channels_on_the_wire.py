"""Runs on a frame channel, from the gateway's side of the wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.service import Service
from chassis.testing import eventually
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2

from .client import Client


def _listeners() -> list[str]:
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name == "channel-unsubscribes"]


class FrameChannel:
    """One channel as a gateway holds it, and what it has brought."""

    def __init__(self, channel: Channel, client: Client) -> None:
        self.gateway_id = str(new_id())
        self.id = self.replica = ""
        self.frames: dict[int, list[chat_pb2.Frame]] = {}
        self.detached: set[int] = set()
        self.most_at_once = 0
        self.ended = asyncio.Event()
        self.unwanted: asyncio.Queue[int] = asyncio.Queue()
        self._channel = channel
        self._method = client.frames.OpenChannel

    @asynccontextmanager
    async def open(self, *has: str) -> AsyncIterator["FrameChannel"]:
        before = len(_listeners())
        answers = self._channel.exchange(self._method, self._requests(has))
        async with aclosing(answers):
            first = await anext(answers)
            self.id, self.replica = first.channel_id, first.replica
            reading = asyncio.create_task(self._read(answers))
            try:
                yield self
            finally:
                reading.cancel()
                await asyncio.wait([reading])
                await answers.aclose()
                # The service runs in this loop: nobody listens to who has gone.
                await eventually(lambda: len(_listeners()) == before)

    async def _requests(self, has: tuple[str, ...]) -> AsyncIterator[chat_pb2.OpenChannelRequest]:
        yield chat_pb2.OpenChannelRequest(gateway_id=self.gateway_id, has=has)
        while True:
            yield chat_pb2.OpenChannelRequest(unsubscribe=[await self.unwanted.get()])

    async def _read(self, answers: Any) -> None:
        async for answer in answers:
            self.most_at_once = max(self.most_at_once, len(answer.batches))
            for batch in answer.batches:
                self.frames.setdefault(batch.subscription, []).extend(batch.frames)
                if batch.detached:
                    self.detached.add(batch.subscription)
        self.ended.set()

    def has_ended(self, subscription: int) -> bool:
        frames = self.frames.get(subscription, [])
        return bool(frames) and frames[-1].event == "done"

    def question(self, subscription: int, model: str) -> chat_pb2.StartRunRequest:
        destination = chat_pb2.Destination(gateway_id=self.gateway_id, subscription=subscription)
        return chat_pb2.StartRunRequest(
            content="hello",
            parameters=generation_pb2.GenerationParameters(model=model),
            destination=destination,
        )


async def test_runs_on_a_channel_come_whole_and_many_in_one_message(
    channel: Channel, client: Client
) -> None:
    async with FrameChannel(channel, client).open() as frames:
        answers = await asyncio.gather(
            *(
                client.call("StartRun", frames.question(subscription, "tokens-60-at-100"))
                for subscription in range(8)
            )
        )
        assert {answer.channel_id for answer in answers} == {frames.id}
        await eventually(lambda: all(frames.has_ended(subscription) for subscription in range(8)))
        assert frames.most_at_once > 1
        for subscription, answer in enumerate(answers):
            assert frames.frames[subscription] == await client.follow(answer.accepted.run_id)


async def test_a_continuation_travels_on_the_channel_as_well(
    channel: Channel, client: Client
) -> None:
    first, _ = await client.ask(model="no-finish-reason")
    async with FrameChannel(channel, client).open() as frames:
        destination = chat_pb2.Destination(gateway_id=frames.gateway_id, subscription=5)
        answer = await client.call(
            "ContinueRun", chat_pb2.ContinueRunRequest(run_id=first.run_id, destination=destination)
        )
        assert answer.channel_id == frames.id
        await eventually(lambda: frames.has_ended(5))
        assert [frame.event for frame in frames.frames[5]][:2] == ["start", "snapshot"]


async def test_without_a_channel_a_run_is_there_to_be_followed(
    channel: Channel, client: Client
) -> None:
    frames = FrameChannel(channel, client)
    answer = await client.call("StartRun", frames.question(1, "tokens-20"))
    assert not answer.HasField("channel_id")
    assert (await client.follow(answer.accepted.run_id))[-1].event == "done"


async def test_a_repeated_send_is_known_again_wherever_its_frames_are_to_go(
    channel: Channel, client: Client, client_elsewhere: Client
) -> None:
    async with FrameChannel(channel, client).open() as frames:
        model = "tokens-60-at-50"
        first = await client.call("StartRun", frames.question(1, model), "k")
        again = await client.call("StartRun", frames.question(2, model), "k")
        assert again == first
        # A run that another replica generates is not in this one's memory.
        elsewhere = await client_elsewhere.call("StartRun", frames.question(3, model), "k")
        assert elsewhere.accepted == first.accepted
        assert not elsewhere.HasField("channel_id")
        await eventually(lambda: frames.has_ended(1) and frames.has_ended(2))
        assert frames.frames[1] == frames.frames[2]


async def test_a_replica_that_the_gateway_has_a_channel_to_says_so_and_gives_no_second(
    channel: Channel, client: Client
) -> None:
    async with (
        FrameChannel(channel, client).open() as frames,
        FrameChannel(channel, client).open(frames.replica) as second,
    ):
        assert (second.replica, second.id) == (frames.replica, "")


async def test_a_run_that_is_not_wanted_any_more_is_not_sent(
    channel: Channel, client: Client
) -> None:
    async with FrameChannel(channel, client).open() as frames:
        answer = await client.call("StartRun", frames.question(1, "endless-at-100"))
        await eventually(lambda: len(frames.frames.get(1, ())) > 3)
        await frames.unwanted.put(1)
        other = await client.call("StartRun", frames.question(2, "tokens-60-at-50"))
        await eventually(lambda: frames.has_ended(2))
        seen = len(frames.frames[1])
        follow = await client.call(
            "CancelRun", chat_pb2.CancelRunRequest(run_id=answer.accepted.run_id)
        )
        assert follow == chat_pb2.CancelRunResponse()
        whole = await client.follow(answer.accepted.run_id)
        assert seen < len(whole)
        assert frames.frames[1] == whole[:seen]
        assert other.channel_id == frames.id


async def test_a_stop_lets_runs_end_on_their_channel_and_then_closes_it(
    channel: Channel, client: Client, service: Service
) -> None:
    async with FrameChannel(channel, client).open() as frames:
        await client.call("StartRun", frames.question(1, "endless-at-100"))
        await eventually(lambda: len(frames.frames.get(1, ())) > 3)
        await service.stop()
        async with asyncio.timeout(30):
            await frames.ended.wait()
        assert frames.has_ended(1)
        assert b'"interrupted"' in frames.frames[1][-1].data
