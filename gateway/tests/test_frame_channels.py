"""Runs whose frames come by a channel, and go on by themselves when it does not bring them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from chassis.errors import Unavailable
from chassis.testing import eventually
from parley.chat.v1 import chat_pb2

from .door import Door, OpenDoor
from .event_stream import sse
from .fake_streams import FakeChannel
from .raw_client import CallRaw

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]

ASK = "/api/v1/chat/messages"
DELTA = b'{"text":"x"}'


@pytest.fixture
def door(own_door: Door) -> Door:
    """That of each test has a channel, or has none."""
    return own_door


def batch(subscription: int, *frames: chat_pb2.Frame, detached: bool = False) -> chat_pb2.Batch:
    return chat_pb2.Batch(subscription=subscription, frames=frames, detached=detached)


class Reader:
    """A client in the middle of an answer."""

    def __init__(self, response: httpx.Response, subscription: int) -> None:
        self.subscription = subscription
        self._events = self._read(response)

    async def _read(self, response: httpx.Response) -> AsyncIterator[tuple[int, str]]:
        seq = 0
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                seq = int(value)
            elif name == "event":
                yield seq, value

    async def take(self, count: int) -> list[tuple[int, str]]:
        async with asyncio.timeout(30):
            return [await anext(self._events) for _ in range(count)]

    async def rest(self) -> list[tuple[int, str]]:
        async with asyncio.timeout(30):
            return [event async for event in self._events]


@asynccontextmanager
async def asking(door: Door) -> AsyncIterator[Reader]:
    headers = {**door.bearer, "accept": "text/event-stream"}
    async with door.http.stream("POST", ASK, json={"content": "x"}, headers=headers) as response:
        assert response.status_code == 200
        yield Reader(response, door.chat.destinations[-1][1])


def followed(door: Door) -> list[int]:
    """The numbers behind which runs were followed by themselves."""
    return [call.request.after for call in door.chat.calls if call.method == "FollowRun"]


async def test_answers_come_by_the_channel_each_to_its_reader(
    door: Door, channel: FakeChannel, make_frame: MakeFrame
) -> None:
    async with asking(door) as one, asking(door) as other:
        assert one.subscription != other.subscription
        start, delta, done = (
            make_frame(n, e, DELTA) for n, e in ((1, "start"), (2, "delta"), (3, "done"))
        )
        channel.bring(batch(one.subscription, start, delta), batch(other.subscription, start))
        assert await one.take(2) == [(1, "start"), (2, "delta")]
        assert await other.take(1) == [(1, "start")]
        channel.bring(
            batch(other.subscription, delta, done), batch(one.subscription, done), batch(999, delta)
        )
        assert await one.rest() == [(3, "done")]
        assert await other.rest() == [(2, "delta"), (3, "done")]
    assert followed(door) == []
    assert channel.unsubscribed == []


async def test_a_client_that_knows_no_chunks_has_what_the_channel_brings_in_plain_bytes(
    door: Door, channel: FakeChannel, make_frame: MakeFrame, call_raw: CallRaw
) -> None:
    body = b'{"content":"x"}'
    client = await call_raw(
        door,
        f"POST {ASK} HTTP/1.0\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n"
        f"authorization: {door.bearer['authorization']}\r\ncontent-length: {len(body)}\r\n\r\n".encode(),
        body,
    )
    assert "transfer-encoding" not in (await client.head()).headers
    (_, subscription) = door.chat.destinations[-1]
    frames = [make_frame(seq, "delta", DELTA) for seq in range(1, 5)]
    # Each once the one before has come: its reader waits, and it may go the short way.
    for frame in frames:
        channel.bring(batch(subscription, frame))
        assert await client.reader.readexactly(len(sse([frame]))) == sse([frame])
    done = make_frame(5, "done", b"{}")
    channel.bring(batch(subscription, done))
    assert await client.rest() == sse([done])
    assert followed(door) == []


async def test_what_comes_before_the_question_is_known_to_be_accepted_waits(
    door: Door, channel: FakeChannel, make_frame: MakeFrame
) -> None:
    gate = door.chat.refusal = asyncio.Event()
    headers = {**door.bearer, "accept": "text/event-stream"}
    request = door.http.post(ASK, json={"content": "x"}, headers=headers)
    asked = asyncio.create_task(request)
    await eventually(lambda: door.chat.destinations)
    ((_, subscription),) = door.chat.destinations
    channel.bring(batch(subscription, make_frame(1, "start", b"{}"), make_frame(2, "done", b"{}")))
    # A second reader is served meanwhile: the first load has arrived by then.
    door.chat.refusal = None
    async with asking(door) as other:
        channel.bring(batch(other.subscription, make_frame(1, "done", b"{}")))
        assert await other.rest() == [(1, "done")]
    gate.set()
    response = await asked
    assert response.text.count("id: ") == 2


async def test_nobody_waits_behind_all_that_another_asks_who_is_told_so(
    open_door: OpenDoor,
) -> None:
    door = await open_door(accept_seconds=4.0)
    gate = door.chat.refusal = asyncio.Event()
    headers = {**door.bearer, "accept": "text/event-stream"}

    def ask(headers: dict[str, str]) -> asyncio.Task[httpx.Response]:
        return asyncio.create_task(door.http.post(ASK, json={"content": "x"}, headers=headers))

    asked = [ask(headers) for _ in range(9)]
    await eventually(lambda: len(door.chat.destinations) == 8)
    colleague = door.signer.caller(tenant_id=door.caller.tenant_id)
    other = ask({**headers, "authorization": f"Bearer {colleague.token}"})
    await eventually(lambda: len(door.chat.destinations) == 9)
    (last,) = (await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED))[0]
    refused = last.result()
    assert (refused.status_code, refused.json()["reason"]) == (429, "TOO_MANY_QUESTIONS")
    assert refused.headers["retry-after"] == "2"
    gate.set()
    assert [(await one).status_code for one in (*asked, other)].count(200) == 9


@pytest.mark.parametrize("end", [Unavailable(), None])
async def test_a_channel_that_breaks_is_opened_again_and_its_runs_go_on_by_themselves(
    door: Door, channel: FakeChannel, make_frame: MakeFrame, end: Exception | None
) -> None:
    door.chat.script = [[make_frame(3, "delta", DELTA)], [make_frame(4, "done", b"{}")]]
    async with asking(door) as reader:
        channel.bring(
            batch(reader.subscription, make_frame(1, "start", b"{}"), make_frame(2, "delta", DELTA))
        )
        assert await reader.take(2) == [(1, "start"), (2, "delta")]
        channel.steps.put_nowait(end)
        assert await reader.rest() == [(3, "delta"), (4, "done")]
    assert followed(door) == [2]
    await eventually(lambda: channel.opened == 2)


async def test_a_run_that_is_put_off_goes_on_by_itself(
    door: Door, channel: FakeChannel, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(2, "done", b"{}")]]
    async with asking(door) as reader:
        channel.bring(batch(reader.subscription, make_frame(1, "start", b"{}"), detached=True))
        assert await reader.rest() == [(1, "start"), (2, "done")]
    assert followed(door) == [1]


async def test_what_comes_twice_is_shown_once_and_behind_a_hole_nothing(
    door: Door, channel: FakeChannel, make_frame: MakeFrame
) -> None:
    frames = [make_frame(seq, "delta", DELTA) for seq in range(8)]
    door.chat.script = [[frames[4], frames[5]], [make_frame(6, "done", b"{}")]]
    async with asking(door) as reader:
        channel.bring(batch(reader.subscription, frames[1], frames[2]))
        channel.bring(batch(reader.subscription, frames[1]))
        channel.bring(batch(reader.subscription, frames[2], frames[3]))
        channel.bring(batch(reader.subscription, frames[5]))
        assert [seq for seq, _ in await reader.rest()] == [1, 2, 3, 4, 5, 6]
    assert followed(door) == [3]
    await eventually(lambda: channel.unsubscribed == [reader.subscription])


async def test_a_snapshot_may_leap_ahead(
    door: Door, channel: FakeChannel, make_frame: MakeFrame
) -> None:
    async with asking(door) as reader:
        channel.bring(
            batch(
                reader.subscription, make_frame(5, "snapshot", b"{}"), make_frame(6, "done", b"{}")
            )
        )
        assert await reader.rest() == [(5, "snapshot"), (6, "done")]
    assert followed(door) == []


async def test_a_snapshot_that_comes_twice_is_shown_once(
    door: Door, channel: FakeChannel, make_frame: MakeFrame
) -> None:
    start, snapshot, delta, done = (
        make_frame(seq, event, b"{}")
        for seq, event in enumerate(("start", "snapshot", "delta", "done"), 1)
    )
    async with asking(door) as reader:
        for frames in ([start], [snapshot, delta], [snapshot, delta], [delta], [done]):
            channel.bring(batch(reader.subscription, *frames))
        assert await reader.rest() == [(1, "start"), (2, "snapshot"), (3, "delta"), (4, "done")]
    assert followed(door) == []


async def test_a_client_that_goes_leaves_the_channel(
    door: Door, channel: FakeChannel, make_frame: MakeFrame
) -> None:
    async with asking(door) as reader:
        channel.bring(batch(reader.subscription, make_frame(1, "start", b"{}")))
        assert await reader.take(1) == [(1, "start")]
    await eventually(lambda: channel.unsubscribed == [reader.subscription])


async def test_a_client_that_does_not_read_leaves_the_channel_and_loses_nothing(
    door: Door, channel: FakeChannel, make_frame: MakeFrame
) -> None:
    text = b'{"text":"%b"}' % (b"x" * 100_000)
    frames = [make_frame(seq, "delta", text) for seq in range(1, 200)]
    done = make_frame(200, "done", b"{}")
    gate = asyncio.Event()
    door.chat.script = [gate]
    async with asking(door) as reader:
        for frame in frames:
            channel.bring(batch(reader.subscription, frame))
        # Nothing is read here until the gateway has said that it wants no more of it.
        await eventually(lambda: channel.unsubscribed == [reader.subscription], timeout=20)
        reading = asyncio.create_task(reader.rest())
        await eventually(lambda: followed(door), timeout=20)
        (after,) = followed(door)
        assert 1 < after < 199
        door.chat.script += [*([frame] for frame in frames[after:]), [done]]
        gate.set()
        assert [seq for seq, _ in await reading] == list(range(1, 201))


async def test_of_a_channel_that_chat_service_ends_nothing_is_left(
    door: Door, channel: FakeChannel
) -> None:
    def asking_for_requests() -> list[str]:
        coroutines = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
        return [name for name in coroutines if name.endswith("._consume_request_iterator")]

    assert asking_for_requests()
    door.chat.channel = None
    channel.steps.put_nowait(None)
    await eventually(lambda: not asking_for_requests())
