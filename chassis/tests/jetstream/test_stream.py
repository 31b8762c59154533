"""The stream is made, kept in shape and written to; starting and stopping without a server."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import pytest
from nats.aio.client import Client
from nats.js.api import StorageType, StreamConfig

from chassis.embedded import EmbeddedNats, free_port
from chassis.jetstream import Consumer, EventsUnavailable, JetStream
from chassis.testing import eventually

from .inbox import Inbox, some_prefix

Connect = Callable[..., Awaitable[JetStream]]


async def test_the_stream_is_made_to_last(
    connect: Connect, observer: Client, events_prefix: str
) -> None:
    js = await connect()
    await js.wait_ready()
    await js.ping()
    config = (await observer.jetstream().stream_info(f"{events_prefix}_events")).config
    assert config.subjects == [f"{events_prefix}.>"]
    assert config.storage == StorageType.FILE
    assert config.max_age == 30 * 86_400
    assert config.duplicate_window == 120


async def test_a_server_that_vanishes_without_a_word_is_given_up_within_half_a_minute(
    connect: Connect,
) -> None:
    js = await connect()
    await js.wait_ready()
    assert js._client is not None
    options = js._client.options
    # One ping more than may be unanswered finds it out.
    assert options["ping_interval"] * (options["max_outstanding_pings"] + 1) <= 30


async def test_a_stream_that_differs_is_brought_into_shape_and_keeps_its_limits(
    connect: Connect, observer: Client, events_prefix: str
) -> None:
    stream = observer.jetstream()
    await stream.add_stream(
        StreamConfig(
            name=f"{events_prefix}_events",
            subjects=[f"{events_prefix}.old"],
            max_age=60,
            duplicate_window=1,
            max_bytes=123_456_789,
        )
    )
    await stream.publish(f"{events_prefix}.old", b"kept")
    await (await connect()).wait_ready()
    info = await stream.stream_info(f"{events_prefix}_events")
    assert info.config.subjects == [f"{events_prefix}.>"]
    assert (info.config.max_age, info.config.duplicate_window) == (30 * 86_400, 120)
    assert info.config.max_bytes == 123_456_789
    assert info.state.messages == 1


async def test_of_several_servers_the_one_that_is_there_will_do(
    connect: Connect, nats_url: str
) -> None:
    there = urlsplit(nats_url)
    away = there._replace(netloc=there.netloc.replace(f":{there.port}", f":{free_port()}"))
    for url in (f"{away.geturl()}, {nats_url}", f"{nats_url},{away.geturl()}"):
        js = await connect(url)
        async with asyncio.timeout(20):
            await js.wait_ready()
        await js.ping()


async def test_several_services_may_start_at_once(connect: Connect) -> None:
    several = await asyncio.gather(*(connect() for _ in range(5)))
    async with asyncio.timeout(30):
        await asyncio.gather(*(js.wait_ready() for js in several))


async def test_the_same_id_is_stored_once(
    connect: Connect, observer: Client, events_prefix: str
) -> None:
    js = await connect()
    await js.wait_ready()
    for _ in range(3):
        await js.publish(js.subject("user.deleted"), b"event", "the-id")
    info = await observer.jetstream().stream_info(f"{events_prefix}_events")
    assert info.state.messages == 1


async def test_what_the_server_would_never_take_is_a_value_error(connect: Connect) -> None:
    js = await connect()
    await js.wait_ready()
    with pytest.raises(ValueError, match="payload"):
        await js.publish(js.subject("large"), b"x" * 2_000_000, "large")
    with pytest.raises(ValueError, match="subject"):
        await js.publish("two words", b"x", "odd")


async def test_a_subject_of_nobodys_stream_is_unavailable(connect: Connect) -> None:
    js = await connect()
    await js.wait_ready()
    with pytest.raises(EventsUnavailable):
        await js.publish("elsewhere.user.deleted", b"x", "id")


def test_something_else_than_a_url_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="nats://name:password@host:port") as caught:
        JetStream("hush", prefix="test", name="test")
    assert "hush" not in str(caught.value)


async def test_starting_without_nats_neither_fails_nor_blocks_and_heals(
    connect: Connect, tmp_path_factory: pytest.TempPathFactory
) -> None:
    port = free_port()
    server = EmbeddedNats(tmp_path_factory.mktemp("late"), port=port)
    began = time.monotonic()
    js = await connect(server.url, some_prefix(), keeps={"late": "a"})
    with pytest.raises(EventsUnavailable):
        await js.ping()
    with pytest.raises(EventsUnavailable):
        await js.publish(js.subject("a"), b"x", "id")
    # Nobody waits for an answer: that has 5 s, each time.
    assert time.monotonic() - began < 5
    inbox = Inbox()
    consumer = Consumer(js, durable="late", handler=inbox)
    await consumer.start()
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(30):
        await js.wait_ready()
    await js.publish(js.subject("a"), b"x", "id")
    await eventually(lambda: inbox.received == [b"x"])
    await consumer.stop()
    await js.stop()
    await asyncio.to_thread(server.stop)


async def test_stopping_without_nats_is_quick(connect: Connect) -> None:
    js = await connect(f"nats://127.0.0.1:{free_port()}", some_prefix(), keeps={"none": "a"})
    consumer = Consumer(js, durable="none", handler=Inbox())
    await consumer.start()
    await asyncio.sleep(0.1)
    async with asyncio.timeout(1.5):
        await consumer.drain()
        await consumer.stop()
        await js.stop()
