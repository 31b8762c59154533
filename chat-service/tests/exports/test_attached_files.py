"""The files that an export tells beside its document: what is attached to the messages in it."""

from contextlib import aclosing
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.caller import Caller
from chassis.ids import new_id
from chat_service.exports.domain.wanted import AttachedFile, Files, Format, Wanted
from chat_service.exports.store.pages import PageSize
from chat_service.exports.usecases.export import Exporting
from chat_service.files.domain.attachment import Attachment
from chat_service.files.store.attachments import Attachments

# Fixtures of conftest.py; a test module cannot import their classes by name.
Chat = Any

_FILE = """
INSERT INTO files (id, tenant_id, user_id, name, kind, size, sha256, state, created_at, held_until)
VALUES (:id, :tenant_id, :user_id, 'as uploaded', 'text', 5, '\\x00', :state, now(), now())
"""


async def keep(chat: Chat, whose: Caller, state: str = "ready") -> UUID:
    """A file of theirs in that state; its id."""
    made = new_id()
    async with chat.open_transaction(whose) as transaction:
        await transaction.lock_owner()
        await transaction.connection.execute(
            text(_FILE),
            {"id": made, "tenant_id": whose.tenant_id, "user_id": whose.user_id, "state": state},
        )
    return made


async def attach(chat: Chat, caller: Caller, question: Any, *files: tuple[UUID, str]) -> None:
    attached = [Attachment(file_id, name, "text", 5) for file_id, name in files]
    async with chat.open_transaction(caller) as transaction:
        await transaction.lock_owner()
        await Attachments(transaction).attach(UUID(str(question.id)), attached)


async def told(
    chat: Chat,
    caller: Caller,
    of: Format = Format.JSON,
    exporting: Exporting | None = None,
    **wanted: Any,
) -> list[Any]:
    """Of each piece of the export what it is: text, or the files that it tells."""
    exporting = exporting or Exporting(chat.open_transaction, chat.audit)
    found: list[Any] = []
    async with aclosing(exporting.export(caller, Wanted(of, files=True, **wanted))) as export:
        async for piece in export:
            if isinstance(piece, Files):
                found.append(list(piece.items))
            elif isinstance(piece, bytes):
                found.append(piece.decode())
    return found


def files_of(pieces: list[Any]) -> list[AttachedFile]:
    return [file for piece in pieces if isinstance(piece, list) for file in piece]


async def test_files_are_told_behind_their_page_in_the_order_of_messages_and_as_often(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller)
    for turn in ("one", "two", "three"):
        await chat.turn(caller, session.id, turn)
    first, _, _, _, third, _ = await chat.messages(caller, session.id)
    a, b = await keep(chat, caller), await keep(chat, caller)
    await attach(chat, caller, first, (b, "b.txt"), (a, "a.txt"))
    await attach(chat, caller, third, (a, "again.txt"))
    expected = [
        AttachedFile(b, "b.txt", 5, gone=False),
        AttachedFile(a, "a.txt", 5, gone=False),
        AttachedFile(a, "again.txt", 5, gone=False),
    ]
    for of in Format:
        assert files_of(await told(chat, caller, of)) == expected
    exporting = Exporting(
        chat.open_transaction, chat.audit, page_size=PageSize(messages=1), piece_files=1
    )
    in_pages = await told(chat, caller, exporting=exporting)
    assert files_of(in_pages) == expected
    seen = ""
    for piece in in_pages:
        if isinstance(piece, str):
            seen += piece
            continue
        (file,) = piece
        assert f'"id":"{file.id}","name":"{file.name}"' in seen


async def test_a_file_that_is_not_there_or_is_someone_elses_is_told_as_gone(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    session = await chat.session(caller)
    await chat.turn(caller, session.id, "one")
    question, _ = await chat.messages(caller, session.id)
    files = [
        await keep(chat, caller),
        await keep(chat, caller, "lost"),
        await keep(chat, caller, "deleting"),
        await keep(chat, stranger),
        new_id(),
    ]
    await attach(chat, caller, question, *((file, "a") for file in files))
    found = {file.id: file.gone for file in files_of(await told(chat, caller))}
    assert found == dict(zip(files, (False, True, True, True, True), strict=True))
    assert files_of(await told(chat, stranger)) == []


async def test_markdown_has_the_files_of_the_chosen_path_alone(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    for words in ("one", "two"):
        await chat.turn(caller, session.id, words)
    _, _, later, _ = await chat.messages(caller, session.id)
    file = await keep(chat, caller)
    await attach(chat, caller, later, (file, "a.txt"))
    async with chat.worker.transaction() as connection:
        await connection.execute(
            text("UPDATE messages SET chosen = false WHERE id = :id"), {"id": UUID(str(later.id))}
        )
    assert files_of(await told(chat, caller, Format.MARKDOWN)) == []
    assert [one.id for one in files_of(await told(chat, caller, Format.CSV))] == [file]
