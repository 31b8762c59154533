"""A deleted user's notes go, whenever and however often the event comes."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.engine import Database
from chassis.db.transactions import transactions
from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.jetstream import Consumer, JetStream
from chassis.testing import DatabaseUrls, Signer, eventually, limit_deletes
from notes_service.domain.note import Note
from notes_service.settings import Settings
from notes_service.store.notes import Lexemes, Notes
from notes_service.wiring import build
from parley.events.v1 import events_pb2
from parley.notes.v1 import notes_pb2
from parley.notes.v1.notes_pb2_grpc import NotesServiceStub


async def _create(notes: Channel, caller: Caller, key: str | None = None) -> None:
    await notes.unary(
        notes.stub(NotesServiceStub).CreateNote,
        notes_pb2.CreateNoteRequest(title="A title"),
        timeout=30,
        token=caller.token,
        idempotency_key=key,
    )


async def _publish(events: JetStream, caller: Caller) -> str:
    """Says that the user has been deleted, as auth-service does; returns the erasure's id."""
    deleted = events_pb2.UserDeleted(
        erasure_id=str(new_id()), user_id=str(caller.user_id), tenant_id=str(caller.tenant_id)
    )
    deleted.deleted_at.FromDatetime(utc_now())
    await events.publish(
        events.subject("user.deleted"), deleted.SerializeToString(), msg_id=str(new_id())
    )
    return deleted.erasure_id


def _rows(database: DatabaseUrls, table: str, caller: Caller) -> int:
    with psycopg.connect(database.worker) as worker:
        query = f"SELECT count(*) FROM {table} WHERE user_id = %s"
        row = worker.execute(query.encode(), (caller.user_id,)).fetchone()
    assert row is not None
    return int(row[0])


@pytest_asyncio.fixture(loop_scope="session")
async def confirmed(events: JetStream) -> AsyncIterator[list[events_pb2.UserErased]]:
    """The confirmations that have been published so far."""
    seen: list[events_pb2.UserErased] = []

    async def see(payload: bytes) -> None:
        seen.append(events_pb2.UserErased.FromString(payload))

    consumer = Consumer(events, durable="tester", handler=see)
    await consumer.start()
    yield seen
    await consumer.drain()
    await consumer.stop()


async def test_every_time_the_event_comes_the_notes_are_gone_and_it_is_confirmed(
    notes: Channel,
    events: JetStream,
    confirmed: list[events_pb2.UserErased],
    database: DatabaseUrls,
    signer: Signer,
) -> None:
    alice, bob = signer.caller(), signer.caller()
    for caller, key in ((alice, "k"), (alice, None), (bob, "k")):
        await _create(notes, caller, key)

    first = await _publish(events, alice)
    second = await _publish(events, alice)

    await eventually(lambda: {erased.erasure_id for erased in confirmed} == {first, second})
    assert {erased.user_id for erased in confirmed} == {str(alice.user_id)}
    assert {erased.service for erased in confirmed} == {"notes-service"}
    assert all(erased.HasField("erased_at") for erased in confirmed)
    for table in ("notes", "idempotency_keys"):
        assert _rows(database, table, alice) == 0
        assert _rows(database, table, bob) == 1


# More than one transaction's worth of everything.
MUCH = """
INSERT INTO notes (id, tenant_id, user_id, title, content, created_at, updated_at)
SELECT gen_random_uuid(), %(tenant_id)s, %(user_id)s, 'a title', '', now(), now()
FROM generate_series(1, 1200);

INSERT INTO idempotency_keys (user_id, tenant_id, key, request_hash, answer)
SELECT %(user_id)s, %(tenant_id)s, number, '', '' FROM generate_series(1, 1200) AS number;
"""


