"""What was published arrives, whatever becomes of the server."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from nats.aio.client import Client

from chassis.embedded import EmbeddedNats
from chassis.jetstream import Consumer, EventsUnavailable, JetStream
from chassis.testing import eventually

from .inbox import Inbox, some_prefix

Connect = Callable[..., Awaitable[JetStream]]


async def test_a_deleted_stream_and_consumer_are_made_again(
    connect: Connect, observer: Client
) -> None:
    js = await connect(keeps={"phoenix": "a"})
    await js.wait_ready()
    inbox = Inbox()
    consumer = Consumer(js, durable="phoenix", handler=inbox)
    await consumer.start()
    await js.publish(js.subject("a"), b"1", "1")
    await eventually(lambda: inbox.received == [b"1"])
    await observer.jetstream().delete_stream(js.stream)

    async def published() -> bool:
        await js.publish(js.subject("a"), b"2", "2")
        return True

    await eventually(published, ignoring=(EventsUnavailable,))
    await eventually(lambda: inbox.received == [b"1", b"2"], 15)
    await consumer.stop()


async def test_messages_arrive_although_nats_was_killed_and_started_again(
    connect: Connect, mortal_nats: EmbeddedNats
) -> None:
    js = await connect(mortal_nats.url, some_prefix(), keeps={"survivor": "a"})
    await js.wait_ready()
    inbox = Inbox()
    consumer = Consumer(js, durable="survivor", handler=inbox)
    await consumer.start()
    await js.publish(js.subject("a"), b"before", "1")
    await eventually(lambda: inbox.received == [b"before"])

    await asyncio.to_thread(mortal_nats.kill)
    await eventually(lambda: not js.ready)
    with pytest.raises(EventsUnavailable):
        await js.publish(js.subject("a"), b"lost", "2")
    with pytest.raises(EventsUnavailable):
        await js.ping()
    await asyncio.to_thread(mortal_nats.start)

    async with asyncio.timeout(60):
        await js.wait_ready()
    await js.publish(js.subject("a"), b"after", "3")
    await eventually(lambda: b"after" in inbox.received, 10)
    # The kill may have come before the acknowledgement of the first.
    assert set(inbox.received) == {b"before", b"after"}
    await consumer.stop()
    await js.stop()


async def test_what_was_acknowledged_outlives_a_kill(
    connect: Connect, mortal_nats: EmbeddedNats
) -> None:
    prefix = some_prefix()
    js = await connect(mortal_nats.url, prefix, keeps={"later": "a"})
    await js.wait_ready()
    for number in range(20):
        await js.publish(js.subject("a"), str(number).encode(), str(number))
    await asyncio.to_thread(mortal_nats.kill)
    await asyncio.to_thread(mortal_nats.start)
    inbox = Inbox()
    consumer = Consumer(js, durable="later", handler=inbox)
    await consumer.start()
    await eventually(lambda: len(inbox.received) >= 20, 15)
    assert inbox.received == [str(number).encode() for number in range(20)]
    await consumer.stop()
    await js.stop()


async def test_a_handler_at_work_through_a_restart_is_acknowledged_or_repeated(
    connect: Connect, mortal_nats: EmbeddedNats
) -> None:
    js = await connect(mortal_nats.url, some_prefix(), keeps={"busy": "a"})
    await js.wait_ready()
    began, finish = asyncio.Event(), asyncio.Event()
    handled: list[bytes] = []

    async def handle(payload: bytes) -> None:
        began.set()
        await finish.wait()
        handled.append(payload)

    consumer = Consumer(js, durable="busy", handler=handle)
    await consumer.start()
    await js.publish(js.subject("a"), b"1", "1")
    await began.wait()
    await asyncio.to_thread(mortal_nats.kill)
    finish.set()
    await eventually(lambda: handled == [b"1"])
    await asyncio.to_thread(mortal_nats.start)
    async with asyncio.timeout(60):
        await js.wait_ready()
    await js.publish(js.subject("a"), b"2", "2")
    await eventually(lambda: b"2" in handled, 15)
    await consumer.stop()
    await js.stop()
