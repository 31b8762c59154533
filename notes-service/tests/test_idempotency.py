"""A creation that is asked for twice: one note, and the same answer."""

import asyncio
from dataclasses import fields
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.engine import Database
from chassis.db.idempotency import AnswerSweep
from chassis.db.transactions import transactions
from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.idempotency import Once, RequestKey
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, Signer
from notes_service.domain.note import Note, Source
from notes_service.mapping import decode_note, encode_note
from parley.notes.v1 import notes_pb2
from parley.notes.v1.notes_pb2_grpc import NotesServiceStub


@pytest.fixture
def alice(signer: Signer) -> Caller:
    return signer.caller()


async def _create(
    notes: Channel, caller: Caller, key: str | None, title: str = "A title", content: str = ""
) -> notes_pb2.Note:
    answer = await notes.unary(
        notes.stub(NotesServiceStub).CreateNote,
        notes_pb2.CreateNoteRequest(title=title, content=content),
        timeout=30,
        token=caller.token,
        idempotency_key=key,
    )
    return answer.note


async def _refused(notes: Channel, caller: Caller, key: str, title: str) -> RemoteError:
    with pytest.raises(RemoteError) as refused:
        await _create(notes, caller, key, title)
    return refused.value


async def _titles(notes: Channel, caller: Caller) -> list[str]:
    answer = await notes.unary(
        notes.stub(NotesServiceStub).ListNotes,
        notes_pb2.ListNotesRequest(),
        timeout=30,
        token=caller.token,
    )
    return [note.title for note in answer.items]


async def test_the_same_request_again_makes_nothing_and_is_answered_alike(
    notes: Channel, alice: Caller
) -> None:
    first = await _create(notes, alice, "k")
    assert await _create(notes, alice, "k") == first
    assert await _titles(notes, alice) == ["A title"]
    # Without a key, or with another, the same body is another note.
    assert len({first.id, (await _create(notes, alice, None)).id}) == 2
    assert len({first.id, (await _create(notes, alice, "K")).id}) == 2


def test_the_answer_that_is_kept_has_all_of_the_note() -> None:
    note = Note(
        id=new_id(),
        title="A title",
        content="Said.",
        created_at=datetime(2026, 11, 2, 9, 34, 1, tzinfo=UTC),
        updated_at=datetime(2026, 11, 2, 9, 34, 2, tzinfo=UTC),
        tags=("a", "b"),
        pinned=True,
        version=7,
        source=Source(new_id(), new_id()),
    )
    # What is left as it is without being said would be found again if it was lost.
    assert [one.name for one in fields(note) if getattr(note, one.name) == one.default] == []
    assert decode_note(encode_note(note)) == note


async def test_of_twenty_at_once_one_has_the_effect_and_all_can_have_its_answer(
    notes: Channel, alice: Caller
) -> None:
    outcomes = await asyncio.gather(
        *(_create(notes, alice, "k") for _ in range(20)), return_exceptions=True
    )
    answers = [outcome for outcome in outcomes if isinstance(outcome, notes_pb2.Note)]
    refusals = [outcome for outcome in outcomes if isinstance(outcome, RemoteError)]
    assert len(answers) + len(refusals) == 20
    assert {refusal.reason for refusal in refusals} <= {"REQUEST_IN_PROGRESS"}
    again = await _create(notes, alice, "k")
    assert [answer == again for answer in answers] == [True] * len(answers)
    assert await _titles(notes, alice) == ["A title"]


async def test_while_a_request_is_in_progress_its_repetition_is_told_so_at_once(
    notes: Channel, alice: Caller, database: DatabaseUrls
) -> None:
    app = Database(database.app, application_name="test")
    once = Once(RequestKey("k", b"hash"), encode_note, decode_note)
    note = Note(new_id(), "in progress", "", utc_now(), utc_now())
    async with transactions(app)(alice) as transaction:
        assert await transaction.find_repeated(once, note) is None
        refused = await _refused(notes, alice, "k", "A title")
        assert (refused.kind, refused.reason) == (Kind.CONFLICT, "REQUEST_IN_PROGRESS")
        assert refused.retry_after == 1
        await _create(notes, alice, "another")
    await app.stop()
    assert (await _refused(notes, alice, "k", "A title")).reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_request_in_progress_is_in_the_way_of_no_other_user_with_that_key(
    notes: Channel, alice: Caller, signer: Signer, database: DatabaseUrls
) -> None:
    bob = signer.caller(tenant_id=alice.tenant_id)
    app = Database(database.app, application_name="test")
    once = Once(RequestKey("k", b"hash"), encode_note, decode_note)
    note = Note(new_id(), "in progress", "", utc_now(), utc_now())
    async with transactions(app)(alice) as transaction:
        assert await transaction.find_repeated(once, note) is None
        assert (await _create(notes, bob, "k", "Bob's")).title == "Bob's"
    await app.stop()
    assert await _titles(notes, bob) == ["Bob's"]


async def test_what_is_kept_is_seen_by_its_user_alone(
    notes: Channel, alice: Caller, signer: Signer, database: DatabaseUrls
) -> None:
    await _create(notes, alice, "k")
    app = Database(database.app, application_name="test")
    for caller, seen in ((alice, 1), (signer.caller(tenant_id=alice.tenant_id), 0), (None, 0)):
        async with app.transaction(caller) as connection:
            count = await connection.scalar(text("SELECT count(*) FROM idempotency_keys"))
            touched = await connection.execute(text("UPDATE idempotency_keys SET key = 'x'"))
        assert (count, touched.rowcount) == (seen, seen)
    await app.stop()


