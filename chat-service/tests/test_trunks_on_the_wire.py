"""Runs on a trunk, from the gateway's side of the wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.service import Service
from chassis.testing import eventually
from parley.chat.v1 import chat_pb2

# `Client` of conftest.py, which a test module has no name for.
Client = Any


class Trunk:
    """One trunk as a gateway holds it, and what it has brought."""

    def __init__(self, channel: Channel, client: Client) -> None:
        self.gateway_id = str(new_id())
        self.id = self.replica = ""
        self.frames: dict[int, list[chat_pb2.Frame]] = {}
        self.off: set[int] = set()
        self.most_at_once = 0
        self.ended = asyncio.Event()
        self.leaving: asyncio.Queue[int] = asyncio.Queue()
        self._channel = channel
        self._method = client.stub.OpenTrunk

    @asynccontextmanager
    async def open(self, *has: str) -> AsyncIterator["Trunk"]:
        answers = self._channel.exchange(self._method, self._requests(has))
        async with aclosing(answers):
            first = await anext(answers)
            self.id, self.replica = first.trunk_id, first.replica
            reading = asyncio.create_task(self._read(answers))
            try:
                yield self
            finally:
                reading.cancel()
                await asyncio.wait([reading])

    async def _requests(self, has: tuple[str, ...]) -> AsyncIterator[chat_pb2.OpenTrunkRequest]:
        yield chat_pb2.OpenTrunkRequest(gateway_id=self.gateway_id, has=has)
        while True:
            yield chat_pb2.OpenTrunkRequest(leave=[await self.leaving.get()])

    async def _read(self, answers: Any) -> None:
        async for answer in answers:
            self.most_at_once = max(self.most_at_once, len(answer.loads))
            for load in answer.loads:
                self.frames.setdefault(load.ticket, []).extend(load.frames)
                if load.off:
                    self.off.add(load.ticket)
        self.ended.set()

    def has_ended(self, ticket: int) -> bool:
        frames = self.frames.get(ticket, [])
        return bool(frames) and frames[-1].event == "done"

    def question(self, ticket: int, model: str) -> chat_pb2.StartRunRequest:
        berth = chat_pb2.Berth(gateway_id=self.gateway_id, ticket=ticket)
        return chat_pb2.StartRunRequest(content="hello", model=model, berth=berth)


async def test_runs_on_a_trunk_come_whole_and_many_in_one_message(
    channel: Channel, client: Client
) -> None:
    async with Trunk(channel, client).open() as trunk:
        answers = await asyncio.gather(
            *(
                client.call("StartRun", trunk.question(ticket, "tokens-60-at-100"))
                for ticket in range(8)
            )
        )
        assert {answer.trunk_id for answer in answers} == {trunk.id}
        await eventually(lambda: all(trunk.has_ended(ticket) for ticket in range(8)))
        assert trunk.most_at_once > 1
        for ticket, answer in enumerate(answers):
            assert trunk.frames[ticket] == await client.follow(answer.accepted.run_id)


async def test_a_continuation_travels_on_the_trunk_as_well(
    channel: Channel, client: Client
) -> None:
    first, _ = await client.ask(model="no-finish-reason")
    async with Trunk(channel, client).open() as trunk:
        berth = chat_pb2.Berth(gateway_id=trunk.gateway_id, ticket=5)
        answer = await client.call(
            "ContinueRun", chat_pb2.ContinueRunRequest(run_id=first.run_id, berth=berth)
        )
        assert answer.trunk_id == trunk.id
        await eventually(lambda: trunk.has_ended(5))
        assert [frame.event for frame in trunk.frames[5]][:2] == ["start", "snapshot"]


async def test_without_a_trunk_a_run_is_there_to_be_followed(
    channel: Channel, client: Client
) -> None:
    trunk = Trunk(channel, client)
    answer = await client.call("StartRun", trunk.question(1, "tokens-20"))
    assert not answer.HasField("trunk_id")
    assert (await client.follow(answer.accepted.run_id))[-1].event == "done"


async def test_a_repeated_send_is_known_again_wherever_its_frames_are_to_go(
    channel: Channel, client: Client, client_elsewhere: Client
) -> None:
    async with Trunk(channel, client).open() as trunk:
        model = "tokens-60-at-50"
        first = await client.call("StartRun", trunk.question(1, model), "k")
        again = await client.call("StartRun", trunk.question(2, model), "k")
        assert again == first
        # A run that another replica generates is not in this one's memory.
        elsewhere = await client_elsewhere.call("StartRun", trunk.question(3, model), "k")
        assert elsewhere.accepted == first.accepted
        assert not elsewhere.HasField("trunk_id")
        await eventually(lambda: trunk.has_ended(1) and trunk.has_ended(2))
        assert trunk.frames[1] == trunk.frames[2]


async def test_a_replica_that_the_gateway_has_a_trunk_to_says_so_and_gives_no_second(
    channel: Channel, client: Client
) -> None:
    async with (
        Trunk(channel, client).open() as trunk,
        Trunk(channel, client).open(trunk.replica) as second,
    ):
        assert (second.replica, second.id) == (trunk.replica, "")


async def test_a_run_that_is_not_wanted_any_more_is_not_sent(
    channel: Channel, client: Client
) -> None:
    async with Trunk(channel, client).open() as trunk:
        answer = await client.call("StartRun", trunk.question(1, "endless-at-100"))
        await eventually(lambda: len(trunk.frames.get(1, ())) > 3)
        await trunk.leaving.put(1)
        other = await client.call("StartRun", trunk.question(2, "tokens-60-at-50"))
        await eventually(lambda: trunk.has_ended(2))
        seen = len(trunk.frames[1])
        follow = await client.call(
            "CancelRun", chat_pb2.CancelRunRequest(run_id=answer.accepted.run_id)
        )
        assert follow == chat_pb2.CancelRunResponse()
        frames = await client.follow(answer.accepted.run_id)
        assert seen < len(frames)
        assert trunk.frames[1] == frames[:seen]
        assert other.trunk_id == trunk.id


async def test_a_stop_lets_runs_end_on_their_trunk_and_then_closes_it(
    channel: Channel, client: Client, service: Service
) -> None:
    async with Trunk(channel, client).open() as trunk:
        await client.call("StartRun", trunk.question(1, "endless-at-100"))
        await eventually(lambda: len(trunk.frames.get(1, ())) > 3)
        await service.stop()
        async with asyncio.timeout(5):
            await trunk.ended.wait()
        assert trunk.has_ended(1)
        assert b'"interrupted"' in trunk.frames[1][-1].data
