"""What the audit log is told of shares, exports and imports: ids and words, with the deed or not at all."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from chassis.caller import Caller
from chassis.errors import AppError
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.jetstream import Consumer, JetStream
from chassis.testing import eventually
from chat_service.audit import Deed
from parley.chat.v1 import chat_pb2, exports_pb2, exports_pb2_grpc, shares_pb2
from parley.chat.v1 import imports_pb2 as imports
from parley.chat.v1 import imports_pb2_grpc as imports_grpc
from parley.events.audit import TOLD
from parley.events.rights import audited_by
from parley.events.v1 import events_pb2

# Fixtures of conftest.py; a test module cannot import their classes by name.
Chat = Any
Client = Any

CANARY = "canary-8c1f"


@pytest_asyncio.fixture
async def heard(nats_url: str, events_prefix: str) -> AsyncIterator[list[bytes]]:
    """What auth-service hears, as it comes."""
    heard: list[bytes] = []

    async def hear(payload: bytes) -> None:
        heard.append(payload)

    keeps = {"auditor": audited_by("chat-service")}
    stream = JetStream(nats_url, prefix=events_prefix, name="auditor", keeps=keeps)
    await stream.start()
    await stream.wait_ready()
    consumer = Consumer(stream, durable="auditor", handler=hear)
    await consumer.start()
    yield heard
    await consumer.drain()
    await consumer.stop()
    await stream.stop()


def told(payloads: list[bytes]) -> list[tuple[str, dict[str, str]]]:
    entries = [events_pb2.Audited.FromString(payload) for payload in payloads]
    return [(one.event, dict(one.fields)) for one in sorted(entries, key=lambda each: each.id)]


async def in_outbox(chat: Chat) -> list[tuple[str, dict[str, str]]]:
    async with chat.worker.transaction() as connection:
        rows = await connection.execute(text("SELECT payload FROM outbox"))
        return told([payload for (payload,) in rows])


async def refused(call: Any) -> str:
    with pytest.raises(AppError) as error:
        await call
    return error.value.reason


async def export(channel: Channel, caller: Caller, **wanted: Any) -> None:
    stub = channel.stub(exports_pb2_grpc.ExportServiceStub)
    request = exports_pb2.ExportRequest(format=exports_pb2.EXPORT_FORMAT_JSON, **wanted)
    async for _ in channel.stream(stub.Export, request, token=caller.token):
        continue


async def upload(channel: Channel, caller: Caller, file: bytes) -> str:
    async def requests() -> Any:
        head = imports.ImportHead(name=f"{CANARY}.json")
        yield imports.UploadImportRequest(head=head)
        yield imports.UploadImportRequest(chunk=file)
        yield imports.UploadImportRequest(end=imports.ImportEnd(size=len(file)))

    stub = channel.stub(imports_grpc.ImportServiceStub)
    answer = await channel.send(stub.UploadImport, requests(), token=caller.token)
    return str(answer.job.id)


async def test_shares_exports_and_imports_are_told_in_ids_and_words(
    client: Client, channel: Channel, caller: Caller, heard: list[bytes]
) -> None:
    request = chat_pb2.CreateSessionRequest(title=CANARY)
    session_id = (await client.call("CreateSession", request)).session.id
    await client.ask(CANARY, session_id=session_id)
    made = shares_pb2.CreateShareRequest(session_id=session_id, password=f"{CANARY} opens")
    share_id = (await client.call("CreateShare", made)).share.id
    for change in (
        {
            "password": f"{CANARY} anew",
            "expires_in": 3600,
            "audience": shares_pb2.SHARE_AUDIENCE_MEMBERS,
        },
        {"without_password": True, "without_expiry": True},
        {"max_views": 5},
        {},
    ):
        await client.call("UpdateShare", shares_pb2.UpdateShareRequest(id=share_id, **change))
    await client.call("RefreshShare", shares_pb2.RefreshShareRequest(id=share_id))
    await client.call("DeleteShare", shares_pb2.DeleteShareRequest(id=share_id))
    # There is nothing left to revoke.
    await client.call("DeleteShares", shares_pb2.DeleteSharesRequest())
    made.ClearField("password")
    other_id = (await client.call("CreateShare", made)).share.id
    await client.call("DeleteShares", shares_pb2.DeleteSharesRequest())
    await export(channel, caller)
    await export(channel, caller, session_id=session_id, files=True)
    await export(channel, caller, look=True)
    import_id = await upload(channel, caller, f'{{"x": "{CANARY}"}}'.encode())

    share = {"share_id": share_id, "session_id": session_id}
    other = {"share_id": other_id, "session_id": session_id}
    expected = [
        (Deed.SHARE_CREATED, {**share, "audience": "link", "password": "set", "files": "none"}),
        (Deed.SHARE_PASSWORD_SET, share),
        (Deed.SHARE_CHANGED, {**share, "audience": "members", "expiry": "set"}),
        (Deed.SHARE_PASSWORD_REMOVED, share),
        (Deed.SHARE_CHANGED, {**share, "expiry": "removed"}),
        (Deed.SHARE_CHANGED, {**share, "max_views": "set"}),
        (Deed.SHARE_REFRESHED, share),
        (Deed.SHARE_DELETED, share),
        (Deed.SHARE_CREATED, {**other, "audience": "link", "password": "none", "files": "none"}),
        (Deed.SHARE_DELETED_ALL, {"count": "1"}),
        (Deed.EXPORT_BEGUN, {"format": "json", "files": "none"}),
        (
            Deed.EXPORT_BEGUN,
            {"session_id": session_id, "format": "json", "files": "included"},
        ),
        (Deed.IMPORT_BEGUN, {"import_id": import_id}),
        (
            Deed.IMPORT_ENDED,
            {"import_id": import_id, "state": "failed", "added": "0", "messages": "0"},
        ),
    ]
    await eventually(lambda: len(heard) >= len(expected), timeout=60)
    assert told(heard) == expected
    entries = [events_pb2.Audited.FromString(payload) for payload in heard]
    who = {(one.user_id, one.tenant_id, one.sid) for one in entries if one.HasField("sid")}
    assert who == {(str(caller.user_id), str(caller.tenant_id), caller.sid)}
    # Nobody was there when the file had been read.
    assert [one.event for one in entries if not one.HasField("sid")] == [Deed.IMPORT_ENDED]
    assert {event for event, _ in expected} == TOLD["chat-service"].keys()
    assert CANARY.encode() not in b"".join(heard)


async def test_what_is_refused_is_not_told(
    client: Client, channel: Channel, caller: Caller, heard: list[bytes]
) -> None:
    session_id = (await client.call("CreateSession", chat_pb2.CreateSessionRequest())).session.id
    unknown, empty = str(new_id()), shares_pb2.CreateShareRequest(session_id=session_id)
    for method, request in (
        ("CreateShare", empty),
        ("CreateShare", shares_pb2.CreateShareRequest(session_id=unknown)),
        ("UpdateShare", shares_pb2.UpdateShareRequest(id=unknown, password="a long one")),
        ("RefreshShare", shares_pb2.RefreshShareRequest(id=unknown)),
        ("DeleteShare", shares_pb2.DeleteShareRequest(id=unknown)),
    ):
        assert await refused(client.call(method, request))
    assert await refused(export(channel, caller, session_id=unknown)) == "SESSION_NOT_FOUND"
    assert await refused(upload(channel, caller, b"")) == "FILE_INCOMPLETE"
    # What is told comes in its order: with the last one all before it would be here.
    await export(channel, caller)
    await eventually(lambda: heard)
    assert [event for event, _ in told(heard)] == [Deed.EXPORT_BEGUN]


async def test_a_users_own_transaction_tells_the_audit_log_and_nothing_else(
    chat: Chat, caller: Caller
) -> None:
    insert = text("INSERT INTO outbox (id, subject, payload) VALUES (:id, :subject, '')")
    for subject in ("test.user.erased.chat-service", "test.audit.notes-service", "audit"):
        with pytest.raises(ProgrammingError, match="row-level security"):
            async with chat.app.transaction(caller) as connection:
                await connection.execute(insert, {"id": new_id(), "subject": subject})
    for statement in (
        "SELECT id FROM outbox",
        "DELETE FROM outbox",
        "UPDATE outbox SET attempts = 1",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with chat.app.transaction(caller) as connection:
                await connection.execute(text(statement))


@pytest.mark.parametrize(
    ("deed", "fields"),
    [
        (Deed.IMPORT_BEGUN, {"import_id": CANARY}),
        (Deed.IMPORT_BEGUN, {"title": "word"}),
        (Deed.EXPORT_BEGUN, {"format": "A title, as people write them"}),
        (Deed.EXPORT_BEGUN, {"format": ""}),
    ],
)
async def test_what_is_neither_an_id_nor_a_word_is_not_told(
    chat: Chat, caller: Caller, deed: Deed, fields: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r".+"):
        async with chat.open_transaction(caller) as transaction:
            await chat.audit.note(transaction, deed, caller, **fields)
    assert await in_outbox(chat) == []


async def test_of_two_who_end_an_import_one_is_told(chat: Chat, caller: Caller) -> None:
    from chat_service.imports.usecases.jobs import ImportJobs

    from .imports import samples
    from .imports.jobs import upload_to

    made = await upload_to(chat, caller, samples.LIBRECHAT)
    jobs = ImportJobs(chat.open_transaction, lambda: None, chat.audit)
    await asyncio.gather(*(jobs.end(caller, made.id) for _ in range(2)), return_exceptions=True)
    ids = {"import_id": str(made.id)}
    assert await in_outbox(chat) == [
        (Deed.IMPORT_BEGUN, ids),
        (Deed.IMPORT_ENDED, {**ids, "state": "cancelled", "added": "0", "messages": "0"}),
    ]
