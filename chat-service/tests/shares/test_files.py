"""Files of questions in a share: shown where its owner says so, and kept for as long as it shows them."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.testing import limit_deletes
from chat_service.files.domain.file import FileState
from chat_service.files.store import sweeping
from chat_service.files.store.files import Files
from chat_service.shares.domain.share import FilePart, ShareKey
from chat_service.shares.store.erasure import delete_shares

# Of conftest.py, for which a test module has no name.
Sharing = Any

ADD_FILE = """
INSERT INTO files (id, tenant_id, user_id, name, kind, size, sha256, state, created_at, held_until)
VALUES (:file, :tenant, :user, :name, 'text', 5, '', 'ready', now(), now() - interval '1 day')
"""
ATTACH = """
INSERT INTO message_files (message_id, position, tenant_id, user_id, file_id, name, kind, size)
VALUES (:message, :number, :tenant, :user, :file, :name, 'text', 5)
"""


async def asked_with(sharing: Sharing, session_id: UUID, *names: str) -> list[UUID]:
    """A question with files of these names; returns their ids."""
    run = await sharing.turn(session_id)
    caller, ids = sharing.caller, [uuid4() for _ in names]
    async with sharing.chat.app.transaction(caller) as connection:
        for number, (file_id, name) in enumerate(zip(ids, names, strict=True)):
            file = {"file": file_id, "tenant": caller.tenant_id, "user": caller.user_id}
            await connection.execute(text(ADD_FILE), {**file, "name": name})
            attached = {**file, "message": run.question_id, "number": number, "name": name}
            await connection.execute(text(ATTACH), attached)
    return ids


async def with_files(sharing: Sharing, *names: str) -> tuple[UUID, list[UUID]]:
    session_id = await sharing.session(turns=1)
    return session_id, await asked_with(sharing, session_id, *names)


def names_of(shared: Any) -> list[list[str]]:
    return [[file.name for file in message.files] for message in shared.messages]


async def delete_file(sharing: Sharing, file_id: UUID) -> None:
    async with sharing.chat.open_transaction(sharing.caller) as transaction:
        await transaction.lock_owner()
        assert await Files(transaction).give_up(file_id, FileState.READY)


async def read(sharing: Sharing, token: str, shown_id: UUID, **key: Any) -> bytes:
    shown = ShareKey(token, key.get("password"), key.get("opening"), "192.0.2.1")
    _, content = await sharing.readers.read_file(shown, key.get("by"), shown_id, key.get("part"))
    return b"".join([piece async for piece in content])


async def test_they_are_shown_with_their_questions_where_the_owner_says_so(
    sharing: Sharing,
) -> None:
    session_id, ids = await with_files(sharing, "a.txt", "b.txt")
    silent = await sharing.share(session_id)
    assert not silent.share.include_files
    assert names_of(await sharing.open(silent.token)) == [[]] * 4
    made = await sharing.share(session_id, include_files=True)
    assert made.share.include_files
    shared = await sharing.open(made.token)
    assert names_of(shared) == [[], [], ["a.txt", "b.txt"], []]
    first, _ = shared.messages[2].files
    assert (first.kind, first.size) == ("text", 5)
    # Its owner's id of it is nobody else's business.
    assert {file.id for file in shared.messages[2].files}.isdisjoint(ids)
    # Page by page they are where they belong.
    page = await sharing.open(made.token, limit=1)
    for expected in ([], ["a.txt", "b.txt"], []):
        page = await sharing.open(
            made.token, limit=1, cursor=page.next_cursor, opening=page.opening
        )
        assert names_of(page) == [expected]


async def test_one_is_read_by_whoever_opens_the_share_and_by_nobody_else(
    sharing: Sharing, refused: Any
) -> None:
    session_id, (file_id,) = await with_files(sharing, "a.txt")
    made = await sharing.share(session_id, include_files=True, password="right", max_views=2)
    other = await sharing.share(session_id, include_files=True)
    silent = await sharing.share(session_id)
    shared = await sharing.open(made.token, password="right")
    (shown,) = shared.messages[2].files
    for _ in range(2):
        stored = await read(sharing, made.token, shown.id, opening=shared.opening)
        assert stored.decode() == f"{sharing.caller.user_id}/{file_id}/0-5"
    assert (await refused(read(sharing, made.token, shown.id)))[0] == "SHARE_PASSWORD_NEEDED"
    wrong = read(sharing, made.token, shown.id, password="wrong")
    assert (await refused(wrong))[0] == "SHARE_PASSWORD_WRONG"
    for token in (other.token, silent.token):
        # Of another share, and nothing is counted for it.
        for unknown in (shown.id, file_id):
            assert (await refused(read(sharing, token, unknown)))[0] == "FILE_NOT_FOUND"
    # Without an opening it is a view like any other.
    await read(sharing, made.token, shown.id, password="right")
    assert await sharing.opens() == [0, 0, 2]
    used_up = read(sharing, made.token, shown.id, password="right")
    assert (await refused(used_up))[0] == "SHARE_NOT_FOUND"
    await sharing.write.delete(sharing.caller, made.share.id)
    late = read(sharing, made.token, shown.id, opening=shared.opening)
    assert (await refused(late))[0] == "SHARE_NOT_FOUND"


async def test_a_part_is_a_view_unless_there_is_nothing_in_it(
    sharing: Sharing, refused: Any
) -> None:
    session_id, _ = await with_files(sharing, "a.txt")
    made = await sharing.share(session_id, include_files=True)
    (shown,) = (await sharing.open(made.token)).messages[2].files
    parts = {
        FilePart(0, 0): "0-1",
        FilePart(0, 4): "0-5",
        FilePart(4, 99): "4-5",
        FilePart(2, None): "2-5",
        FilePart(None, 1): "4-5",
        FilePart(None, 99): "0-5",
    }
    for part, span in parts.items():
        content = await read(sharing, made.token, shown.id, part=part)
        assert content.decode().rpartition("/")[2] == span
    assert await sharing.opens() == [1 + len(parts)]
    for part in (FilePart(5, None), FilePart(5, 9), FilePart(None, 0)):
        nothing = read(sharing, made.token, shown.id, part=part)
        assert (await refused(nothing))[0] == "RANGE_NOT_SATISFIABLE"
    assert await sharing.opens() == [1 + len(parts)]


async def test_one_for_members_is_read_by_members(
    sharing: Sharing, stranger: Caller, refused: Any
) -> None:
    session_id, _ = await with_files(sharing, "a.txt")
    made = await sharing.share(session_id, include_files=True)
    (shown,) = (await sharing.open(made.token)).messages[2].files
    await sharing.execute("UPDATE shares SET audience = 'members'")
    assert (await refused(read(sharing, made.token, shown.id)))[0] == "SHARE_NOT_FOUND"
    assert await read(sharing, made.token, shown.id, by=stranger)


async def test_a_refresh_shows_the_files_of_now_under_other_ids(
    sharing: Sharing, refused: Any
) -> None:
    session_id, _ = await with_files(sharing, "a.txt")
    made = await sharing.share(session_id, include_files=True)
    silent = await sharing.share(session_id)
    (before,) = (await sharing.open(made.token)).messages[2].files
    await asked_with(sharing, session_id, "b.txt")
    for share in (made, silent):
        await sharing.write.refresh(sharing.caller, share.share.id)
    shared = await sharing.open(made.token)
    assert names_of(shared) == [[], [], ["a.txt"], [], ["b.txt"], []]
    assert names_of(await sharing.open(silent.token)) == [[]] * 6
    assert (await refused(read(sharing, made.token, before.id)))[0] == "FILE_NOT_FOUND"
    # As a release before this one refreshes it, which knows of no files: they belong to what was shown before.
    await sharing.execute(
        "UPDATE shares SET revision = revision + 1 WHERE id = :id", id=made.share.id
    )
    assert names_of(await sharing.open(made.token)) == [[]] * 6
    stale = read(sharing, made.token, shared.messages[2].files[0].id)
    assert (await refused(stale))[0] == "FILE_NOT_FOUND"


async def test_one_that_its_owner_deletes_is_in_no_share_any_more(
    sharing: Sharing, refused: Any
) -> None:
    session_id, (gone, _) = await with_files(sharing, "gone.txt", "kept.txt")
    made = await sharing.share(session_id, include_files=True)
    shown, _ = (await sharing.open(made.token)).messages[2].files
    await delete_file(sharing, gone)
    assert names_of(await sharing.open(made.token)) == [[], [], ["kept.txt"], []]
    assert (await refused(read(sharing, made.token, shown.id)))[0] == "FILE_NOT_FOUND"
    # Nor in one that is made afterwards, though its name is on the question.
    later = await sharing.share(session_id, include_files=True)
    assert names_of(await sharing.open(later.token)) == [[], [], ["kept.txt"], []]


async def test_one_deleted_while_it_is_shared_anew_is_in_no_share(sharing: Sharing) -> None:
    session_id = await sharing.session(turns=1)
    made = await sharing.share(session_id, include_files=True)
    for number in range(8):
        (file_id,) = await asked_with(sharing, session_id, f"{number}.txt")
        await sharing.write.refresh(sharing.caller, made.share.id)
        await asyncio.gather(
            sharing.write.refresh(sharing.caller, made.share.id), delete_file(sharing, file_id)
        )
        assert await sharing.count("share_files") == 0


@pytest.mark.parametrize("how", ["revoked", "refreshed"])
async def test_a_file_is_kept_until_the_last_share_of_it_goes(sharing: Sharing, how: str) -> None:
    session_id, _ = await with_files(sharing, "a.txt")
    made = await sharing.share(session_id, include_files=True)
    # Its message is gone, and nobody has opened it since.
    await sharing.execute("DELETE FROM message_files")

    async def states() -> list[str]:
        await sharing.execute("UPDATE files SET held_until = held_until - interval '2 days'")
        async with sharing.chat.worker.transaction() as connection:
            await sweeping.mark_unused(connection, 100)
        return list((await sharing.execute("SELECT state FROM files")).scalars())

    assert await states() == ["ready"]
    assert names_of(await sharing.open(made.token))[2] == ["a.txt"]
    if how == "revoked":
        await sharing.write.delete(sharing.caller, made.share.id)
        await sharing.sweep()
    else:
        await sharing.write.refresh(sharing.caller, made.share.id)
    assert await sharing.count("share_files") == 0
    assert await states() == ["deleting"]


async def test_a_copy_of_a_share_has_no_files(sharing: Sharing, stranger: Caller) -> None:
    session_id, _ = await with_files(sharing, "a.txt")
    made = await sharing.share(session_id, include_files=True)
    forked = await sharing.fork(made.token, stranger)
    messages = await sharing.chat.messages(stranger, forked.id)
    assert [message.attachments for message in messages] == [()] * 4
    assert await sharing.count("files") == 1


async def test_references_go_with_their_user_step_by_step(sharing: Sharing) -> None:
    session_id, _ = await with_files(sharing, "a.txt")
    await sharing.share(session_id, include_files=True)
    many = (
        "INSERT INTO share_files (id, share_id, revision, position, number, tenant_id, user_id,"
        " file_id, name, kind, size) SELECT gen_random_uuid(), share_id, 0, 10 + made, 0, tenant_id,"
        " user_id, file_id, '', '', 1 FROM share_files, generate_series(1, 1200) AS made"
    )
    async with sharing.chat.app.transaction(sharing.caller) as connection:
        await connection.execute(text(many))
    limit_deletes(sharing.chat.urls, 500, "shares", "share_messages", "share_files")
    await delete_shares(sharing.chat.erasing(sharing.caller))
    assert await sharing.count("share_files") == 0
    assert await sharing.count("shares") == 0


async def test_a_readers_transaction_shows_the_references_of_one_share(sharing: Sharing) -> None:
    session_id, _ = await with_files(sharing, "a.txt")
    made = await sharing.share(session_id, include_files=True)
    await sharing.share(session_id, include_files=True)
    digest = "SELECT encode(token_hash, 'hex') FROM shares WHERE id = :id"
    token_hash = (await sharing.execute(digest, id=made.share.id)).scalar_one()
    async with sharing.chat.app.transaction() as connection:
        await connection.execute(
            text("SELECT set_config('parley.share', :token_hash, true)"), {"token_hash": token_hash}
        )
        seen = {
            table: await connection.scalar(text(f"SELECT count(*) FROM {table}"))
            for table in ("share_files", "files", "message_files")
        }
        deleted = await connection.execute(text("DELETE FROM share_files"))
    assert seen == {"share_files": 1, "files": 0, "message_files": 0}
    assert deleted.rowcount == 0
