import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, StorageType, StreamConfig
from structlog.testing import capture_logs

from chassis.embedded import EmbeddedNats, free_port
from chassis.errors import Unavailable
from chassis.ids import new_id
from chassis.jetstream import Consumer, EventsUnavailable, JetStream
from chassis.jetstream import consumer as consumer_module
from chassis.jetstream import stream as stream_module
from chassis.testing import eventually

Connect = Callable[..., Awaitable[JetStream]]


@pytest_asyncio.fixture
async def connect(nats_url: str, events_prefix: str) -> AsyncIterator[Connect]:
    """Starts JetStream components that are stopped after the test."""
    started: list[JetStream] = []

    async def make(
        url: str = nats_url,
        prefix: str = events_prefix,
        keeps: Mapping[str, str] | None = {},
        **other: Any,
    ) -> JetStream:
        js = JetStream(url, prefix=prefix, name="test", keeps=keeps, **other)
        started.append(js)
        await js.start()
        return js

    yield make
    for js in started:
        await js.stop()


@pytest_asyncio.fixture
async def observer(nats_url: str) -> AsyncIterator[Client]:
    """A plain client of nats-py."""
    client = await nats.connect(nats_url, allow_reconnect=False)
    yield client
    await client.close()


@pytest.fixture(scope="module")
def mortal_nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNats]:
    """A server that tests may kill."""
    server = EmbeddedNats(tmp_path_factory.mktemp("mortal"))
    server.start()
    yield server
    server.stop()


def some_prefix() -> str:
    return f"test-{new_id().hex}"


class Clock:
    """Stands still, and counts how often it was looked at."""

    def __init__(self) -> None:
        self.now = 100.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.now


