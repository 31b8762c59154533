"""Notes of a file that is imported: handed over, once, whoever dies or is away meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import grpc
import pytest
import pytest_asyncio
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.owners import OwnerErased
from chassis.db.transactions import Owned
from chassis.errors import AppError, FieldError, ValidationFailed
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.client import Channel
from chassis.grpc.server import GrpcServer, allow
from chassis.idempotency import idempotency_key
from chassis.settings import GrpcServerSettings
from chassis.testing import OpenChannel, Signer, TlsSettings
from chat_service.imports.domain.notes import NotesTaken
from chat_service.imports.domain.waiting import NotTakenNow
from chat_service.imports.notes_service import take_notes_over
from chat_service.imports.reading.formats import parley
from chat_service.imports.reading.made import SkippedError
from chat_service.imports.usecases.jobs import ImportJobs
from parley.bounds import MAX_IMPORTED_NOTES, NOTE_CONTENT
from parley.notes.v1 import notes_pb2

from . import samples
from .jobs import reader_of, row_of, upload_to

Chat = Any


def note(key: str, **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "title": f"Note {key}",
        "content": "Tea.",
        "tags": ["home"],
        "pinned": False,
        "version": 3,
        "source": {"session_id": "a", "message_id": "b"},
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-02-01T00:00:00Z",
        **more,
    }


def file_of(count: int, *more: Any) -> dict[str, Any]:
    notes = [*(note(f"n-{number}") for number in range(count)), *more]
    return {"format": "parley", "version": 1, "conversations": [], "notes": notes}


@dataclass
class Notebook:
    """notes-service, as far as an import sees it."""

    there: dict[UUID, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    told: dict[str, NotesTaken] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    refusal: Exception | None = None
    #: Of how many batches the answer is heard; what comes behind is taken, and its answer lost.
    heard: int = 1000
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, whose: Owned, key: str, notes: Sequence[Mapping[str, Any]]) -> NotesTaken:
        if self.refusal is not None:
            raise self.refusal
        if key not in self.told:
            self.sizes.append(len(notes))
            there = self.there.setdefault(whose.user_id, {})
            new = {one["key"]: one for one in notes if one["key"] not in there}
            there.update(new)
            self.told[key] = NotesTaken(len(new), len(notes) - len(new))
        if len(self.sizes) > self.heard:
            self.lost.set()
            await asyncio.Event().wait()
        return self.told[key]


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


async def report_of(chat: Chat, caller: Caller, import_id: UUID) -> Any:
    return (
        await ImportJobs(chat.open_transaction, lambda: None, chat.audit).find(caller, import_id)
    ).report


async def now_again(chat: Chat) -> None:
    """As if the time had passed for which whoever waits, or was killed, is left alone."""
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE imports SET heard_at = now() - interval '1 minute'"))


async def test_notes_are_taken_with_what_they_have_and_the_same_file_adds_nothing_twice(
    chat: Chat, caller: Caller, notebook: Notebook
) -> None:
    reader = reader_of(chat, "replica-1", take_notes=notebook.take)
    told = file_of(MAX_IMPORTED_NOTES + 30, note("x", content=7), note("y", tags=["t"] * 21), "z")
    made = await upload_to(chat, caller, told, with_notes=True)
    await reader.read_all()
    report = await report_of(chat, caller, made.id)
    assert (report.notes, dict(report.already_there)) == (MAX_IMPORTED_NOTES + 30, {})
    assert dict(report.left_out) == {"NOTE_INVALID": 2, "NOTE_TOO_LARGE": 1}
    assert notebook.sizes == [MAX_IMPORTED_NOTES, 30]
    assert notebook.there[caller.user_id]["n-7"] == {
        "key": "n-7",
        "title": "Note n-7",
        "content": "Tea.",
        "tags": ["home"],
        "pinned": False,
        "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": "2026-02-01T00:00:00+00:00",
    }
    again = await upload_to(chat, caller, told, with_notes=True)
    await reader.read_all()
    report = await report_of(chat, caller, again.id)
    assert (report.notes, dict(report.already_there)) == (0, {"NOTE": MAX_IMPORTED_NOTES + 30})
    assert (await row_of(chat, again.id)).state == "completed"


async def test_a_replica_that_dies_before_it_hears_the_answer_leaves_no_gap_and_no_double(
    chat: Chat, caller: Caller, notebook: Notebook
) -> None:
    notebook.heard = 1
    reader = reader_of(chat, "replica-1", take_notes=notebook.take)
    made = await upload_to(chat, caller, file_of(MAX_IMPORTED_NOTES * 3), with_notes=True)
    reading = asyncio.create_task(reader.read_all())
    await asyncio.wait_for(notebook.lost.wait(), 60)
    # As a kill does: nobody releases anything.
    reader._leases.release = _nothing  # type: ignore[method-assign]
    reading.cancel()
    await asyncio.wait((reading,))
    assert len(notebook.there[caller.user_id]) == MAX_IMPORTED_NOTES * 2
    notebook.heard = 1000
    await now_again(chat)
    await reader_of(chat, "replica-2", take_notes=notebook.take).read_all()
    report = await report_of(chat, caller, made.id)
    # What this import had brought before counts as brought by it.
    assert (report.notes, dict(report.already_there)) == (MAX_IMPORTED_NOTES * 3, {})
    assert len(notebook.there[caller.user_id]) == MAX_IMPORTED_NOTES * 3


async def _nothing(*_: Any, **__: Any) -> None: ...


async def test_an_import_waits_while_notes_are_taken_by_nobody_and_others_have_their_turn(
    chat: Chat, caller: Caller, stranger: Caller, notebook: Notebook
) -> None:
    notebook.refusal = NotTakenNow("notes", is_away=True)
    made = await upload_to(chat, caller, file_of(3), with_notes=True)
    other = await upload_to(chat, stranger, samples.LIBRECHAT)
    reader = reader_of(chat, "replica-1", take_notes=notebook.take)
    await reader.read_all()
    row = await row_of(chat, made.id)
    assert (row.state, row.attempts) == ("waiting", 0)
    jobs = ImportJobs(chat.open_transaction, lambda: None, chat.audit)
    assert (await jobs.find(caller, made.id)).waits_for == "notes"
    assert (await row_of(chat, other.id)).state == "completed"
    notebook.refusal = None
    # It is left alone for a while.
    await reader.read_all()
    assert (await row_of(chat, made.id)).state == "waiting"
    await now_again(chat)
    await reader.read_all()
    assert (await row_of(chat, made.id)).state == "completed"
    assert (await report_of(chat, caller, made.id)).notes == 3


async def test_what_fails_again_and_again_is_given_up(
    chat: Chat, caller: Caller, notebook: Notebook
) -> None:
    notebook.refusal = NotTakenNow("notes", is_away=False)
    made = await upload_to(chat, caller, file_of(3), with_notes=True)
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE imports SET attempts = 4"))
    reader = reader_of(chat, "replica-1", take_notes=notebook.take)
    await reader.read_all()
    assert (await row_of(chat, made.id)).attempts == 5
    await now_again(chat)
    await reader.read_all()
    row = await row_of(chat, made.id)
    assert (row.state, row.reason) == ("failed", "GIVEN_UP")


async def test_notes_are_left_out_unless_the_file_came_from_who_may_write_some(
    chat: Chat, caller: Caller, notebook: Notebook
) -> None:
    made = await upload_to(chat, caller, file_of(3))
    await reader_of(chat, "replica-1", take_notes=notebook.take).read_all()
    report = await report_of(chat, caller, made.id)
    assert (report.notes, dict(report.left_out), notebook.told) == (0, {"NOTE": 3}, {})
    # Nor where there is nobody to take them.
    made = await upload_to(chat, caller, file_of(3), with_notes=True)
    await reader_of(chat, "replica-1").read_all()
    assert dict((await report_of(chat, caller, made.id)).left_out) == {"NOTE": 3}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"id": None}, "NOTE_INVALID"),
        ({"title": None}, "NOTE_INVALID"),
        ({"tags": [1]}, "NOTE_INVALID"),
        ({"created_at": "yesterday"}, "NOTE_INVALID"),
        ({"title": "t" * 201}, "NOTE_TOO_LARGE"),
        ({"content": "t" * (NOTE_CONTENT.maximum + 1)}, "NOTE_TOO_LARGE"),
        ({"tags": ["t" * 51]}, "NOTE_TOO_LARGE"),
    ],
)
def test_what_is_no_note_is_told_of(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(SkippedError) as refused:
        parley.note({**note("one"), **wrong})
    assert refused.value.reason == reason
    assert parley.note(note("one", title="A\0\ud800 b"))["title"] == "A b"


@dataclass
class Serving:
    """What answers at the other end of the wire."""

    answer: notes_pb2.ImportNotesResponse | AppError
    asked: list[tuple[str | None, notes_pb2.ImportNotesRequest]] = field(default_factory=list)

    async def take(
        self, request: notes_pb2.ImportNotesRequest, context: object
    ) -> notes_pb2.ImportNotesResponse:
        self.asked.append((idempotency_key.get(), request))
        if isinstance(self.answer, AppError):
            raise self.answer
        return self.answer


@pytest_asyncio.fixture
async def serving(tls_settings: TlsSettings, signer: Signer) -> AsyncIterator[tuple[Serving, int]]:
    serving = Serving(notes_pb2.ImportNotesResponse(added=1))
    service = "parley.notes.v1.NotesService"
    server = GrpcServer(
        settings=GrpcServerSettings(**tls_settings("notes-service"), drain_seconds=0),
        policy={service: {"ImportNotes": allow("chat-service", open=True)}},
        register=lambda server: server.add_registered_method_handlers(
            service,
            {
                "ImportNotes": grpc.unary_unary_rpc_method_handler(
                    serving.take,
                    notes_pb2.ImportNotesRequest.FromString,
                    lambda answer: answer.SerializeToString(),
                )
            },
        ),
        verifier=TokenVerifier(signer.trust),
    )
    await server.start()
    yield serving, server.port
    await server.stop()


async def test_notes_go_over_the_wire_by_their_user_s_name_and_whatever_comes_back_is_understood(
    serving: tuple[Serving, int], grpc_channel: OpenChannel, caller: Caller
) -> None:
    notes, port = serving
    channel: Channel = await grpc_channel(port, "notes-service", as_name="chat-service")
    take = take_notes_over(channel)
    told = [parley.note(note("one", pinned=True))]
    notes.answer = notes_pb2.ImportNotesResponse(added=3, existing=2, refused={"TOO_LARGE": 1})
    assert await take(caller, "a-key", told) == NotesTaken(3, 2, {"TOO_LARGE": 1})
    ((key, asked),) = notes.asked
    assert (key, asked.user_id, asked.tenant_id) == (
        *("a-key", str(caller.user_id)),
        str(caller.tenant_id),
    )
    (one,) = asked.notes
    assert (one.key, one.title, list(one.tags), one.pinned) == ("one", "Note one", ["home"], True)
    assert one.updated_at.seconds - one.created_at.seconds == 31 * 86_400
    notes.answer = ValidationFailed(fields=[FieldError("notes", "TOO_MANY")])
    assert await take(caller, "b-key", told) == NotesTaken(refused={"INVALID": 1})
    notes.answer = OwnerErased()
    with pytest.raises(OwnerErased):
        await take(caller, "c-key", told)


async def test_who_is_not_reached_has_taken_nothing(
    serving: tuple[Serving, int], grpc_channel: OpenChannel, caller: Caller
) -> None:
    _, port = serving
    # A stranger to it may not call at all: that is nothing that passes by itself.
    refused = take_notes_over(await grpc_channel(port, "notes-service", as_name="gateway"))
    with pytest.raises(NotTakenNow) as error:
        await refused(caller, "a-key", [])
    assert not error.value.is_away
    nobody = take_notes_over(await grpc_channel(1, "notes-service", as_name="chat-service"))
    with pytest.raises(NotTakenNow) as error:
        await nobody(caller, "a-key", [])
    assert error.value.is_away
