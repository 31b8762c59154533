"""Messages are handled once and in order by whoever shares a consumer."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError
from nats.js.api import ConsumerConfig
from structlog.testing import capture_logs

from chassis.errors import Unavailable
from chassis.jetstream import Consumer, EventsUnavailable, JetStream
from chassis.jetstream import consumer as consumer_module
from chassis.jetstream import stream as stream_module
from chassis.testing import eventually

from .inbox import Clock, Inbox

Connect = Callable[..., Awaitable[JetStream]]


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


async def test_a_drain_waits_for_no_handler_whose_ack_has_failed(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    js = await connect(keeps={"unacked": "a"})
    await js.wait_ready()
    failed = asyncio.Event()

    async def fail(_: Msg) -> None:
        # From here on there is nothing to wait for: NATS is away.
        js._ready.clear()
        failed.set()
        raise ConnectionClosedError

    monkeypatch.setattr(Msg, "ack", fail)
    consumer = Consumer(js, durable="unacked", handler=Inbox())
    await consumer.start()
    await js.publish(js.subject("a"), b"1", "1")
    async with asyncio.timeout(10):
        await failed.wait()
        await eventually(lambda: not consumer._handling, 5)
        await consumer.drain()
    await consumer.stop()


def test_the_server_hears_of_work_before_it_would_hand_the_event_to_another() -> None:
    assert 2 * consumer_module._IN_PROGRESS_SECONDS < stream_module._ACK_WAIT_SECONDS
    # One poison event does not keep the next for longer than is promised.
    assert stream_module._ACK_WAIT_SECONDS <= 30