async def test_another_request_with_the_same_key_is_refused(notes: Channel, alice: Caller) -> None:
    await _create(notes, alice, "k")
    refused = await _refused(notes, alice, "k", "Another title")
    assert (refused.kind, refused.reason) == (Kind.INVALID, "IDEMPOTENCY_KEY_REUSED")
    assert await _titles(notes, alice) == ["A title"]


async def test_a_key_belongs_to_its_user(notes: Channel, alice: Caller, signer: Signer) -> None:
    bob = signer.caller(tenant_id=alice.tenant_id)
    of_alice = await _create(notes, alice, "k")
    of_bob = await _create(notes, bob, "k", "Another title")
    assert of_alice.id != of_bob.id
    assert await _titles(notes, bob) == ["Another title"]


async def test_a_request_that_was_refused_does_not_use_its_key_up(
    notes: Channel, alice: Caller
) -> None:
    assert (await _refused(notes, alice, "k", "")).reason == "VALIDATION"
    await _create(notes, alice, "k")
    assert await _titles(notes, alice) == ["A title"]


async def test_a_note_that_was_deleted_since_is_not_made_again(
    notes: Channel, alice: Caller
) -> None:
    note = await _create(notes, alice, "k")
    await notes.unary(
        notes.stub(NotesServiceStub).DeleteNote,
        notes_pb2.DeleteNoteRequest(id=note.id),
        timeout=30,
        token=alice.token,
    )
    assert await _create(notes, alice, "k") == note
    assert await _titles(notes, alice) == []


@pytest.mark.parametrize("key", ["a b", "x" * 256])
async def test_what_is_no_key_is_refused(notes: Channel, alice: Caller, key: str) -> None:
    refused = await _refused(notes, alice, key, "A title")
    assert (refused.reason, refused.fields) == (
        "VALIDATION",
        (FieldError("Idempotency-Key", "INVALID"),),
    )


async def test_an_answer_is_kept_for_a_day_and_not_for_longer(
    notes: Channel, alice: Caller, database: DatabaseUrls
) -> None:
    old, recent = await _create(notes, alice, "old"), await _create(notes, alice, "recent")
    with psycopg.connect(database.admin) as admin:
        for key, hours in (("old", 25), ("recent", 23)):
            admin.execute(
                "UPDATE idempotency_keys SET created_at = now() - make_interval(hours => %s)"
                " WHERE key = %s",
                (hours, key),
            )
    worker = Database(database.worker, application_name="test")
    await AnswerSweep(worker).sweep()
    await worker.stop()
    assert await _create(notes, alice, "recent") == recent
    assert await _create(notes, alice, "old") != old


async def _keep_message(
    notes: Channel,
    caller: Caller,
    key: str | None,
    message_id: str,
    content: str | None,
    session_id: str = "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0a",
    title: str = "",
) -> notes_pb2.Note:
    taken = None
    if content is not None:
        taken = notes_pb2.Taken(session_id=session_id, content=content)
    answer = await notes.unary(
        notes.stub(NotesServiceStub).CreateNote,
        notes_pb2.CreateNoteRequest(message_id=message_id, title=title, taken=taken),
        timeout=5,
        token=caller.token,
        idempotency_key=key,
    )
    return answer.note


async def test_a_message_is_kept_with_its_first_line_as_title_and_itself_as_source(
    notes: Channel, alice: Caller
) -> None:
    message_id = str(new_id())
    note = await _keep_message(notes, alice, None, message_id, "\n## Tea\n\nIs nice.")
    assert (note.title, note.content) == ("Tea", "\n## Tea\n\nIs nice.")
    assert note.source.message_id == message_id
    long = await _keep_message(notes, alice, None, message_id, "x" * 100_000, title="Mine")
    assert (long.title, len(long.content)) == ("Mine", 100_000)
    assert (await _keep_message(notes, alice, None, message_id, "x" * 61)).title == "x" * 59 + "…"
    assert (await _keep_message(notes, alice, None, message_id, "###")).title == "###"


async def test_a_message_that_is_too_long_or_blank_makes_no_note(
    notes: Channel, alice: Caller
) -> None:
    for content, error in (
        ("x" * 100_001, FieldError("content", "TOO_LONG", maximum=100_000)),
        (" \n", FieldError("title", "REQUIRED")),
    ):
        with pytest.raises(RemoteError) as refused:
            await _keep_message(notes, alice, None, str(new_id()), content)
        assert error in refused.value.fields
    assert await _titles(notes, alice) == []


async def test_a_message_kept_twice_by_one_key_is_one_note_whatever_has_become_of_it(
    notes: Channel, alice: Caller
) -> None:
    message_id = str(new_id())
    note = await _keep_message(notes, alice, "once", message_id, "Tea")
    # It was gone on with, and deleted.
    assert await _keep_message(notes, alice, "once", message_id, "Tea and coffee") == note
    assert await _keep_message(notes, alice, "once", message_id, None) == note
    assert await _titles(notes, alice) == ["Tea"]
    with pytest.raises(RemoteError) as refused:
        await _keep_message(notes, alice, "once", str(new_id()), "Tea")
    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_what_was_never_kept_is_not_found_and_its_key_is_free(
    notes: Channel, alice: Caller
) -> None:
    message_id = str(new_id())
    for key in (None, "once"):
        with pytest.raises(RemoteError) as refused:
            await _keep_message(notes, alice, key, message_id, None)
        assert refused.value.reason == "MESSAGE_NOT_FOUND"
        assert refused.value.kind is Kind.NOT_FOUND
    assert (await _keep_message(notes, alice, "once", message_id, "Tea")).title == "Tea"
