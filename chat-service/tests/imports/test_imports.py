"""Imports on the wire, from the upload to the report; cut, killed, repeated, cancelled and erased."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction, transactions
from chassis.errors import AppError, RemoteError
from chassis.grpc.client import Channel
from chassis.idempotency import Once, RequestKey
from chassis.ids import new_id
from chassis.testing import eventually
from chassis.testing.unheard import Unheard
from chat_service.exports.domain.wanted import End, Format, Wanted
from chat_service.exports.usecases.export import Exporting
from chat_service.files.domain.attachment import Attachment
from chat_service.files.store.attachments import Attachments
from chat_service.imports.domain.bounds import ImportBounds
from chat_service.imports.importing import Importing, ImportSweep
from chat_service.imports.store.erasure import delete_imports
from chat_service.imports.store.held import Held
from chat_service.imports.store.leases import Leases
from chat_service.imports.usecases import upload
from chat_service.imports.usecases.jobs import ImportJobs
from chat_service.personas.operators.personas import PersonasInForce
from chat_service.personas.usecases.write import WritePersonas
from chat_service.runs.domain.retention import KEPT, Retention
from chat_service.settings import Settings
from chat_service.words.domain.word_filter import Action, InForce, Rule, WordFilter, no_words
from parley.chat.v1 import chat_pb2, search_pb2
from parley.chat.v1 import imports_pb2 as pb
from parley.chat.v1 import imports_pb2_grpc as pb_grpc

from . import samples

# Fixtures of conftest.py; a test module cannot import their classes by name.
Chat = Any
Client = Any

ROOM = ImportBounds(2**30, 2**30, 2**30)
READING = (pb.IMPORT_STATE_UPLOADING, pb.IMPORT_STATE_WAITING, pb.IMPORT_STATE_READING)


class Imports:
    """What one user imports over the wire."""

    def __init__(self, channel: Channel, caller: Caller) -> None:
        self._channel = channel
        self._token = caller.token
        self._stub = channel.stub(pb_grpc.ImportServiceStub)

    async def upload(
        self,
        *pieces: bytes,
        name: str = "export.json",
        key: str | None = None,
        size: int | None = None,
    ) -> pb.Import:
        async def requests() -> AsyncGenerator[pb.UploadImportRequest, None]:
            yield pb.UploadImportRequest(head=pb.ImportHead(name=name))
            for piece in pieces:
                yield pb.UploadImportRequest(chunk=piece)
            told = sum(map(len, pieces)) if size is None else size
            if told >= 0:
                yield pb.UploadImportRequest(end=pb.ImportEnd(size=told))

        answer: pb.UploadImportResponse = await self._channel.send(
            self._stub.UploadImport, requests(), token=self._token, idempotency_key=key
        )
        return answer.job

    async def call(self, method: str, request: Any) -> Any:
        return await self._channel.unary(
            getattr(self._stub, method), request, timeout=30, token=self._token
        )

    async def get(self, import_id: str) -> pb.Import:
        answer: pb.GetImportResponse = await self.call(
            "GetImport", pb.GetImportRequest(id=import_id)
        )
        return answer.job

    async def ended(self, import_id: str) -> pb.Import:
        async def over() -> bool:
            return (await self.get(import_id)).state not in READING

        await eventually(over, timeout=60)
        return await self.get(import_id)

    async def take(self, told: Any, **more: Any) -> pb.Import:
        """Imports it, to the end."""
        file = told if isinstance(told, bytes) else json.dumps(told).encode()
        return await self.ended((await self.upload(file, **more)).id)

    async def list(self) -> list[pb.Import]:
        return list((await self.call("ListImports", pb.ListImportsRequest())).items)


@pytest.fixture
def imports(channel: Channel, caller: Caller) -> Imports:
    return Imports(channel, caller)


@pytest.fixture
def strange_imports(channel: Channel, stranger: Caller) -> Imports:
    return Imports(channel, stranger)


@dataclass(frozen=True)
class Beneath:
    """The database of the service that is on the wire."""

    worker: Database
    open_transaction: OpenTransaction


@pytest_asyncio.fixture
async def beneath(settings: Settings) -> AsyncIterator[Beneath]:
    async with AsyncExitStack() as stack:
        app, worker = (
            Database(url.get_secret_value(), application_name="test")
            for url in (settings.database_url, settings.worker_database_url)
        )
        for database in (app, worker):
            await database.start()
            stack.push_async_callback(database.stop)
        yield Beneath(worker, transactions(app))


async def count(chat: Any, table: str) -> int:
    async with chat.worker.transaction() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {table}")))


async def no_pieces(chat: Any) -> None:
    """The sweep is woken at the end of an import, and is another job."""

    async def none() -> bool:
        return await count(chat, "import_pieces") == 0

    await eventually(none)


async def sessions_of(client: Client) -> dict[str, chat_pb2.Session]:
    found: dict[str, chat_pb2.Session] = {}
    for state in (chat_pb2.SESSION_STATE_ACTIVE, chat_pb2.SESSION_STATE_ARCHIVED):
        request = chat_pb2.ListSessionsRequest(limit=100, state=state)
        found |= {one.title: one for one in (await client.call("ListSessions", request)).items}
    return found


async def messages_of(client: Client, session_id: str) -> list[chat_pb2.Message]:
    request = chat_pb2.ListMessagesRequest(session_id=session_id, limit=100, all_paths=True)
    return list((await client.call("ListMessages", request)).items)


async def test_what_others_exported_is_a_conversation_like_any_other(
    beneath: Beneath, client: Client, imports: Imports
) -> None:
    report = await imports.take(samples.CHATGPT)
    assert report.state == pb.IMPORT_STATE_COMPLETED
    assert (report.format, report.added, report.skipped, report.messages) == ("chatgpt", 2, 1, 6)
    assert dict(report.left_out) == {"TOOL": 2}
    assert [(one.title, one.reason) for one in report.problems] == [
        ("Corrupted", "NOT_A_CONVERSATION")
    ]
    assert report.done == 1
    session = (await sessions_of(client))["Deploying"]
    assert session.HasField("archived_at")
    assert not session.unread
    assert session.message_count == 5
    assert session.last_message_at.seconds == 1756000007
    messages = await messages_of(client, session.id)
    by_order = {one.order: one for one in messages}
    assert [by_order[order].chosen for order in range(1, 6)] == [True, False, True, True, True]
    assert by_order[3].parent_id == by_order[1].id
    assert len(by_order[2].variants.ids) == 2
    assert by_order[3].model == "o4-mini"
    # No run made it here, and nobody wrote it: it is as it came.
    assert not any(one.HasField("run_id") or one.edited or one.can_continue for one in messages)
    assert by_order[5].status == chat_pb2.RUN_STATUS_INTERRUPTED
    # It is found, and goes on.
    found = await client.call("Search", search_pb2.SearchRequest(q="rollback"))
    assert [one.session_id for one in found.items] == [session.id]
    _, frames = await client.ask("Thank you.", session_id=session.id)
    assert frames[-1].event == "done"
    await no_pieces(beneath)


@pytest.mark.parametrize(
    ("told", "format_", "titles"),
    [
        (samples.OPEN_WEBUI, "open-webui", {"Reckoning"}),
        (samples.LIBRECHAT, "librechat", {"A story"}),
        (samples.NEXTCHAT, "nextchat", {"天气"}),
        (samples.CHERRY_STUDIO, "cherry-studio", {"Rivers"}),
        (samples.zipped(conversations__json=samples.CHATGPT[:1]), "chatgpt", {"Deploying"}),
        (samples.our_zip(), "parley", {"Ours"}),
    ],
)
async def test_each_format_is_known_by_what_is_in_it_and_adds_nothing_twice(
    beneath: Beneath, client: Client, imports: Imports, told: Any, format_: str, titles: set[str]
) -> None:
    first = await imports.take(told, name="whatever.bin")
    assert (first.state, first.format) == (pb.IMPORT_STATE_COMPLETED, format_)
    assert (await sessions_of(client)).keys() == titles
    messages = await count(beneath, "messages")
    second = await imports.take(told)
    assert (second.added, second.existing, second.messages) == (0, first.added, 0)
    assert second.skipped == first.skipped
    assert await count(beneath, "messages") == messages


async def exported(open_transaction: OpenTransaction, caller: Caller) -> bytes:
    """All of a user's conversations and personas as a whole file."""
    file = b""
    wanted = Wanted(Format.JSON, personas=True)
    async with aclosing(Exporting(open_transaction).export(caller, wanted)) as pieces:
        async for piece in pieces:
            if isinstance(piece, bytes):
                file += piece
            elif isinstance(piece, End):
                file += b'"end":{}}'
    return file


