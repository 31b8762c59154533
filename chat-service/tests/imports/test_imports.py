"""What is imported on the wire, from the upload to the report: taken, there already, left out, and why."""

import json
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.ids import new_id
from chat_service.audit import Audit
from chat_service.exports.domain.wanted import End, Format, Wanted
from chat_service.exports.usecases.export import Exporting
from chat_service.files.domain.attachment import Attachment
from chat_service.files.store.attachments import Attachments
from chat_service.imports.importing import Importing
from chat_service.runs.domain.retention import KEPT, Retention
from chat_service.user_settings.domain.settings import SettingsChange
from chat_service.user_settings.store.copy import take_changes
from parley.chat.v1 import chat_pb2, search_pb2
from parley.chat.v1 import imports_pb2 as pb

from . import samples
from .jobs import reader_of, row_of, upload_to
from .over_the_wire import Beneath, Imports, count, messages_of, no_pieces, sessions_of
from .variants import ALL

# Fixtures of the conftest.py above; a test module cannot import their classes by name.
Chat = Any
Client = Any


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
    async with aclosing(
        Exporting(open_transaction, Audit("test")).export(caller, wanted)
    ) as pieces:
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


@pytest.mark.slow
async def test_whatever_came_from_elsewhere_goes_out_and_comes_in_elsewhere_as_it_was(
    beneath: Beneath, imports: Imports, caller: Caller, stranger: Caller, strange_imports: Imports
) -> None:
    lines: list[str] = []
    for source, name in (
        *(("chatgpt", "conversation_id"), ("open-webui", "id")),
        ("librechat", "conversationId"),
    ):
        for case, (told, _, _) in ALL[source].items():
            lines.append(json.dumps({**told, name: f"{source} {case}"}))
    report = await imports.take("\n".join(lines).encode())
    assert (report.state, report.added, report.skipped) == (
        *(pb.IMPORT_STATE_COMPLETED, len(lines)),
        0,
    )
    before = await exported(beneath.open_transaction, caller)
    report = await strange_imports.take(before)
    assert (report.format, report.added, report.skipped) == ("parley", len(lines), 0)
    after = await exported(beneath.open_transaction, stranger)
    assert (without_ids(after), len(after)) == (without_ids(before), len(before))


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


async def test_what_is_in_a_file_twice_is_added_once_and_told_of(
    beneath: Beneath, imports: Imports
) -> None:
    (told, *_) = samples.CHATGPT
    report = await imports.take([told, samples.CHATGPT[2], told, {**told, "title": "Renamed"}])
    assert (report.state, report.added, report.existing, report.messages) == (
        *(pb.IMPORT_STATE_COMPLETED, 2, 2),
        6,
    )
    assert await count(beneath, "sessions") == 2


async def test_what_is_no_export_fails_and_says_why(
    beneath: Beneath, client: Client, imports: Imports
) -> None:
    for file, reason in (
        (b"hello", "FORMAT_UNKNOWN"),
        (b'[{"mapping": ', "FILE_CUT_OFF"),
        (b"PK\x03\x04rubbish", "FILE_CUT_OFF"),
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


async def test_an_export_that_was_changed_is_taken_and_told_of(
    client: Client, imports: Imports
) -> None:
    conversation = {"id": "one", "title": "A", "created_at": "2026-01-01T00:00:00Z", "messages": []}
    told = {"format": "parley", "version": 1, "conversations": [conversation]}
    whole = await imports.take({**told, "end": {"conversations": 1}})
    assert (whole.state, whole.HasField("reason")) == (pb.IMPORT_STATE_COMPLETED, False)
    changed = await imports.take({**told, "end": {"conversations": 2}})
    assert (changed.state, changed.reason) == (pb.IMPORT_STATE_COMPLETED, "FILE_CHANGED")
    assert (whole.added, changed.existing) == (1, 1)
    assert (await sessions_of(client)).keys() == {"A"}


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


@pytest.mark.parametrize("gone", ["deleted_at = now()", "purging = true"])
async def test_an_export_of_ours_brings_back_what_was_deleted_since(
    chat: Chat, caller: Caller, importing: Importing, gone: str
) -> None:
    deleted, _ = await chat.session(caller, "deleted"), await chat.session(caller, "kept")
    file = await exported(chat.open_transaction, caller)
    async with chat.worker.transaction() as connection:
        await connection.execute(
            text(f"UPDATE sessions SET {gone} WHERE id = :id"), {"id": deleted.id}
        )
    made = await upload_to(chat, caller, file + b"\n")
    await importing.read_all()
    assert ((row := await row_of(chat, made.id)).added, row.existing) == (1, 1)


async def test_what_would_be_deleted_at_once_as_too_old_is_not_taken(
    chat: Chat, caller: Caller
) -> None:
    keeps_less = Retention(KEPT.deleted, KEPT.temporary, tenants={caller.tenant_id: 30})
    made = await upload_to(chat, caller, samples.CHATGPT[:1])
    await reader_of(chat, "replica-1", retention=lambda: keeps_less).read_all()
    async with chat.worker.transaction() as connection:
        problems = await connection.scalar(text("SELECT problems FROM imports"))
    assert [one["reason"] for one in problems] == ["TOO_OLD_TO_KEEP"]
    assert (await row_of(chat, made.id)).added == await count(chat, "sessions") == 0


async def test_what_is_older_than_its_user_keeps_it_is_not_taken_unless_it_is_pinned(
    chat: Chat, caller: Caller
) -> None:
    settings = SettingsChange(1, caller.user_id, caller.tenant_id, "", None, False, 30)
    async with chat.worker.transaction() as connection:
        await take_changes(connection, [settings])
    created_at = (utc_now() - timedelta(days=31)).isoformat()
    message = {"order": 1, "role": "user", "content": "Hi", "created_at": created_at}
    old = {"id": "one", "title": "Old", "created_at": created_at, "messages": [message]}
    pinned = {**old, "id": "two", "title": "Pinned", "pinned": True}
    await upload_to(chat, caller, {"format": "parley", "conversations": [old, pinned]})
    await reader_of(chat, "replica-1", retention=lambda: KEPT).read_all()
    async with chat.worker.transaction() as connection:
        problems = await connection.scalar(text("SELECT problems FROM imports"))
        titles = await connection.scalars(text("SELECT title FROM sessions"))
    assert problems == [{"title": "Old", "reason": "TOO_OLD_TO_KEEP"}]
    assert list(titles) == ["Pinned"]
