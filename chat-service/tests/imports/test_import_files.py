"""Files of our own zip: each comes to the messages that refer to it, as an upload does, or is told of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import text

from chassis.caller import Caller
from chat_service.files.domain.errors import StorageUnavailable
from chat_service.files.sweep import FileSweep
from chat_service.files.usecases.delete import DeleteFiles
from chat_service.imports.store.files import AwaitedFiles
from chat_service.imports.usecases.jobs import ImportJobs

from .jobs import row_of, upload_to
from .kept import OTHER, TEXT, A, B, Kept, document, zipped


async def test_files_come_to_their_messages_and_the_same_export_brings_nothing_twice(
    kept: Kept, caller: Caller, stranger: Caller
) -> None:
    file = zipped(document(A, B, A), (f"{A}-a.txt", TEXT), (f"{B}-..", OTHER))
    report = await kept.take(caller, file)
    assert (report.added, report.files, report.left_out) == (1, 2, {})
    expected = [("a.txt", TEXT), ("b.txt", OTHER), ("a.txt", TEXT)]
    assert await kept.attached(caller) == expected
    report = await kept.take(caller, file)
    assert (report.existing, report.files, report.already_there) == (1, 0, {"FILE": 2})
    assert (await kept.attached(caller), await kept.files()) == (expected, 2)
    # To somebody else they are other files.
    assert (await kept.take(stranger, file)).files == 2
    assert (await kept.attached(stranger), await kept.files()) == (expected, 4)
    await FileSweep(kept.chat.worker, kept.storage).sweep()
    assert await kept.attached(caller) == expected


async def test_a_message_says_what_its_file_is_rather_than_what_was_told_of_it(
    kept: Kept, caller: Caller
) -> None:
    told = document(A)
    told["conversations"][0]["messages"][0]["attachments"][0] |= {"kind": "png", "size": 5}
    await kept.take(caller, zipped(told, (f"{A}-a.txt", TEXT)))
    async with kept.chat.worker.transaction() as connection:
        row = (await connection.execute(text("SELECT kind, size FROM message_files"))).one()
    assert tuple(row) == ("text", len(TEXT))


async def test_without_room_the_texts_come_and_with_room_the_files_too(
    kept: Kept, caller: Caller
) -> None:
    file = zipped(document(A, B), (f"{A}-a", TEXT * 100), (f"{B}-b", OTHER))
    kept.content = replace(kept.content, quota_bytes=1000)
    report = await kept.take(caller, file)
    assert (report.added, report.messages, report.files) == (1, 2, 1)
    assert report.left_out == {"FILES_QUOTA_USED_UP": 1}
    assert await kept.attached(caller) == [("a.txt", None), ("b.txt", OTHER)]
    kept.content = replace(kept.content, quota_bytes=1_000_000, most_files=1)
    assert (await kept.take(caller, file)).left_out == {"FILES_QUOTA_USED_UP": 1}
    kept.content = replace(kept.content, most_files=2)
    report = await kept.take(caller, file)
    assert (report.existing, report.files, report.already_there) == (1, 1, {"FILE": 1})
    assert await kept.attached(caller) == [("a.txt", TEXT * 100), ("b.txt", OTHER)]


async def test_what_is_deleted_stays_so_though_the_export_comes_again(
    kept: Kept, caller: Caller
) -> None:
    file = zipped(document(A), (f"{A}-a", TEXT))
    await kept.take(caller, file)
    async with kept.chat.worker.transaction() as connection:
        file_id = await connection.scalar(text("SELECT id FROM files"))
    await DeleteFiles(kept.chat.open_transaction, kept.storage).delete(caller, file_id)
    report = await kept.take(caller, file)
    assert (report.files, report.left_out) == (0, {"FILE_NOT_AWAITED": 1})
    assert (await kept.attached(caller), kept.on_disk()) == ([("a.txt", None)], [])


async def test_who_takes_over_goes_on_and_each_file_is_there_once(
    kept: Kept, caller: Caller
) -> None:
    file = zipped(document(A, B), (f"{A}-a", TEXT), (f"{B}-b", OTHER))
    made = await upload_to(kept.chat, caller, file)
    reached = asyncio.Event()

    async def stuck(*told: Any) -> Any:
        if told[1] != "b.txt":
            return await kept.uploads.take(*told)

        async def never_whole(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
            async for piece in content:
                yield piece
            reached.set()
            await asyncio.Event().wait()

        whose, name, size, content, once, refer = told
        return await kept.uploads.take(whose, name, size, never_whole(content), once, refer)

    reading = asyncio.create_task(kept.reader("replica-1", stuck).read_all())
    await asyncio.wait_for(reached.wait(), 60)
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    await kept.uploads.stop()
    assert await kept.attached(caller) == [("a.txt", TEXT), ("b.txt", None)]
    await kept.reader("replica-2").read_all()
    report = await kept.report(caller, made.id)
    assert (report.added, report.files, report.already_there) == (1, 2, {})
    assert await kept.attached(caller) == [("a.txt", TEXT), ("b.txt", OTHER)]
    assert (await kept.files(), len(kept.on_disk())) == (2, 2)


async def test_while_storage_is_away_the_import_waits_and_then_goes_on(
    kept: Kept, caller: Caller
) -> None:
    made = await upload_to(kept.chat, caller, zipped(document(A), (f"{A}-a", TEXT)))

    async def away(*_: Any) -> Any:
        raise StorageUnavailable()

    await kept.reader("replica-1", away).read_all()
    row = await row_of(kept.chat, made.id)
    assert (row.state, row.added, row.attempts) == ("waiting", 1, 0)
    jobs = ImportJobs(kept.chat.open_transaction, lambda: None, kept.chat.audit)
    assert (await jobs.find(caller, made.id)).waits_for == "files"
    async with kept.chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE imports SET heard_at = now()"))
    await kept.reader().read_all()
    assert await kept.attached(caller) == [("a.txt", TEXT)]
    assert (await jobs.find(caller, made.id)).waits_for is None


async def test_of_two_who_import_the_same_at_once_one_brings_each_file(
    kept: Kept, caller: Caller
) -> None:
    file = zipped(document(A), (f"{A}-a", TEXT))
    for _ in range(2):
        await upload_to(kept.chat, caller, file)
    both = asyncio.Barrier(2)

    async def together(*told: Any) -> Any:
        await asyncio.wait_for(both.wait(), 60)
        return await kept.uploads.take(*told)

    await asyncio.gather(*(kept.reader(f"replica-{n}", together).read_all() for n in (1, 2)))
    assert (await kept.attached(caller), await kept.files()) == ([("a.txt", TEXT)], 1)
    async with kept.chat.worker.transaction() as connection:
        counted = await connection.execute(text("SELECT state, files FROM imports ORDER BY files"))
        assert [tuple(row) for row in counted] == [("completed", 0), ("completed", 1)]


async def test_the_id_of_a_strangers_file_in_an_export_refers_to_nothing(
    kept: Kept, caller: Caller, stranger: Caller
) -> None:
    await kept.take(stranger, zipped(document(A), (f"{A}-a", TEXT)))
    async with kept.chat.worker.transaction() as connection:
        theirs = str(await connection.scalar(text("SELECT id FROM files")))
    report = await kept.take(caller, zipped(document(theirs)))
    assert (report.added, report.files) == (1, 0)
    async with kept.chat.worker.transaction() as connection:
        referred = await connection.execute(
            text("SELECT file_id FROM message_files WHERE user_id = :id"), {"id": caller.user_id}
        )
        (row,) = referred.all()
        there = await connection.scalar(
            text("SELECT count(*) FROM files WHERE id = :id"), {"id": row.file_id}
        )
    assert (str(row.file_id) != theirs, there) == (True, 0)
    # It waits for what would come of the caller's own, and not of the stranger's.
    for whose, name in ((caller, f"{theirs[-1]}.txt"), (stranger, None)):
        async with kept.chat.open_transaction(whose) as transaction:
            assert (await AwaitedFiles(transaction).find(theirs)).name == name


async def test_one_that_is_cancelled_leaves_no_half_file(kept: Kept, caller: Caller) -> None:
    made = await upload_to(kept.chat, caller, zipped(document(A), (f"{A}-a", TEXT)))
    jobs = ImportJobs(kept.chat.open_transaction, lambda: None, kept.chat.audit)

    async def cancelled_meanwhile(*told: Any) -> Any:
        await jobs.end(caller, made.id)

        async def never(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
            async for piece in content:
                yield piece
            await asyncio.Event().wait()

        whose, name, size, content, once, refer = told
        return await kept.uploads.take(whose, name, size, never(content), once, refer)

    await kept.reader("replica-1", cancelled_meanwhile).read_all()
    await kept.uploads.stop()
    assert (await row_of(kept.chat, made.id)).state == "cancelled"
    assert (await kept.files(), kept.on_disk()) == (0, [])