class Inbox:
    """Remembers what a consumer hands over."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    async def __call__(self, payload: bytes) -> None:
        self.received.append(payload)


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


async def test_each_message_is_handled_once_and_in_order(connect: Connect) -> None:
    js = await connect(keeps={"all": "user.deleted"})
    await js.wait_ready()
    inbox = Inbox()
    consumer = Consumer(js, durable="all", handler=inbox)
    await consumer.start()
    sent = [f"event {number}".encode() for number in range(30)]
    for payload in sent:
        await js.publish(js.subject("user.deleted"), payload, payload.decode())
        await js.publish(js.subject("user.erased"), payload, f"other {payload.decode()}")
    await eventually(lambda: len(inbox.received) >= 30)
    assert inbox.received == sent
    await consumer.stop()


async def test_processes_with_one_durable_share_the_messages(connect: Connect) -> None:
    js = await connect(keeps={"shared": "a"})
    await js.wait_ready()
    inboxes = [Inbox(), Inbox()]
    consumers = [Consumer(js, durable="shared", handler=inbox) for inbox in inboxes]
    for consumer in consumers:
        await consumer.start()
    for number in range(40):
        await js.publish(js.subject("a"), str(number).encode(), f"id {number}")
    await eventually(lambda: sum(len(inbox.received) for inbox in inboxes) >= 40)
    together = inboxes[0].received + inboxes[1].received
    assert sorted(together, key=int) == [str(number).encode() for number in range(40)]
    for consumer in consumers:
        await consumer.stop()


async def test_a_message_whose_handler_fails_comes_again_later_and_lets_others_pass(
    connect: Connect,
) -> None:
    js = await connect(keeps={"moody": "a"})
    await js.wait_ready()
    calls: list[tuple[bytes, float]] = []

    async def handle(payload: bytes) -> None:
        calls.append((payload, time.monotonic()))
        if payload == b"bad" and sum(1 for call in calls if call[0] == b"bad") < 3:
            raise RuntimeError("not yet")

    consumer = Consumer(js, durable="moody", handler=handle)
    await consumer.start()
    await js.publish(js.subject("a"), b"bad", "1")
    await js.publish(js.subject("a"), b"good", "2")
    await eventually(lambda: sum(1 for call in calls if call[0] == b"bad") == 3)
    assert [payload for payload, _ in calls] == [b"bad", b"good", b"bad", b"bad"]
    first, second, third = (at for payload, at in calls if payload == b"bad")
    # How long they are at most is the schedule's: a busy machine adds to it.
    assert second - first > 0.8
    assert third - second > 1.8
    await consumer.stop()


def test_the_pause_doubles_to_a_minute_and_is_short_for_an_outage() -> None:
    pauses = [consumer_module._backoff(number, ValueError()) for number in range(1, 9)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert consumer_module._backoff(3000, Unavailable()) == 15


async def test_a_long_handler_keeps_its_message(
    connect: Connect, observer: Client, events_prefix: str
) -> None:
    js = await connect(keeps={"slow": "a"}, ack_wait=2.0)
    await js.wait_ready()
    calls: list[bytes] = []

    async def dawdle(payload: bytes) -> None:
        calls.append(payload)
        await asyncio.sleep(5)

    consumer = Consumer(js, durable="slow", handler=dawdle, in_progress=0.2)
    await consumer.start()
    await js.publish(js.subject("a"), b"x", "id")

    async def acknowledged() -> bool:
        info = await observer.jetstream().consumer_info(f"{events_prefix}_events", "slow")
        return info.ack_floor is not None and info.ack_floor.stream_seq == 1

    await eventually(acknowledged, ignoring=(AssertionError, nats.js.errors.NotFoundError))
    assert calls == [b"x"]
    await consumer.stop()


async def test_the_configuration_of_an_existing_durable_is_reconciled(
    connect: Connect, observer: Client, events_prefix: str
) -> None:
    stream = observer.jetstream()
    await stream.add_stream(name=f"{events_prefix}_events", subjects=[f"{events_prefix}.>"])
    await stream.add_consumer(
        f"{events_prefix}_events",
        ConsumerConfig(
            name="old",
            durable_name="old",
            filter_subject=f"{events_prefix}.b",
            ack_wait=1,
            max_deliver=2,
        ),
    )
    js = await connect(keeps={"old": "a"})
    await js.wait_ready()
    inbox = Inbox()
    consumer = Consumer(js, durable="old", handler=inbox)
    await consumer.start()
    await js.publish(js.subject("a"), b"x", "id")
    await eventually(lambda: inbox.received == [b"x"])
    config = (await stream.consumer_info(js.stream, "old")).config
    assert (config.filter_subject, config.ack_wait, config.max_deliver) == (
        js.subject("a"),
        stream_module._ACK_WAIT_SECONDS,
        -1,
    )
    await consumer.stop()


async def test_who_does_not_own_the_stream_waits_for_it_without_alarm_and_makes_nothing(
    connect: Connect, observer: Client
) -> None:
    js = await connect(keeps=None)
    inbox, clock = Inbox(), Clock()
    consumer = Consumer(js, durable="patient", handler=inbox, clock=clock)
    with capture_logs() as said:
        await consumer.start()
        # Each attempt that finds nothing asks how late it is.
        await eventually(lambda: clock.looks >= 3)
        assert not [
            one for one in await observer.jetstream().streams_info() if one.config.name == js.stream
        ]
        with pytest.raises(EventsUnavailable):
            await js.publish(js.subject("a"), b"x", "id")

        owner = await connect(keeps={"patient": "a"})
        await owner.wait_ready()
        await owner.publish(owner.subject("a"), b"x", "id")
        await eventually(lambda: inbox.received == [b"x"])
    assert [line for line in said if line["log_level"] not in ("debug", "info")] == []
    assert [line for line in said if line.get("durable") and line["log_level"] != "debug"] == []
    await consumer.stop()


async def test_a_consumer_that_stays_away_or_vanishes_is_a_warning_and_its_return_is_told(
    connect: Connect, observer: Client
) -> None:
    js = await connect(keeps=None)
    inbox, clock = Inbox(), Clock()
    consumer = Consumer(js, durable="lost", handler=inbox, patience=60.0, clock=clock)
    with capture_logs() as said:

        def told() -> list[tuple[str, str]]:
            return [
                (line["event"], line["log_level"])
                for line in said
                if line["event"] in ("events.waiting", "events.found")
                and line["log_level"] != "debug"
            ]

        await consumer.start()
        await eventually(lambda: clock.looks >= 3)
        assert told() == []
        clock.now += 60.0
        away, back = ("events.waiting", "warning"), ("events.found", "info")
        await eventually(lambda: told() == [away])
        (warning,) = (line for line in said if line["log_level"] == "warning")
        assert (warning["durable"], warning["seconds"]) == ("lost", 60)

        owner = await connect(keeps={"lost": "a"})
        await eventually(lambda: told() == [away, back])
        await observer.jetstream().delete_consumer(js.stream, "lost")
        await eventually(lambda: told() == [away, back, away])

        # A new connection of the owner's makes it again.
        await owner.stop()
        await owner.start()
        await owner.wait_ready()
        await owner.publish(owner.subject("a"), b"x", "id")
        await eventually(lambda: inbox.received == [b"x"])
        assert told() == [away, back, away, back]
    await consumer.stop()


async def test_draining_lets_the_handler_finish_and_takes_no_more(connect: Connect) -> None:
    js = await connect(keeps={"draining": "a"})
    await js.wait_ready()
    began, finish = asyncio.Event(), asyncio.Event()
    handled: list[bytes] = []

    async def handle(payload: bytes) -> None:
        began.set()
        await finish.wait()
        handled.append(payload)

    consumer = Consumer(js, durable="draining", handler=handle)
    await consumer.start()
    await js.publish(js.subject("a"), b"1", "1")
    await js.publish(js.subject("a"), b"2", "2")
    await began.wait()
    draining = asyncio.create_task(consumer.drain())
    done, _ = await asyncio.wait([draining], timeout=0.2)
    assert not done
    finish.set()
    await draining
    await consumer.stop()
    assert handled == [b"1"]
    inbox = Inbox()
    successor = Consumer(js, durable="draining", handler=inbox)
    await successor.start()
    await eventually(lambda: inbox.received == [b"2"])
    await successor.stop()


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

    async with asyncio.timeout(10):
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
    async with asyncio.timeout(10):
        await js.wait_ready()
    await js.publish(js.subject("a"), b"2", "2")
    await eventually(lambda: b"2" in handled, 15)
    await consumer.stop()
    await js.stop()


def test_the_server_hears_of_work_before_it_would_hand_the_event_to_another() -> None:
    assert 2 * consumer_module._IN_PROGRESS_SECONDS < stream_module._ACK_WAIT_SECONDS
    # One poison event does not keep the next for longer than is promised.
    assert stream_module._ACK_WAIT_SECONDS <= 30