async def test_however_much_there_is_no_statement_deletes_much_of_it(
    notes: Channel,
    events: JetStream,
    confirmed: list[events_pb2.UserErased],
    database: DatabaseUrls,
    signer: Signer,
) -> None:
    alice = signer.caller()
    with psycopg.connect(database.admin, cursor_factory=psycopg.ClientCursor) as admin:
        admin.execute(MUCH, {"tenant_id": alice.tenant_id, "user_id": alice.user_id})
    limit_deletes(database, 500, "notes", "idempotency_keys")

    await _publish(events, alice)

    await eventually(lambda: confirmed)
    for table in ("notes", "idempotency_keys"):
        assert _rows(database, table, alice) == 0


async def test_who_was_erased_writes_nothing_any_more(
    notes: Channel,
    events: JetStream,
    confirmed: list[events_pb2.UserErased],
    database: DatabaseUrls,
    signer: Signer,
) -> None:
    alice = signer.caller()
    # Nothing was ever known here of this user: the first thing heard is the end.
    await _publish(events, alice)
    await eventually(lambda: confirmed)

    request = notes_pb2.DeleteNoteRequest(id=str(new_id()))
    stub = notes.stub(NotesServiceStub)
    for attempt in (
        _create(notes, alice),
        notes.unary(stub.DeleteNote, request, timeout=30, token=alice.token),
    ):
        with pytest.raises(RemoteError) as refused:
            await attempt
        assert refused.value.kind is Kind.UNAUTHENTICATED
        assert refused.value.reason == "ACCOUNT_DELETED"
    assert _rows(database, "notes", alice) == 0


async def test_a_save_in_flight_resurrects_nothing(
    notes: Channel,
    events: JetStream,
    confirmed: list[events_pb2.UserErased],
    database: DatabaseUrls,
    signer: Signer,
) -> None:
    alice, now = signer.caller(), utc_now()
    app = Database(database.app, application_name="test")
    async with transactions(app)(alice) as transaction:
        await transaction.lock_owner()
        await Notes(transaction).insert(
            Note(new_id(), "in flight", "", now, now), Lexemes((), (), ())
        )
        await _publish(events, alice)
        await eventually(lambda: _is_waiting(database))
        await Notes(transaction).insert(
            Note(new_id(), "in flight too", "", now, now), Lexemes((), (), ())
        )
        assert not confirmed
    await app.stop()

    await eventually(lambda: confirmed)
    assert _rows(database, "notes", alice) == 0


def _is_waiting(database: DatabaseUrls) -> bool:
    with psycopg.connect(database.admin) as admin:
        row = admin.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    assert row is not None
    return bool(row[0])


async def test_an_event_that_came_while_the_service_was_down_is_acted_on_at_its_start(
    settings: Settings,
    events: JetStream,
    confirmed: list[events_pb2.UserErased],
    signer: Signer,
) -> None:
    erasure_id = await _publish(events, signer.caller())
    service = build(settings)
    await service.start()
    await eventually(lambda: [erased.erasure_id for erased in confirmed] == [erasure_id])
    await service.stop()


async def test_an_event_that_cannot_be_read_is_set_aside_and_holds_up_no_other(
    notes: Channel,
    events: JetStream,
    confirmed: list[events_pb2.UserErased],
    database: DatabaseUrls,
    signer: Signer,
) -> None:
    unreadable = [b"", b"\xff\xff", events_pb2.UserDeleted(user_id="7").SerializeToString()]
    for payload in unreadable:
        await events.publish(events.subject("user.deleted"), payload, msg_id=str(new_id()))
    async with asyncio.timeout(60):
        erasure_id = await _publish(events, signer.caller())
        await eventually(lambda: [erased.erasure_id for erased in confirmed] == [erasure_id])

    with psycopg.connect(database.worker) as worker:
        rows = worker.execute("SELECT payload FROM dead_letters WHERE set_aside_at IS NOT NULL")
        assert sorted(payload for (payload,) in rows) == sorted(unreadable)
    # Nothing of it is the app role's business.
    with (
        psycopg.connect(database.app) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("SELECT * FROM dead_letters")