def without_ids(file: bytes) -> Any:
    """Ids aside, the same bytes: members keep their order."""
    document = json.loads(file)
    for conversation in document["conversations"]:
        for one in (conversation, *conversation["messages"]):
            one["id"] = None
            for attached in one.get("attachments", ()):
                attached["id"] = None
    for persona in document["personas"]:
        persona["id"] = persona["created_at"] = None
    return json.dumps(document)


async def test_an_export_of_ours_comes_back_with_the_same_bytes_but_for_ids(
    beneath: Beneath, client: Client, caller: Caller, stranger: Caller, strange_imports: Imports
) -> None:
    made = (
        await client.call(
            "CreateSession",
            chat_pb2.CreateSessionRequest(
                title='"A"  title,\u3000家 👩\u200d👩\n=1',
                instructions="Be brief.",
                folder="work",
                summary=True,
            ),
        )
    ).session
    await client.ask("one\r\n\u2028two \\u0000 🔑", session_id=made.id, temperature=0.5, stop=["x"])
    await client.ask("two", session_id=made.id)
    messages = await messages_of(client, made.id)
    answer = next(one for one in messages if one.order == 2)
    await client.call(
        "EditAnswer",
        chat_pb2.EditAnswerRequest(session_id=made.id, message_id=answer.id, content="Mine."),
    )
    await client.call(
        "ChooseMessage",
        chat_pb2.ChooseMessageRequest(session_id=made.id, message_id=messages[0].id),
    )
    await client.call("CreateSession", chat_pb2.CreateSessionRequest(title="Empty"))
    await client.ask("a third")
    attached = [
        Attachment(new_id(), "a plan.pdf", "pdf", 3_000_000_000),
        Attachment(new_id(), "家.png", "png", 0),
    ]
    async with beneath.open_transaction(caller) as transaction:
        await transaction.lock_owner()
        await Attachments(transaction).attach(UUID(messages[0].id), attached)
    before = await exported(beneath.open_transaction, caller)
    report = await strange_imports.take(before)
    assert (report.format, report.added, report.skipped) == ("parley", 3, 0)
    after = await exported(beneath.open_transaction, stranger)
    assert without_ids(after) == without_ids(before)
    assert len(after) == len(before)
    # Of no file here, whoever it was whose id an export has.
    assert b"a plan.pdf" in after
    assert all(str(one.id).encode() not in after for one in attached)
    # Whose it was already has nothing to add.
    again = await Imports(strange_imports._channel, caller).take(before)
    assert (again.added, again.existing) == (0, 3)


