"""Events that cannot be handled: set aside once, safely, and out of the others' way."""

import asyncio
import errno
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from chassis.db.engine import Database
from chassis.dead_letters import table
from chassis.dead_letters.command import add_command, run_command
from chassis.dead_letters.letters import DeadLetters, _describe
from chassis.embedded.ports import free_port
from chassis.errors import Unavailable
from chassis.ids import new_id
from chassis.jetstream import Consumer, JetStream, Unreadable
from chassis.jetstream import consumer as consumer_module
from chassis.testing import DatabaseUrls, ServiceDatabase, eventually, sample

LEDGER = Path(__file__).parent / "ledger"
DURABLE = "reader"


@dataclass
class Reader:
    """A handler that fails on what ``broken`` names, with the error it names."""

    broken: dict[bytes, Exception] = field(default_factory=dict)
    attempts: list[bytes] = field(default_factory=list)

    async def __call__(self, payload: bytes) -> None:
        self.attempts.append(payload)
        if payload in self.broken:
            raise self.broken[payload]


Handler = Callable[[bytes], Awaitable[None]]
#: ``await replica(reader, failures=3)``: a consumer with dead letters of its own.
Replica = Callable[..., Awaitable[Consumer]]


@pytest.fixture
def urls(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("ledger", LEDGER)


@pytest_asyncio.fixture
async def worker(urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(urls.worker, application_name="test")
    yield database
    await database.stop()


@pytest_asyncio.fixture
async def js(nats_url: str, events_prefix: str) -> AsyncIterator[JetStream]:
    stream = JetStream(nats_url, prefix=events_prefix, name="test", keeps={DURABLE: "a"})
    await stream.start()
    await stream.wait_ready()
    yield stream
    await stream.stop()


@pytest_asyncio.fixture
async def replica(worker: Database, js: JetStream) -> AsyncIterator[Replica]:
    started: list[Consumer | DeadLetters] = []

    async def make(reader: Handler, *, db: Database = worker, **limits: float) -> Consumer:
        letters = DeadLetters(db, **limits)  # type: ignore[arg-type]
        consumer = Consumer(js, durable=DURABLE, handler=reader, dead_letters=letters)
        for part in (letters, consumer):
            await part.start()
            started.append(part)
        return consumer

    yield make
    for part in reversed(started):
        await part.drain()
        await part.stop()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails comes again without a pause."""
    monkeypatch.setattr(consumer_module, "_backoff", lambda *_: 0.01)


async def _send(js: JetStream, *payloads: bytes) -> None:
    for payload in payloads:
        await js.publish(js.subject("a"), payload, str(new_id()))


async def _rows(worker: Database) -> list[Any]:
    async with worker.transaction() as connection:
        query = text("SELECT * FROM dead_letters ORDER BY first_seen")
        return list((await connection.execute(query)).all())


async def _pending(js: JetStream) -> int:
    """Messages that were delivered, or are to be, and are not acknowledged."""
    assert js._client is not None
    info = await js._client.jetstream().consumer_info(js.stream, DURABLE)
    return (info.num_ack_pending or 0) + (info.num_pending or 0)


def _gauge() -> float | None:
    return sample("events_dead_letters")


async def test_what_cannot_be_read_is_set_aside_at_once_with_an_alert_and_the_next_is_handled(
    js: JetStream, replica: Replica, worker: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = Reader({b"\xff": Unreadable("no event")})
    await replica(reader)
    await _send(js, b"\xff", b"good")

    await eventually(lambda: reader.attempts == [b"\xff", b"good"])
    [letter] = await _rows(worker)
    assert (letter.consumer, letter.subject, letter.payload) == (DURABLE, js.subject("a"), b"\xff")
    assert letter.error == "Unreadable: no event"
    assert (letter.deliveries, letter.set_aside_at) == (1, letter.first_seen)
    await eventually(lambda: _gauge() == 1)

    async def all_acknowledged() -> bool:
        return await _pending(js) == 0

    await eventually(all_acknowledged)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [alert] = [line for line in lines if line["level"] == "critical"]
    assert (alert["event"], alert["dead_letter"]) == ("events.set_aside", str(letter.id))


@pytest.mark.usefixtures("quick")
async def test_what_fails_too_often_for_too_long_is_set_aside_and_not_before(
    js: JetStream, replica: Replica, worker: Database
) -> None:
    reader = Reader({b"bad": RuntimeError("a bug")})
    await replica(reader, failures=3, seconds=1.0)
    await _send(js, b"bad")

    # Often enough, but not yet for long enough.
    await eventually(lambda: len(reader.attempts) > 4)
    [letter] = await _rows(worker)
    assert letter.set_aside_at is None

    async def set_aside() -> bool:
        [letter] = await _rows(worker)
        return letter.set_aside_at is not None

    await eventually(set_aside)
    [letter] = await _rows(worker)
    assert (letter.set_aside_at - letter.first_seen).total_seconds() >= 1
    assert letter.deliveries == len(reader.attempts)

    async def acknowledged() -> bool:
        return await _pending(js) == 0

    await eventually(acknowledged)


def test_the_limits_are_twenty_failures_and_five_minutes(worker: Database) -> None:
    letters = DeadLetters(worker)
    assert (letters._failures, letters._seconds) == (20, 300)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("outage", [Unavailable(), OSError(errno.EMFILE, "too many open files")])
async def test_an_outage_is_never_held_against_an_event(
    js: JetStream, replica: Replica, worker: Database, outage: Exception
) -> None:
    reader = Reader({b"unlucky": outage})
    await replica(reader, failures=1, seconds=0)
    await _send(js, b"unlucky")

    await eventually(lambda: len(reader.attempts) > 30)
    assert await _rows(worker) == []
    reader.broken.clear()

    async def acknowledged() -> bool:
        return await _pending(js) == 0

    await eventually(acknowledged)
    assert await _rows(worker) == []


@pytest.mark.usefixtures("quick")
async def test_a_statement_that_never_ends_in_time_is_set_aside_and_a_full_pool_is_not(
    js: JetStream, replica: Replica, worker: Database, urls: DatabaseUrls
) -> None:
    slow = Database(urls.worker, application_name="test", pool_size=1, statement_seconds=0.05)
    attempts: list[bytes] = []

    async def handle(payload: bytes) -> None:
        attempts.append(payload)
        async with slow.transaction() as connection:
            await connection.execute(text("SELECT pg_sleep(10)"))

    await replica(handle, failures=3, seconds=0)
    async with asyncio.timeout(60):
        async with slow.transaction():
            # Nobody gets the one connection there is: tried twice, 3 s each.
            await _send(js, b"heavy")
            await eventually(lambda: len(attempts) > 1)
            assert await _rows(worker) == []

        async def settled() -> bool:
            return await _pending(js) == 0

        await eventually(settled)
    [letter] = await _rows(worker)
    assert letter.set_aside_at is not None
    assert letter.error.startswith("StatementGivenUp: DATABASE_BUSY")
    await slow.stop()


@pytest.mark.usefixtures("quick")
async def test_what_is_handled_after_all_leaves_nothing(
    js: JetStream, replica: Replica, worker: Database
) -> None:
    reader = Reader({b"moody": RuntimeError("not yet")})
    await replica(reader)
    await _send(js, b"moody")
    await eventually(lambda: len(reader.attempts) > 3)
    assert len(await _rows(worker)) == 1

    reader.broken.clear()

    async def forgotten() -> bool:
        return await _rows(worker) == [] and await _pending(js) == 0

    await eventually(forgotten)


@pytest.mark.usefixtures("quick")
async def test_two_replicas_that_fail_on_one_event_count_together_and_set_it_aside_once(
    js: JetStream, replica: Replica, worker: Database
) -> None:
    readers = [Reader({b"bad": RuntimeError("a bug")}) for _ in range(2)]
    for reader in readers:
        await replica(reader, failures=12, seconds=0)
    await _send(js, b"bad", *(f"good {number}".encode() for number in range(20)))

    async def settled() -> bool:
        return await _pending(js) == 0

    await eventually(settled)
    [letter] = await _rows(worker)
    together = [payload for reader in readers for payload in reader.attempts]
    assert letter.deliveries == together.count(b"bad") == 12
    assert len(set(together)) == 21


async def test_an_event_delivered_again_after_it_was_set_aside_is_there_once(
    nats_url: str,
    events_prefix: str,
    js: JetStream,
    replica: Replica,
    worker: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = JetStream(
        nats_url, prefix=events_prefix, name="test", keeps={DURABLE: "a"}, ack_wait=0.5
    )
    await owner.start()
    await owner.wait_ready()
    await owner.stop()
    lost = 0

    async def lose(message: Any) -> None:
        nonlocal lost
        lost += 1

    reader = Reader({b"\xff": Unreadable("no event")})
    with monkeypatch.context() as patch:
        patch.setattr("nats.aio.msg.Msg.ack", lose)
        await replica(reader)
        await replica(reader)
        await _send(js, b"\xff")
        await eventually(lambda: lost >= 2)

    async def settled() -> bool:
        return await _pending(js) == 0

    await eventually(settled)
    assert len(await _rows(worker)) == 1


@pytest.mark.usefixtures("quick")
async def test_while_the_database_is_away_nothing_is_set_aside_and_nothing_acknowledged(
    js: JetStream, replica: Replica, worker: Database
) -> None:
    nowhere = Database(
        f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none", application_name="test"
    )
    reader = Reader({b"\xff": Unreadable("no event")})
    cut_off = await replica(reader, db=nowhere)
    await _send(js, b"\xff")
    await eventually(lambda: len(reader.attempts) >= 3)
    assert await _pending(js) == 1
    await cut_off.drain()
    await cut_off.stop()

    # Back again, it is set aside, with nothing lost.
    await replica(reader)

    async def settled() -> bool:
        return await _pending(js) == 0

    await eventually(settled)
    assert len(await _rows(worker)) == 1
    await nowhere.stop()


class Replays:
    """Dead letters whose handler waits at ``gate``, each with its replay asked for."""

    def __init__(self, worker: Database) -> None:
        self.gate = asyncio.Event()
        self.begun: list[bytes] = []
        self.letters = DeadLetters(worker)
        self.letters.handle_with(DURABLE, self._handle)
        self._worker = worker

    async def _handle(self, payload: bytes) -> None:
        self.begun.append(payload)
        await self.gate.wait()

    async def ask(self, *payloads: bytes) -> None:
        for payload in payloads:
            letter = new_id()
            told = {"consumer": DURABLE, "subject": "s", "payload": payload}
            assert await self.letters.note(letter, **told, error=Unreadable(""), at_once=True)  # type: ignore[arg-type]
            await self._worker.run(None, table.ASK, id=letter)


async def test_a_drain_waits_for_the_replay_at_work_and_no_other_is_begun(worker: Database) -> None:
    replays = Replays(worker)
    await replays.ask(b"one", b"two")
    await replays.letters.start()
    await eventually(lambda: replays.begun)
    draining = asyncio.create_task(replays.letters.drain())
    done, _ = await asyncio.wait({draining}, timeout=0.2)
    assert not done
    replays.gate.set()
    async with asyncio.timeout(60):
        await draining
    assert replays.begun == [b"one"]
    [left] = await _rows(worker)
    assert (left.payload, left.replay) == (b"two", "asked")
    await replays.letters.stop()


async def test_a_drain_waits_for_what_is_being_claimed_just_then(worker: Database) -> None:
    replays = Replays(worker)
    replays.gate.set()
    await replays.ask(b"one")
    async with worker.transaction() as connection:
        await connection.execute(text("LOCK TABLE dead_letters IN EXCLUSIVE MODE"))
        await replays.letters.start()

        async def waits() -> bool:
            query = text(
                "SELECT FROM pg_locks WHERE NOT granted AND relation = CAST(:of AS regclass)"
            )
            return (await connection.execute(query, {"of": "dead_letters"})).first() is not None

        await eventually(waits)
        draining = asyncio.create_task(replays.letters.drain())
        done, _ = await asyncio.wait({draining}, timeout=0.2)
        assert not done
    async with asyncio.timeout(60):
        await draining
    assert replays.begun == [b"one"]
    assert await _rows(worker) == []
    await replays.letters.stop()


def test_what_is_told_of_an_error_can_be_stored_and_holds_no_secret() -> None:
    error = RuntimeError("postgresql://ada:hush@host/ said \0 and \ud800")
    error.__cause__ = ValueError("x" * 10_000)
    told = _describe(error)
    assert told.startswith("RuntimeError: postgresql://ada:[redacted]@host/ said \ufffd and ?")
    assert "hush" not in told
    assert len(told) == 2000


class Commands:
    """``dead-letters`` as a person types it; a second process's worth of it, in a thread."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __call__(self, *words: str) -> int:
        import argparse

        parser = argparse.ArgumentParser()
        add_command(parser.add_subparsers(dest="command"))
        arguments = parser.parse_args(["dead-letters", *words])
        return await asyncio.to_thread(run_command, self._url, arguments)


async def test_a_person_lists_shows_replays_and_drops(
    js: JetStream,
    replica: Replica,
    worker: Database,
    urls: DatabaseUrls,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reader = Reader({payload: Unreadable("no event") for payload in (b"one", b"two")})
    await replica(reader)
    await _send(js, b"one", b"two")

    async def both() -> bool:
        return len(await _rows(worker)) == 2

    await eventually(both)
    one, two = [str(row.id) for row in await _rows(worker)]
    command = Commands(urls.worker)

    capsys.readouterr()
    assert await command("list") == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in listed] == [one, two]
    assert not any("payload" in line for line in listed)
    assert await command("show", one) == 0
    assert json.loads(capsys.readouterr().out)["payload"] == b"one".hex()

    # Replayed in vain it stays, and says why.
    assert await command("replay", one) == 1
    assert "dead-letters: it failed again: Unreadable" in capsys.readouterr().err
    assert len(await _rows(worker)) == 2

    # With the handler mended it is handled, and goes.
    reader.broken.clear()
    reader.attempts.clear()
    assert await command("replay", one) == 0
    assert reader.attempts == [b"one"]
    assert [str(row.id) for row in await _rows(worker)] == [two]

    assert await command("drop", two) == 0
    assert await _rows(worker) == []
    await eventually(lambda: _gauge() == 0)
    for words in (("show", one), ("replay", one), ("drop", one), ("drop", "7")):
        assert await command(*words) == 1
    assert reader.attempts == [b"one"]


async def test_what_waits_for_a_person_waits_however_long(
    replica: Replica, worker: Database, urls: DatabaseUrls
) -> None:
    add = text(
        "INSERT INTO dead_letters (id, consumer, subject, payload, error, deliveries, first_seen, set_aside_at)"
        " VALUES (:id, 'reader', 'a', '', :error, 1, now() - CAST(:age AS interval),"
        " CASE WHEN CAST(:aside AS boolean) THEN now() - CAST(:age AS interval) END)"
    )
    async with worker.transaction() as connection:
        for error, age, aside in (
            ("waits for a person", timedelta(days=400), True),
            ("is forgotten by the stream", timedelta(days=32), False),
            ("may fail again", timedelta(days=30), False),
        ):
            values = {"id": str(new_id()), "error": error, "age": age, "aside": aside}
            await connection.execute(add, values)
    # It sweeps as it starts.
    await replica(Reader())

    async def left() -> bool:
        return [row.error for row in await _rows(worker)] == [
            "waits for a person",
            "may fail again",
        ]

    await eventually(left)
    await eventually(lambda: _gauge() == 1)
