"""Files of our own zip: each comes to the messages that refer to it, as an upload does, or is told of."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chat_service.files.decoding.decode import Decoding
from chat_service.files.domain.errors import StorageUnavailable
from chat_service.files.domain.terms import Folder, Terms
from chat_service.files.storage.in_force import StoragePlaces
from chat_service.files.sweep import FileSweep
from chat_service.files.uploading import Uploads
from chat_service.files.usecases.delete import DeleteFiles
from chat_service.files.usecases.read import ReadFiles
from chat_service.imports.domain.job import Report
from chat_service.imports.importing import Importing
from chat_service.imports.reading.source import UnreadableError, documents_of
from chat_service.imports.store.files import awaited
from chat_service.imports.usecases.jobs import ImportJobs

from . import samples
from .jobs import reader_of, row_of, upload_to

# Fixtures of conftest.py; a test module cannot import their classes by name.
Chat = Any

A, B, C = (f"01940000-0000-7000-8000-00000000000{letter}" for letter in "abc")
TEXT, OTHER = b"What was attached.\n", b"Another text.\n"


@dataclass
class Kept:
    """Where files are kept, and who takes them."""

    chat: Chat
    content: Terms

    def __post_init__(self) -> None:
        self.storage = StoragePlaces(self)
        self.uploads = Uploads(self.chat.open_transaction, self, self.storage, Decoding())
        self.read = ReadFiles(self.chat.open_transaction, self, self.storage)

    def reader(self, replica: str = "replica-1", take_file: Any = None) -> Importing:
        return reader_of(self.chat, replica, take_file=take_file or self.uploads.take)

    async def take(self, caller: Caller, file: bytes) -> Report:
        made = await upload_to(self.chat, caller, file)
        await self.reader().read_all()
        row = await row_of(self.chat, made.id)
        assert (row.state, row.reason) == ("completed", None)
        return await self.report(caller, made.id)

    async def report(self, caller: Caller, import_id: UUID) -> Report:
        jobs = ImportJobs(self.chat.open_transaction, lambda: None, self.chat.audit)
        report: Report = (await jobs.find(caller, import_id)).report
        return report

    async def attached(self, caller: Caller) -> list[tuple[str, bytes | None]]:
        """What is attached to each question, in order: its name, and what is in it if it is there."""
        async with self.chat.worker.transaction() as connection:
            rows = await connection.execute(
                text(
                    "SELECT message_files.name, files.id FROM message_files"
                    " JOIN messages ON messages.id = message_id"
                    " LEFT JOIN files ON files.id = file_id AND files.state = 'ready'"
                    " WHERE message_files.user_id = :user_id"
                    " ORDER BY messages.created_at, messages.order, position"
                ),
                {"user_id": caller.user_id},
            )
            found = rows.all()
        told: list[tuple[str, bytes | None]] = []
        for name, file_id in found:
            content = None
            if file_id is not None:
                file = await self.read.find(caller, file_id)
                content = b"".join([piece async for piece in self.read.content(file)])
            told.append((name, content))
        return told

    async def files(self) -> int:
        async with self.chat.worker.transaction() as connection:
            return int(await connection.scalar(text("SELECT count(*) FROM files")) or 0)

    def on_disk(self) -> list[Path]:
        assert isinstance(self.content.place, Folder)
        return [path for path in self.content.place.path.rglob("*") if path.is_file()]


@pytest.fixture
def kept(chat: Chat, tmp_path: Path) -> Kept:
    return Kept(chat, Terms(place=Folder(tmp_path / "files")))


def document(*keys: str, conversation: str = "ours") -> dict[str, Any]:
    """A conversation with a question for each file."""
    ours: Any = samples.PARLEY
    (whole,) = ours["conversations"]
    messages = [
        {
            **whole["messages"][0],
            "order": number,
            "parent": number - 1 or None,
            "attachments": [{"id": key, "name": f"{key[-1]}.txt", "kind": "text", "size": 5}],
        }
        for number, key in enumerate(keys, 1)
    ]
    one = {**whole, "id": conversation, "messages": messages}
    return {**ours, "conversations": [one], "end": None}


def zipped(told: Any, *files: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("parley-2026-11-27.json", json.dumps(told))
        for name, content in files:
            archive.writestr(f"files/{name}", content)
        archive.writestr("files.json", json.dumps({"files": len(files), "lost": []}))
    return made.getvalue()


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


def broken(file: bytes, name: str, change: Callable[[bytearray, int, int], None]) -> bytes:
    """With the heads of this member changed, the one before it and the one in the directory."""
    found = bytearray(file)
    for sign, place in ((b"PK\x03\x04", 30), (b"PK\x01\x02", 46)):
        start = found.index(sign)
        while found[start + place : start + place + len(name)] != name.encode():
            start = found.index(sign, start + 1)
        change(found, start, place)
    return bytes(found)


def encrypted(file: bytearray, start: int, place: int) -> None:
    file[start + (6 if place == 30 else 8)] |= 1


def told_larger(file: bytearray, start: int, place: int) -> None:
    size = start + (22 if place == 30 else 24)
    file[size : size + 4] = (10_000_000).to_bytes(4, "little")


def told_smaller(file: bytearray, start: int, place: int) -> None:
    size = start + (22 if place == 30 else 24)
    file[size : size + 4] = (3).to_bytes(4, "little")


def other_sum(file: bytearray, start: int, place: int) -> None:
    digest = start + (14 if place == 30 else 16)
    file[digest] ^= 1


@pytest.mark.parametrize("change", [encrypted, told_larger, told_smaller, other_sum])
async def test_a_damaged_file_keeps_no_other_from_coming(
    kept: Kept, caller: Caller, change: Any
) -> None:
    whole = zipped(document(A, B), (f"{A}-a", TEXT), (f"{B}-b", OTHER))
    report = await kept.take(caller, broken(whole, f"files/{A}-a", change))
    assert (report.added, report.files, report.left_out) == (1, 1, {"FILE_DAMAGED": 1})
    assert await kept.attached(caller) == [("a.txt", None), ("b.txt", OTHER)]
    assert (await kept.files(), len(kept.on_disk())) == (1, 1)


async def test_nothing_gets_in_that_an_upload_would_not_be_nor_anywhere_else(
    kept: Kept, caller: Caller, tmp_path: Path
) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    kept.content = replace(kept.content, maximum_bytes=1_000_000)
    file = zipped(
        document(A, B, C),
        (f"{A}-../../../../etc/passwd", b"MZ\x90\x00" + bytes(1000)),
        (f"{B}-bomb.txt", b" " * 5_000_000),
        (f"{C}-c.png", b"\x89PNG\r\n\x1a\nnot one"),
        (f"{uuid4()}-nobody's.txt", TEXT),
        ("../../x", TEXT),
        (f"{A}-again", TEXT),
    )
    report = await kept.take(caller, file)
    assert (report.added, report.files) == (1, 1)
    assert report.left_out == {
        "FILE_KIND_REFUSED": 1,
        "FILE_TOO_LARGE": 1,
        "FILE_UNREADABLE": 1,
        "FILE_NOT_AWAITED": 1,
    }
    # Of two that bear one id the first that can be taken is.
    assert await kept.attached(caller) == [("a.txt", TEXT), ("b.txt", None), ("c.txt", None)]
    (stored,) = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert stored.parent.name == str(caller.user_id)


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
        assert [row.file_id for row in referred] == [awaited(caller.user_id, theirs)]


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


def test_files_unpack_to_no_more_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat_service.imports.reading.source.MOST_UNPACKED", 1_000_000)
    file = zipped(document(A), (f"{A}-a", b" " * 10_000_000))
    for told, _ in documents_of(io.BytesIO(file), len(file)):
        (attached,) = told.files
        with pytest.raises(UnreadableError) as refused:
            list(attached.pieces())
        assert refused.value.reason == "UNPACKED_TOO_LARGE"