async def test_what_was_here_already_is_told_apart_from_what_was_left_out(imports: Imports) -> None:
    persona: dict[str, Any] = {
        "name": "cook",
        "title": "A cook",
        "description": "",
        "prompt": "Cook.",
        "model": None,
        "parameters": None,
        "starters": [],
    }
    told = {"format": "parley", "personas": [persona, {"name": "nobody"}], "conversations": []}
    first = await imports.take(told)
    assert (first.personas, dict(first.left_out), dict(first.already_there)) == (
        *(1, {"PERSONA": 1}),
        {},
    )
    again = await imports.take(told)
    assert (again.personas, dict(again.left_out), dict(again.already_there)) == (
        *(0, {"PERSONA": 1}),
        {"PERSONA": 1},
    )
    # Nor is anything left out of a conversation of which nothing is taken.
    assert dict((await imports.take(samples.CHATGPT)).left_out) == {"TOOL": 2}
    again = await imports.take(samples.CHATGPT)
    assert (again.existing, dict(again.left_out)) == (2, {})


async def test_what_is_no_export_fails_and_says_why(
    beneath: Beneath, client: Client, imports: Imports
) -> None:
    for file, reason in (
        (b"hello", "FORMAT_UNKNOWN"),
        (b'[{"mapping": ', "FILE_CUT_OFF"),
        (b"PK\x03\x04rubbish", "FILE_DAMAGED"),
    ):
        report = await imports.take(file)
        assert (report.state, report.reason) == (pb.IMPORT_STATE_FAILED, reason)
    assert await sessions_of(client) == {}
    # What came before the end of one that was cut off stays.
    whole = json.dumps([samples.CHATGPT[0], samples.CHATGPT[0]]).encode()
    report = await imports.take(whole[:-50])
    assert (report.state, report.added, report.reason) == (
        pb.IMPORT_STATE_FAILED,
        1,
        "FILE_CUT_OFF",
    )
    await no_pieces(beneath)


