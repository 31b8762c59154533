import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from structlog.testing import capture_logs

from chassis.db.engine import Database
from chassis.db.errors import DatabaseUnavailable
from chassis.db.migrate import migrate
from chassis.db.provision import provision
from chassis.embedded import EmbeddedNats, EmbeddedPostgres
from chassis.ids import new_id
from chassis.jetstream import Consumer, JetStream
from chassis.jetstream import stream as stream_module
from chassis.outbox import Relay, enqueue
from chassis.outbox import relay as relay_module
from chassis.testing import DatabaseUrls, ServiceDatabase, eventually, sample

LEDGER = Path(__file__).parent / "ledger"


@dataclass
class Post:
    """Everything between a transaction and a consumer."""

    app: Database
    worker: Database
    js: JetStream
    relay: Relay
    received: list[bytes]

    async def write(self, *payloads: bytes) -> list[UUID]:
        async with self.app.transaction() as connection:
            return [
                await enqueue(connection, subject=self.js.subject("told"), payload=payload)
                for payload in payloads
            ]

    async def waiting(self) -> int:
        async with self.worker.transaction() as connection:
            count = await connection.scalar(
                text("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            )
        return int(count or 0)

    async def stored(self) -> int:
        assert self.js._client is not None
        return (await self.js._client.jetstream().stream_info(self.js.stream)).state.messages


@pytest.fixture
def urls(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("ledger", LEDGER)


def make_post(app_url: str, worker_url: str, nats_url: str, prefix: str) -> Post:
    worker = Database(worker_url, pool_size=3, application_name="test-worker")
    js = JetStream(nats_url, prefix=prefix, name="test", keeps={"reader": "told"})
    app = Database(app_url, pool_size=3, application_name="test-app")
    return Post(app, worker, js, Relay(worker, js), [])


@pytest_asyncio.fixture
async def post(urls: DatabaseUrls, nats_url: str, events_prefix: str) -> AsyncIterator[Post]:
    """Not started: the relay is left to the test."""
    post = make_post(urls.app, urls.worker, nats_url, events_prefix)
    await post.js.start()
    await post.js.wait_ready()
    yield post
    await post.relay.stop()
    await post.js.stop()
    await post.app.stop()
    await post.worker.stop()


@pytest_asyncio.fixture
async def consumer(post: Post) -> AsyncIterator[Consumer]:
    async def receive(payload: bytes) -> None:
        post.received.append(payload)

    consumer = Consumer(post.js, durable="reader", handler=receive)
    await consumer.start()
    yield consumer
    await consumer.stop()


async def test_what_a_transaction_committed_is_published_in_order(
    post: Post, consumer: Consumer
) -> None:
    await post.relay.start()
    await post.write(b"1", b"2")
    await post.write(b"3")
    post.relay.wake()
    await eventually(lambda: len(post.received) >= 3)
    assert sorted(post.received) == [b"1", b"2", b"3"]
    # It is marked behind that, in a transaction of its own.
    await eventually(lambda: _is(post.waiting(), 0))


def _rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each rest that a relay begins from now on, as it begins it."""
    rests: list[float] = []
    plain_rest = Relay._rest

    async def rest(self: Relay, seconds: float) -> None:
        rests.append(seconds)
        await plain_rest(self, seconds)

    monkeypatch.setattr(Relay, "_rest", rest)
    return rests


async def test_a_wake_does_not_wait_for_the_next_look(
    post: Post, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.relay = Relay(post.worker, post.js, poll_seconds=60.0)
    rests = _rests(monkeypatch)
    await post.relay.start()
    await eventually(lambda: rests == [60.0])  # it has looked, without a failure
    await post.write(b"now")
    post.relay.wake()
    await eventually(lambda: post.received == [b"now"], 20)


async def test_without_a_wake_it_is_found_within_about_a_second(
    post: Post, consumer: Consumer
) -> None:
    await post.relay.start()
    await post.write(b"found")
    await eventually(lambda: post.received == [b"found"], 20)


async def test_what_an_earlier_version_wrote_for_another_subject_is_published_where_it_belongs_now(
    post: Post, consumer: Consumer
) -> None:
    former = post.js.subject("said")
    async with post.app.transaction() as connection:
        await enqueue(connection, subject=former, payload=b"from before")
    relay = Relay(post.worker, post.js, moved={former: post.js.subject("told")})
    await relay.start()
    await eventually(lambda: post.received == [b"from before"])
    await relay.stop()


async def test_what_was_rolled_back_is_never_published(post: Post, consumer: Consumer) -> None:
    await post.relay.start()

    async def write_and_fail() -> None:
        async with post.app.transaction() as connection:
            await enqueue(connection, subject=post.js.subject("told"), payload=b"never")
            raise KeyError

    with pytest.raises(KeyError):
        await write_and_fail()
    await post.write(b"after")
    post.relay.wake()
    await eventually(lambda: bool(post.received))
    assert post.received == [b"after"]
    assert await post.stored() == 1


async def test_an_event_published_before_a_crash_is_not_stored_again(post: Post) -> None:
    (event_id,) = await post.write(b"once")
    # As a relay does that is killed between the acknowledgement and its commit.
    await post.js.publish(post.js.subject("told"), b"once", str(event_id))
    await post.relay.start()
    await eventually(lambda: _is(post.waiting(), 0))
    assert await post.stored() == 1


async def test_relays_side_by_side_publish_each_event_once(
    post: Post, urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[str] = []
    plain_publish = JetStream.publish

    async def publish(self: JetStream, subject: str, payload: bytes, msg_id: str) -> None:
        published.append(msg_id)
        await plain_publish(self, subject, payload, msg_id)

    monkeypatch.setattr(JetStream, "publish", publish)
    post.relay, *others = [Relay(post.worker, post.js, batch=7) for _ in range(3)]
    for start in range(0, 200, 20):
        await post.write(*(str(number).encode() for number in range(start, start + 20)))
    for relay in (post.relay, *others):
        await relay.start()
    await eventually(lambda: _is(post.waiting(), 0), 20)
    for relay in others:
        await relay.stop()
    # Not even asked for twice: a row is locked by the relay that publishes it.
    assert len(published) == len(set(published)) == 200
    assert await post.stored() == 200


async def test_an_event_that_can_never_be_published_keeps_nobody_waiting(
    post: Post, consumer: Consumer
) -> None:
    post.relay = Relay(post.worker, post.js, batch=1)
    failures = sample("outbox_publish_failures_total") or 0
    await post.write(b"x" * 2_000_000)
    await post.relay.start()
    await eventually(lambda: (sample("outbox_publish_failures_total") or 0) > failures)
    await post.write(b"good")
    post.relay.wake()
    await eventually(lambda: post.received == [b"good"])
    await eventually(lambda: _is(post.waiting(), 1))


async def test_the_log_tells_why_an_event_is_not_published(post: Post, consumer: Consumer) -> None:
    async with post.app.transaction() as connection:
        await enqueue(connection, subject="of.no.stream", payload=b"x")
    with capture_logs() as said:
        await post.relay.start()
        await eventually(lambda: any(line["event"] == "outbox.not_published" for line in said))
    told = next(line for line in said if line["event"] == "outbox.not_published")
    # As NATS has said it, and not that events are unavailable.
    assert (told["events"], told["first_error"]) == (1, "nats: no response from stream")
    assert await post.waiting() == 1


async def test_the_metrics_tell_what_waits(post: Post) -> None:
    post.relay = Relay(post.worker, post.js, poll_seconds=0.05, measure_seconds=0.0)
    await post.js.stop()
    async with post.app.transaction() as connection:
        for _ in range(3):
            await enqueue(connection, subject=post.js.subject("told"), payload=b"x")
    await post.relay.start()
    await eventually(lambda: sample("outbox_pending") == 3)
    await eventually(lambda: (sample("outbox_oldest_seconds") or 0) > 0.1)
    await post.js.start()
    await eventually(lambda: sample("outbox_pending") == 0)
    assert sample("outbox_oldest_seconds") == 0


async def test_published_events_go_after_seven_days(post: Post) -> None:
    old, recent = await post.write(b"old", b"recent")
    (waiting,) = await post.write(b"x" * 2_000_000)
    async with post.worker.transaction() as connection:
        for event_id, age in ((old, "8 days"), (recent, "6 days")):
            await connection.execute(
                text(
                    "UPDATE outbox SET published_at = now() - CAST(:age AS interval) WHERE id = :id"
                ),
                {"id": event_id, "age": age},
            )
        await connection.execute(text("UPDATE outbox SET created_at = now() - interval '1 year'"))
    await post.relay.start()

    async def left() -> set[UUID]:
        async with post.worker.transaction() as connection:
            return set(await connection.scalars(text("SELECT id FROM outbox")))

    await eventually(lambda: _is(left(), {recent, waiting}))


async def test_the_app_role_can_add_and_do_nothing_else(post: Post) -> None:
    await post.write(b"x")
    for statement in (
        "SELECT * FROM outbox",
        "DELETE FROM outbox",
        "UPDATE outbox SET published_at = now()",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with post.app.transaction() as connection:
                await connection.execute(text(statement))


@pytest.fixture(scope="module")
def mortal_servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[EmbeddedPostgres, EmbeddedNats]]:
    """Servers that tests may kill."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), fast=True)
    events = EmbeddedNats(tmp_path_factory.mktemp("nats"))
    postgres.start()
    events.start()
    yield postgres, events
    postgres.stop()
    events.stop()


@pytest_asyncio.fixture
async def mortal_post(
    mortal_servers: tuple[EmbeddedPostgres, EmbeddedNats],
) -> AsyncIterator[Post]:
    postgres, events = mortal_servers
    database = f"t_{new_id().hex}"
    passwords = {"owner": "a", "app": "b", "worker": "c"}
    provision(postgres.admin_url, database=database, service="ledger", passwords=passwords)
    role_urls = {
        role: postgres.url(f"parley_ledger_{role}", password, database)
        for role, password in passwords.items()
    }
    await asyncio.to_thread(migrate, role_urls["owner"], LEDGER)
    post = make_post(role_urls["app"], role_urls["worker"], events.url, f"test-{new_id().hex}")
    await post.js.start()
    await post.js.wait_ready()
    await post.relay.start()
    yield post
    await post.relay.stop()
    await post.js.stop()
    await post.app.stop()
    await post.worker.stop()


async def test_events_written_while_nats_is_dead_are_published_when_it_is_back(
    mortal_servers: tuple[EmbeddedPostgres, EmbeddedNats], mortal_post: Post
) -> None:
    _, events = mortal_servers
    post = mortal_post
    await post.write(b"1")
    await eventually(lambda: _is(post.waiting(), 0))
    await asyncio.to_thread(events.kill)
    for number in range(2, 12):
        await post.write(str(number).encode())
        post.relay.wake()
    await eventually(lambda: not post.js.ready)
    assert await post.waiting() == 10
    await asyncio.to_thread(events.start)
    await eventually(lambda: _is(post.waiting(), 0), 15)
    assert await post.stored() == 11


async def test_the_relay_outlives_the_death_of_the_database(
    mortal_servers: tuple[EmbeddedPostgres, EmbeddedNats],
    mortal_post: Post,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    postgres, _ = mortal_servers
    post = mortal_post
    await post.write(b"1")
    await eventually(lambda: _is(post.waiting(), 0))
    rests = _rests(monkeypatch)
    await asyncio.to_thread(postgres.kill)
    with pytest.raises(DatabaseUnavailable):
        await post.write(b"not taken")
    post.relay.wake()
    # It rests for longer behind a failure alone.
    await eventually(lambda: max(rests, default=0.0) > relay_module._POLL_SECONDS)
    await asyncio.to_thread(postgres.start)
    await post.write(b"2", b"3")
    await eventually(lambda: _is(post.waiting(), 0), 15)
    assert await post.stored() == 3


async def test_both_may_die_in_mid_flight_and_nothing_is_lost_or_doubled(
    mortal_servers: tuple[EmbeddedPostgres, EmbeddedNats], mortal_post: Post
) -> None:
    postgres, events = mortal_servers
    post = mortal_post
    for start in range(0, 300, 50):
        await post.write(*(str(number).encode() for number in range(start, start + 50)))
    post.relay.wake()
    await eventually(lambda: _is(post.stored(), 0, other_than=True))
    await asyncio.to_thread(postgres.kill)
    await asyncio.to_thread(events.kill)
    await asyncio.to_thread(postgres.start)
    await asyncio.to_thread(events.start)
    await eventually(
        lambda: _is(post.waiting(), 0), 30, ignoring=(AssertionError, DatabaseUnavailable)
    )
    assert await post.stored() == 300


def test_what_is_published_again_is_known_for_what_it_was() -> None:
    # An acknowledgement that got lost: it goes out once more behind the longest rest, while JetStream still knows it.
    tries = relay_module._LONGEST_BACKOFF_SECONDS + stream_module._REQUEST_SECONDS
    assert 3 * tries <= stream_module._DUPLICATE_WINDOW_SECONDS


async def _is(value: Awaitable[object], wanted: object, *, other_than: bool = False) -> bool:
    found = await value
    return bool((found == wanted) != other_than)
