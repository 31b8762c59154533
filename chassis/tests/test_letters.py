"""Dead letters one by one: what is kept of each failure, of which message it is, and who replays it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from chassis.db.engine import Database
from chassis.dead_letters import command, table
from chassis.dead_letters.letters import DeadLetters
from chassis.ids import new_id
from chassis.jetstream import Consumer, JetStream, Unreadable
from chassis.tasks import end_task
from chassis.testing import DatabaseUrls, ServiceDatabase, eventually

LEDGER = Path(__file__).parent / "ledger"


@pytest.fixture
def urls(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("ledger", LEDGER)


@pytest_asyncio.fixture
async def worker(urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(urls.worker, application_name="test")
    yield database
    await database.stop()


async def _note(
    letters: DeadLetters, error: str, *, consumer: str = "reader", letter: UUID
) -> bool:
    return await letters.note(
        letter, consumer=consumer, subject="a", payload=b"x", error=ValueError(error), at_once=True
    )


async def _rows(worker: Database) -> list[Any]:
    async with worker.transaction() as connection:
        return list((await connection.execute(text("SELECT * FROM dead_letters"))).all())


async def test_the_error_of_the_last_failure_is_kept(worker: Database) -> None:
    letters, letter = DeadLetters(worker), new_id()
    for error in ("the first", "the last"):
        assert await _note(letters, error, letter=letter)
    [row] = await _rows(worker)
    assert (row.error, row.deliveries) == ("ValueError: the last", 2)


async def test_a_replay_is_left_to_who_has_its_consumer(worker: Database) -> None:
    handled: list[bytes] = []

    async def handle(payload: bytes) -> None:
        handled.append(payload)

    # As in a release before, which knows of no such consumer.
    older, newer = DeadLetters(worker), DeadLetters(worker)
    older.handle_with("another", handle)
    newer.handle_with("reader", handle)
    letter = new_id()
    await _note(older, "failed", letter=letter)
    await worker.run(None, table.ASK, id=letter)

    # Each looks as it starts.
    await older._replay()
    [row] = await _rows(worker)
    assert (row.replay, handled) == ("asked", [])
    await newer._replay()
    assert (await _rows(worker), handled) == ([], [b"x"])


async def test_who_asks_for_a_replay_that_takes_long_is_told_that_it_is_under_way(
    worker: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = asyncio.Event()

    async def handle(payload: bytes) -> None:
        begun.set()
        await asyncio.Event().wait()

    letters, letter = DeadLetters(worker), new_id()
    letters.handle_with("reader", handle)
    await _note(letters, "failed", letter=letter)
    asking = asyncio.create_task(command._replay(worker, letter, wait_seconds=1.5))

    async def is_asked_for() -> bool:
        [row] = await _rows(worker)
        return bool(row.replay == "asked")

    await eventually(is_asked_for)
    replaying = asyncio.create_task(letters._replay())
    await begun.wait()
    assert await asking == command.FAILED
    assert "it is being handled" in capsys.readouterr().err
    await end_task(replaying)


@asynccontextmanager
async def _stream(url: str, prefix: str) -> AsyncIterator[JetStream]:
    stream = JetStream(url, prefix=prefix, name="test", keeps={"reader": "a"})
    await stream.start()
    try:
        await stream.wait_ready()
        yield stream
    finally:
        await stream.stop()


@asynccontextmanager
async def _refusing(stream: JetStream, letters: DeadLetters) -> AsyncIterator[None]:
    """A consumer that can read nothing."""

    async def handle(payload: bytes) -> None:
        raise Unreadable("no event")

    consumer = Consumer(stream, durable="reader", handler=handle, dead_letters=letters)
    await consumer.start()
    try:
        yield
    finally:
        await consumer.drain()
        await consumer.stop()


async def test_a_message_of_a_stream_made_anew_is_another_one(
    nats_url: str, events_prefix: str, worker: Database
) -> None:
    letters = DeadLetters(worker)

    async def told() -> list[bytes]:
        return sorted(row.payload for row in await _rows(worker))

    for payload, expected in ((b"one", [b"one"]), (b"two", [b"one", b"two"])):
        async with _stream(nats_url, events_prefix) as stream:
            async with _refusing(stream, letters):
                await stream.publish(stream.subject("a"), payload, str(new_id()))

                async def is_told(expected: list[bytes] = expected) -> bool:
                    return await told() == expected

                await eventually(is_told)
            # Its numbers begin at one again.
            assert stream._client is not None
            await stream._client.jetstream().delete_stream(stream.stream)