async def test_an_upload_that_ends_early_leaves_nothing(beneath: Beneath, imports: Imports) -> None:
    piece = b"x" * (2 * 1024 * 1024)
    for size in (-1, 1, len(piece) + 1):
        with pytest.raises(RemoteError, match="FILE_INCOMPLETE"):
            await imports.upload(piece, size=size)
    with pytest.raises(RemoteError, match="FILE_INCOMPLETE"):
        await imports.upload()
    assert await imports.list() == []
    await no_pieces(beneath)


async def test_an_upload_that_is_repeated_with_its_key_is_one_import(imports: Imports) -> None:
    file = json.dumps(samples.LIBRECHAT).encode()
    first = await imports.upload(file, key="once")
    again = await imports.upload(file, key="once")
    assert again.id == first.id
    with pytest.raises(RemoteError, match="IDEMPOTENCY_KEY_REUSED"):
        await imports.upload(file + b" ", key="once")
    assert [one.id for one in await imports.list()] == [first.id]
    assert (await imports.ended(first.id)).added == 1


async def test_imports_are_their_user_s_alone(imports: Imports, strange_imports: Imports) -> None:
    made = await imports.take(samples.LIBRECHAT)
    for method, request in (
        ("GetImport", pb.GetImportRequest(id=made.id)),
        ("EndImport", pb.EndImportRequest(id=made.id)),
    ):
        with pytest.raises(RemoteError, match="IMPORT_NOT_FOUND"):
            await strange_imports.call(method, request)
    assert await strange_imports.list() == []
    await imports.call("EndImport", pb.EndImportRequest(id=made.id))
    assert await imports.list() == []


# From here on without a service: whoever reads is made by the test.


@pytest_asyncio.fixture
async def importing(chat: Chat) -> Importing:
    return reader_of(chat, "replica-1")


def reader_of(
    chat: Chat,
    replica: str,
    command: Callable[[int], list[str]] | None = None,
    in_force: InForce = no_words,
    retention: Retention = KEPT,
) -> Importing:
    write = WritePersonas(chat.open_transaction, PersonasInForce(None), most=10)
    return Importing(
        Leases(chat.worker, replica),
        chat.open_transaction,
        lambda notice: None,
        write,
        command=command,
        in_force=in_force,
        retention=retention,
    )


def uploads_of(
    chat: Chat,
    in_force: InForce = no_words,
    bounds: ImportBounds = ROOM,
    open_transaction: OpenTransaction | None = None,
) -> upload.Uploads:
    return upload.Uploads(
        open_transaction or chat.open_transaction,
        Held(chat.worker),
        bounds=bounds,
        wake=lambda: None,
        in_force=in_force,
    )


async def upload_to(chat: Chat, caller: Caller, told: Any) -> Any:
    async def pieces() -> AsyncIterator[bytes | int]:
        file = json.dumps(told).encode()
        yield file
        yield len(file)

    return await uploads_of(chat).upload(
        caller, "x.json", None, pieces(), lambda size, digest: None
    )


async def row_of(chat: Chat, import_id: Any) -> Any:
    async with chat.worker.transaction() as connection:
        found = await connection.execute(
            text("SELECT state, reason, added, existing, attempts FROM imports WHERE id = :id"),
            {"id": import_id},
        )
        return found.one()


