"""The gateway as it is wired in production, on a real port, before fake services on the wire."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from chassis.testing import Signer, TlsSettings, eventually, sample
from chassis.testing.shared import on_one_loop
from parley.chat.v1 import chat_pb2

from .access_log import AccessLog
from .door import Door, OpenDoor
from .fake_chat import frame
from .fake_streams import FakeChannel
from .raw_client import CallRaw
from .sockets import Dial
from .standing_door import StandingDoor

# All tests here run on one event loop, that of the door which stands from one to the next.
pytest_pycollect_makeitem = on_one_loop


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def standing_door(tls_settings: TlsSettings) -> AsyncIterator[StandingDoor]:
    standing = StandingDoor(tls_settings)
    yield standing
    await standing.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def open_door(tls_settings: TlsSettings, signer: Signer) -> AsyncIterator[OpenDoor]:
    before = _gauges()
    async with AsyncExitStack() as stack:
        yield OpenDoor(stack, tls_settings, signer)
    # Not 0: what one test has left must not fail every other one behind it.
    assert _gauges() == before


def _gauges() -> dict[str, float | None]:
    """Requests, sockets and channels that are open, as this process counts them."""
    names = (
        "http_long_requests_open",
        "sockets_open",
        "frame_channels_open",
        "notice_feeds_open",
    )
    return {name: sample(name) for name in names}


@pytest_asyncio.fixture(loop_scope="session")
async def door(open_door: OpenDoor, standing_door: StandingDoor) -> Door:
    """The door that all tests share; what a test leaves there fails it. Those that leave something, or stop
    a part of it, take ``own_door``.
    """
    return await open_door.enter(standing_door.lent())


@pytest_asyncio.fixture(loop_scope="session")
async def own_door(open_door: OpenDoor) -> Door:
    """One of the test's own, which it may leave as it likes."""
    return await open_door()


@pytest_asyncio.fixture(loop_scope="session")
async def channel(door: Door) -> FakeChannel:
    """The channel of the door's gateway, once it is open."""
    channel = door.chat.channel = FakeChannel()
    # It looks again when a run was on none.
    end = frame(1, "done", b"{}")
    door.chat.script = [[end]]
    asking = asyncio.create_task(
        door.http.post(
            "/api/v1/chat/messages",
            json={"content": "x"},
            headers={**door.bearer, "accept": "text/event-stream"},
        )
    )
    await eventually(lambda: channel.opened and door.chat.destinations)
    # Where a look of the start has met the channel first, the run is on it.
    (_, subscription) = door.chat.destinations[-1]
    channel.bring(chat_pb2.Batch(subscription=subscription, frames=[end]))
    await asking
    door.chat.calls.clear()
    door.chat.destinations.clear()
    return channel


@pytest_asyncio.fixture(loop_scope="session")
async def dial(open_door: OpenDoor) -> AsyncIterator[Dial]:
    async with AsyncExitStack() as stack:
        yield Dial(stack)


@pytest.fixture
def make_frame() -> Callable[[int, str, bytes], chat_pb2.Frame]:
    return frame


@pytest.fixture
def frames(make_frame: Callable[[int, str, bytes], chat_pb2.Frame]) -> list[chat_pb2.Frame]:
    """Of a run from its first to its last."""
    return [
        make_frame(1, "start", b'{"run_id":"r"}'),
        make_frame(2, "delta", '{"text":"Grüß \\"dich\\""}'.encode()),
        make_frame(3, "delta", b'{"text":"\\n"}'),
        make_frame(4, "done", b'{"status":"completed"}'),
    ]


@pytest_asyncio.fixture(loop_scope="session")
async def call_raw(open_door: OpenDoor) -> AsyncIterator[CallRaw]:
    async with AsyncExitStack() as stack:
        yield CallRaw(stack)


@pytest.fixture
def access_log(caplog: pytest.LogCaptureFixture) -> AccessLog:
    return AccessLog(caplog)