async def test_what_a_replica_that_died_has_begun_another_one_ends_and_adds_nothing_twice(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    told = [{**samples.CHATGPT[0], "id": f"c-{n}", "conversation_id": f"c-{n}"} for n in range(50)]
    made = await upload_to(chat, caller, told)
    reading = asyncio.create_task(importing.read_all())

    async def some() -> bool:
        return await count(chat, "sessions") > 5

    await eventually(some)
    # As a kill does: nobody releases anything.
    importing._leases.release = _nothing  # type: ignore[method-assign,assignment]
    reading.cancel()
    await asyncio.wait((reading,))
    assert 5 < await count(chat, "sessions") < 50
    assert (await row_of(chat, made.id)).state == "reading"
    other = reader_of(chat, "replica-2")
    await other.read_all()
    assert (await row_of(chat, made.id)).state == "reading"
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE imports SET heard_at = now() - interval '1 minute'"))
    await other.read_all()
    row = await row_of(chat, made.id)
    # What this import had brought before counts as brought by it.
    assert (row.state, row.added, row.existing, row.attempts) == ("completed", 50, 0, 2)
    assert await count(chat, "sessions") == 50
    assert await count(chat, "messages") == 250
    await ImportSweep(Leases(chat.worker, "replica-1")).sweep()
    assert await count(chat, "import_pieces") == 0


async def _nothing(*_: Any) -> None: ...


async def test_a_service_that_stops_hands_over_what_it_reads(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    told = [{**samples.CHATGPT[0], "id": f"c-{n}", "conversation_id": f"c-{n}"} for n in range(200)]
    made = await upload_to(chat, caller, told)
    reading = asyncio.create_task(importing.read_all())

    async def begun() -> bool:
        return await count(chat, "sessions") > 0

    await eventually(begun)
    reading.cancel()
    await asyncio.wait((reading,))
    row = await row_of(chat, made.id)
    assert (row.state, row.attempts) == ("waiting", 0)
    await reader_of(chat, "replica-2").read_all()
    assert (await row_of(chat, made.id)).state == "completed"


async def test_a_reader_that_fails_ends_its_import_and_no_other(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    await reader_of(chat, "replica-1", lambda size: ["/bin/false"]).read_all()
    row = await row_of(chat, made.id)
    assert (row.state, row.reason) == ("failed", "READER_FAILED")
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    await importing.read_all()
    assert (await row_of(chat, made.id)).state == "completed"


async def test_a_reader_that_says_nothing_holds_up_nobody(
    chat: Chat, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_service.imports.importing._SILENT_SECONDS", 0.05)
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    await reader_of(chat, "replica-1", lambda size: ["/bin/sleep", "600"]).read_all()
    row = await row_of(chat, made.id)
    assert (row.state, row.reason) == ("failed", "TOOK_TOO_LONG")


#: A conversation is begun, and never told to its end.
STALLS = """
import sys, time
print('C{"source": "chatgpt", "key": "c", "title": "t", "created_at": "2024-01-01T00:00:00+00:00"}', flush=True)
time.sleep(600)
"""


async def test_a_reader_that_falls_silent_in_a_conversation_is_begun_again_a_few_times(
    chat: Chat, caller: Caller, importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_service.imports.storing._STALLED_SECONDS", 0.05)
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    await reader_of(chat, "replica-1", lambda size: [sys.executable, "-c", STALLS]).read_all()
    row = await row_of(chat, made.id)
    # Five times, and then no more: others wait for their turn.
    assert (row.state, row.reason, row.attempts) == ("failed", "GIVEN_UP", 6)
    assert await count(chat, "sessions") == 0


async def test_a_conversation_ends_as_soon_as_it_is_read_whatever_comes_behind_it(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    """Whoever stores it holds a transaction open until then."""
    reader = await asyncio.create_subprocess_exec(
        *importing._command(2**30),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**25,
    )
    assert reader.stdin is not None
    assert reader.stdout is not None
    try:
        # What follows does not come as long as the reader waits for it.
        told = [{**samples.CHATGPT[0], "id": str(n), "conversation_id": str(n)} for n in range(3)]
        reader.stdin.write(json.dumps(told).encode()[:-1] + b", [" + b"0, " * 200_000)
        await reader.stdin.drain()
        kinds: list[bytes] = []
        async with asyncio.timeout(60):
            while kinds.count(b"E") < len(told):
                kinds.append((await reader.stdout.readline())[:1])
        assert kinds[0] == b"C"
    finally:
        reader.kill()
        await reader.wait()
        reader.stdin.close()


async def test_users_take_turns(chat: Chat, caller: Caller, stranger: Caller) -> None:
    for whose in (caller, caller, caller, stranger):
        await upload_to(chat, whose, samples.LIBRECHAT)
    leases = Leases(chat.worker, "replica-1")
    order = []
    while (taken := await leases.take()) is not None:
        order.append(taken.user_id)
        await leases.end(taken, "completed", None, utc_now())
    assert order == [caller.user_id, stranger.user_id, caller.user_id, caller.user_id]


async def test_what_was_deleted_since_comes_anew(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    async def imported() -> Any:
        made = await upload_to(chat, caller, samples.CHATGPT[:1])
        await importing.read_all()
        return await row_of(chat, made.id)

    assert (await imported()).added == 1
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE sessions SET deleted_at = now()"))
    assert ((row := await imported()).added, row.existing) == (1, 0)
    assert ((row := await imported()).added, row.existing) == (0, 1)
    assert await count(chat, "sessions") == 2


async def test_what_would_be_deleted_at_once_as_too_old_is_not_taken(
    chat: Chat, caller: Caller
) -> None:
    keeps_less = Retention(KEPT.deleted, KEPT.temporary, tenants={caller.tenant_id: 30})
    made = await upload_to(chat, caller, samples.CHATGPT[:1])
    await reader_of(chat, "replica-1", retention=keeps_less).read_all()
    async with chat.worker.transaction() as connection:
        problems = await connection.scalar(text("SELECT problems FROM imports"))
    assert [one["reason"] for one in problems] == ["TOO_OLD_TO_KEEP"]
    assert (await row_of(chat, made.id)).added == await count(chat, "sessions") == 0


async def test_what_is_begun_again_and_again_is_given_up(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE imports SET attempts = 5"))
    await importing.read_all()
    row = await row_of(chat, made.id)
    assert (row.state, row.reason) == ("failed", "GIVEN_UP")


async def test_one_that_is_cancelled_meanwhile_ends_and_what_was_taken_stays(
    chat: Chat, caller: Caller, importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_service.imports.importing._BEAT_SECONDS", 0.01)
    told = [{**samples.CHATGPT[0], "id": f"c-{n}", "conversation_id": f"c-{n}"} for n in range(500)]
    made = await upload_to(chat, caller, told)
    reading = asyncio.create_task(importing.read_all())

    async def some() -> bool:
        return await count(chat, "sessions") > 5

    await eventually(some)
    await ImportJobs(chat.open_transaction, lambda: None).end(caller, made.id)
    await reading
    assert (await row_of(chat, made.id)).state == "cancelled"
    assert 5 < await count(chat, "sessions") < 500
    await ImportSweep(Leases(chat.worker, "replica-1")).sweep()
    assert await count(chat, "import_pieces") == 0


async def test_a_user_who_is_erased_leaves_no_bytes_and_no_trace(
    chat: Chat, caller: Caller, stranger: Caller, importing: Importing
) -> None:
    await upload_to(chat, caller, samples.LIBRECHAT)
    kept = await upload_to(chat, stranger, samples.LIBRECHAT)
    await delete_imports(chat.erasing(caller))
    with pytest.raises(AppError, match="ACCOUNT_DELETED"):
        await upload_to(chat, caller, samples.LIBRECHAT)
    assert await count(chat, "imports") == await count(chat, "import_pieces") == 1
    await importing.read_all()
    assert (await row_of(chat, kept.id)).state == "completed"
    assert await count(chat, "imported") == await count(chat, "sessions") == 1


async def test_one_that_is_cancelled_while_it_begins_leaves_nothing(
    chat: Chat, caller: Caller
) -> None:
    async def pieces() -> AsyncIterator[bytes | int]:
        yield 0

    unheard = Unheard(chat.open_transaction)
    uploads = uploads_of(chat, open_transaction=unheard)
    sending = asyncio.create_task(uploads.upload(caller, "x.json", None, pieces(), lambda *_: None))
    await unheard.stored.wait()
    assert await count(chat, "imports") == 1
    sending.cancel()
    await asyncio.wait((sending,))
    assert sending.cancelled()
    assert await count(chat, "imports") == 0


async def test_a_user_has_three_imports_at_once(chat: Chat, caller: Caller) -> None:
    for _ in range(3):
        await upload_to(chat, caller, samples.LIBRECHAT)
    with pytest.raises(AppError, match="TOO_MANY_IMPORTS"):
        await upload_to(chat, caller, samples.LIBRECHAT)


async def test_an_upload_that_is_repeated_is_none_more_than_there_may_be(
    chat: Chat, caller: Caller
) -> None:
    uploads = uploads_of(chat)

    async def send(key: str) -> Any:
        async def pieces() -> AsyncIterator[bytes | int]:
            yield b"{}"
            yield 2

        def once_of(size: int, digest: bytes) -> Once[UUID]:
            return Once(
                RequestKey(key, digest), lambda one: one.bytes, lambda content: UUID(bytes=content)
            )

        return await uploads.upload(caller, "x.json", None, pieces(), once_of)

    made = [await send(key) for key in ("one", "two", "three")]
    assert [(await send(key)).id for key in ("one", "two", "three")] == [one.id for one in made]
    with pytest.raises(AppError, match="TOO_MANY_IMPORTS"):
        await send("four")
    assert await count(chat, "imports") == await count(chat, "import_pieces") == 3


async def test_uploads_that_went_silent_and_old_reports_are_swept(
    chat: Chat, caller: Caller
) -> None:
    sweeping = ImportSweep(Leases(chat.worker, "replica-1"))
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    async with chat.worker.transaction() as connection:
        await connection.execute(
            text("UPDATE imports SET state = 'uploading', heard_at = now() - interval '3 minutes'")
        )
    await sweeping.sweep()
    assert (await row_of(chat, made.id)).reason == "UPLOAD_GIVEN_UP"
    assert await count(chat, "import_pieces") == 0
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE imports SET ended_at = now() - interval '31 days'"))
    await sweeping.sweep()
    assert await count(chat, "imports") == 0


async def test_words_are_masked_in_what_is_imported_and_none_of_it_is_refused(
    chat: Chat, caller: Caller
) -> None:
    await upload_to(chat, caller, samples.CHATGPT)
    await reader_of(chat, "replica-1").read_all()

    async def said() -> list[str]:
        async with chat.worker.transaction() as connection:
            found = await connection.execute(
                text("SELECT title FROM sessions UNION ALL SELECT content FROM messages")
            )
            return sorted(found.scalars())

    as_it_was = await said()
    async with chat.worker.transaction() as connection:
        await connection.execute(text("DELETE FROM imported"))
        await connection.execute(text("DELETE FROM messages"))
        await connection.execute(text("DELETE FROM sessions"))
    longest = max((word for each in as_it_was for word in each.split()), key=len)
    title = as_it_was[-1].split()[0]
    words = WordFilter([Rule(longest, Action.MASK), Rule(title, Action.REFUSE)])
    await upload_to(chat, caller, samples.CHATGPT)
    await reader_of(chat, "replica-1", in_force=lambda: words).read_all()
    masked = sorted(map(words.masked, as_it_was))
    assert await said() == masked != as_it_was


async def test_words_are_masked_in_a_report_and_in_names(chat: Chat, caller: Caller) -> None:
    words = WordFilter([Rule("badword", Action.REFUSE)])
    message = {"order": 1, "role": "user", "content": "Hi", "created_at": "2026-01-01T00:00:00Z"}
    taken = {
        "id": "one",
        "title": "A badword",
        "folder": "badword",
        "persona": "badword",
        "created_at": "2026-01-01T00:00:00Z",
        "messages": [message],
    }
    broken = {**taken, "id": "two", "messages": [{}]}
    persona: dict[str, Any] = {
        "name": "cook",
        "title": "badword cook",
        "description": "a badword",
        "prompt": "Cook.",
        "model": None,
        "parameters": None,
        "starters": [],
    }
    told = {"format": "parley", "personas": [persona], "conversations": [taken, broken]}

    async def pieces() -> AsyncIterator[bytes | int]:
        file = json.dumps(told).encode()
        yield file
        yield len(file)

    uploads = uploads_of(chat, lambda: words)
    await uploads.upload(caller, "badword.json", None, pieces(), lambda size, digest: None)
    await reader_of(chat, "replica-1", in_force=lambda: words).read_all()
    async with chat.worker.transaction() as connection:
        kept = await connection.execute(
            text(
                "SELECT row_to_json(told) FROM (SELECT * FROM imports) AS told UNION ALL "
                "SELECT row_to_json(told) FROM (SELECT * FROM sessions) AS told UNION ALL "
                "SELECT row_to_json(told) FROM (SELECT * FROM personas) AS told"
            )
        )
        rows = [json.dumps(row, ensure_ascii=False) for row in kept.scalars()]
    assert len(rows) == 3
    for row in rows:
        assert "badword" not in row
        assert "＊" * len("badword") in row
