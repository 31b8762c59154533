"""Uploads: what becomes of one wherever it ends."""

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from chassis.caller import Caller
from chassis.db.errors import DatabaseBusy
from chassis.db.owners import OwnerErased
from chassis.idempotency import IdempotencyKeyReused, Once, RequestKey
from chassis.ids import new_id
from chassis.testing import eventually
from chassis.testing.unheard import Unheard
from chat_service.files import mapping, uploading
from chat_service.files.domain.errors import (
    FileKindRefused,
    FileNotFound,
    FileReadersBusy,
    FilesNotOffered,
    FileTooLarge,
    FileUnreadable,
    QuotaUsedUp,
    StorageUnavailable,
    TooManyFiles,
    TooManyUploads,
    UploadGivenUp,
)
from chat_service.files.domain.file import File, keys_of, label_of
from chat_service.files.store.files import Files
from chat_service.files.turns import Turns
from chat_service.files.usecases.ports import Inspected

from .gate import Gate

# `FilesOf` of conftest.py, which a test module has no name for.
FilesOf = Any


def once_of(key: str, caller: Caller) -> Any:
    return lambda came: Once(
        RequestKey(key, came),
        mapping.encode_file,
        lambda kept: mapping.decode_file(kept, caller.user_id),
    )


def beginning(files: FilesOf, caller: Caller, gate: Gate) -> "asyncio.Task[File]":
    return asyncio.create_task(
        files.uploads.take(caller, "a.txt", None, aiter(gate), lambda _: None)
    )


async def nothing_is_left(files: FilesOf) -> None:
    async def nothing() -> bool:
        return (files.stored(), await files.rows()) == ([], [])

    await eventually(nothing)


async def test_what_is_uploaded_is_there_as_it_came(files: FilesOf, caller: Caller) -> None:
    pieces = [b"one ", b"", b"two " * 300_000, b"drei\n"]
    file = await files.upload(caller, *pieces, name="C:\\tmp\\Plan \u4e2d\u6587.txt")
    whole = b"".join(pieces)
    assert (file.name, file.kind, file.size) == ("Plan \u4e2d\u6587.txt", "text", len(whole))
    assert file.sha256 == sha256(whole).digest()
    assert await files.read.find(caller, file.id) == file
    assert await files.content(file) == whole
    assert await files.content(file, 4, 9) == whole[4:9]
    assert await files.content(file, len(whole) - 3) == whole[-3:]
    assert await files.content(file, len(whole)) == b""
    assert files.stored() == [file.key]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\x00b\r\n\u202ec.txt", "abc.txt"),
        ("...", "file"),
        ("", "file"),
        ("\u0645\u0644\u0641.pdf", "\u0645\u0644\u0641.pdf"),
        ("x" * 300 + ".jpeg", "x" * 250 + ".jpeg"),
        ("x" * 300, "x" * 255),
        ("a/", "file"),
        (".bashrc", "bashrc"),
    ],
)
def test_a_name_is_a_label_and_never_a_path(told: str, kept: str) -> None:
    assert label_of(told) == kept


async def test_an_empty_file_is_one(files: FilesOf, caller: Caller) -> None:
    file = await files.upload(caller, b"")
    assert (file.size, await files.content(file)) == (0, b"")


async def test_what_its_kind_makes_of_it_is_kept_in_its_place(
    files: FilesOf, caller: Caller
) -> None:
    async def inspect(path: Path, kind: Any) -> Inspected:
        content, text = path.with_name("content"), path.with_name("text")
        content.write_bytes(path.read_bytes().upper())
        text.write_bytes(b"read out of it")
        return Inspected(content, text, {"pages": 3})

    files.inspect = inspect
    file = await files.upload(caller, b"hello")
    found = await files.read.find(caller, file.id)
    assert (found.size, found.text_size, found.facts) == (5, 14, {"pages": 3})
    assert found.sha256 == sha256(b"HELLO").digest()
    assert await files.content(found) == b"HELLO"
    assert b"".join([piece async for piece in files.read.text(found, 9)]) == b"read out "
    assert files.stored() == sorted(keys_of(caller.user_id, file.id))


async def test_one_that_breaks_leaves_nothing_wherever_it_does(
    files: FilesOf, caller: Caller
) -> None:
    for pieces in ([], [b"x"], [b"x" * 9000], [b"x" * 2_000_000]):
        gate = Gate()
        gate.say(*pieces, ConnectionError("cut"))
        with pytest.raises(ConnectionError):
            await beginning(files, caller, gate)
        assert (files.stored(), await files.rows()) == ([], [])


async def test_one_that_is_cancelled_leaves_nothing(files: FilesOf, caller: Caller) -> None:
    gate = Gate()
    gate.say(b"x" * 700_000)
    taking = beginning(files, caller, gate)
    await eventually(lambda: gate.taken == 1)
    assert [state for _, state in await files.rows()] == ["uploading"]
    with pytest.raises(FileNotFound):
        await files.read.find(caller, (await files.rows())[0][0])
    assert (await files.read.list(caller, limit=0, cursor="", count=True)).total == 0
    taking.cancel()
    await asyncio.wait((taking,))
    await nothing_is_left(files)


async def test_one_that_is_cancelled_while_it_is_set_aside_leaves_nothing(
    files: FilesOf, caller: Caller
) -> None:
    unheard = Unheard(files.chat.open_transaction)
    uploads = uploading.Uploads(unheard, files.terms, files.storage, files.uploads._inspect)
    taking = asyncio.create_task(uploads.take(caller, "a.txt", None, aiter(Gate()), lambda _: None))
    await unheard.stored.wait()
    assert [state for _, state in await files.rows()] == ["uploading"]
    taking.cancel()
    await asyncio.wait((taking,))
    assert taking.cancelled()
    await nothing_is_left(files)


@pytest.mark.parametrize("step", ["inspect", "put", "complete"])
async def test_one_that_is_cancelled_behind_its_last_byte_leaves_nothing(
    files: FilesOf, caller: Caller, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()

    async def stop(*_: Any) -> Any:
        reached.set()
        await asyncio.Event().wait()

    match step:
        case "inspect":
            files.inspect = stop
        case "put":
            storage = files.storage()
            put = storage.put

            async def put_and_stop(key: str, path: Path) -> None:
                await put(key, path)
                await stop()

            monkeypatch.setattr(storage, "put", put_and_stop)
        case "complete":
            monkeypatch.setattr(files.uploads, "_complete", stop)
    taking = asyncio.create_task(files.upload(caller))
    await reached.wait()
    with pytest.raises(FileNotFound):
        await files.read.find(caller, (await files.rows())[0][0])
    taking.cancel()
    await asyncio.wait((taking,))
    await nothing_is_left(files)


async def test_what_is_refused_leaves_nothing(files: FilesOf, caller: Caller) -> None:
    files.change(maximum_bytes=1000)

    async def damaged(path: Path, kind: Any) -> Inspected:
        raise FileUnreadable(kind.name)

    with pytest.raises(FileTooLarge) as too_large:
        await files.upload(caller, b"x" * 600, b"x" * 600)
    assert too_large.value.metadata == {"maximum": "1000"}
    with pytest.raises(FileKindRefused):
        await files.upload(caller, b"\x7fELF\x02\x01")
    files.change(kinds=frozenset())
    with pytest.raises(FileKindRefused) as kind:
        await files.upload(caller)
    assert kind.value.metadata == {"kind": "text"}
    files.change(kinds=None)
    files.inspect = damaged
    with pytest.raises(FileUnreadable):
        await files.upload(caller)
    assert (files.stored(), await files.rows()) == ([], [])


async def test_the_kind_is_refused_before_the_rest_has_come(files: FilesOf, caller: Caller) -> None:
    gate = Gate()
    gate.say(b"\x00" * 8192)
    with pytest.raises(FileKindRefused):
        await beginning(files, caller, gate)


async def test_where_no_files_are_kept_none_is_taken(files: FilesOf, caller: Caller) -> None:
    files.change(place=None)
    with pytest.raises(FilesNotOffered):
        await files.upload(caller)
    assert (await files.read.limits(caller)).terms.place is None


async def test_no_more_is_kept_than_the_quota_however_many_come_at_once(
    files: FilesOf, caller: Caller, stranger: Caller
) -> None:
    files.change(quota_bytes=1000, uploads_at_once=100)
    outcomes = await asyncio.gather(
        *(files.upload(caller, b"x" * 100, at_most=110) for _ in range(20)),
        return_exceptions=True,
    )
    refused = [one for one in outcomes if isinstance(one, QuotaUsedUp)]
    made = [one for one in outcomes if isinstance(one, File)]
    assert len(made) + len(refused) == 20
    assert sum(one.size for one in made) <= 1000
    assert len(made) >= 9
    limits = await files.read.limits(caller)
    assert limits.used_bytes == 100 * len(made)
    # It is one user's.
    await files.upload(stranger, b"x" * 100)
    # What was set aside and did not come is free again, and what is deleted is.
    while limits.used_bytes + 100 <= 1000:
        await files.upload(caller, b"x" * 100, at_most=100)
        limits = await files.read.limits(caller)
    with pytest.raises(QuotaUsedUp) as used_up:
        await files.upload(caller, b"x")
    assert used_up.value.metadata == {"used": "1000", "allowed": "1000"}
    await files.deletes.delete(caller, made[0].id)
    await files.upload(caller, b"x" * 100, at_most=100)


async def test_what_comes_unannounced_stops_at_the_quota(files: FilesOf, caller: Caller) -> None:
    files.change(quota_bytes=1000)
    await files.upload(caller, b"x" * 900)
    with pytest.raises(QuotaUsedUp):
        await files.upload(caller, b"x" * 101)
    await files.upload(caller, b"x" * 100)


async def test_so_many_are_uploaded_at_once_and_no_more(files: FilesOf, caller: Caller) -> None:
    files.change(uploads_at_once=2)
    gates = [Gate(), Gate()]
    taking = [beginning(files, caller, gate) for gate in gates]

    async def both() -> bool:
        return len(await files.rows()) == 2

    await eventually(both)
    with pytest.raises(TooManyUploads):
        await files.upload(caller)
    for gate in gates:
        gate.say(b"x", None)
    await asyncio.gather(*taking)
    await files.upload(caller)


async def test_an_upload_is_held_for_as_long_as_it_goes_on(
    files: FilesOf, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "_HOLD_SECONDS", 0.05)
    gate = Gate()
    taking = beginning(files, caller, gate)

    async def held_anew() -> bool:
        await files.sweep.sweep()
        return bool(await files.rows())

    await eventually(held_anew)
    await files.age(39 / 3600)
    for _ in range(3):
        await asyncio.sleep(0.1)
        await files.sweep.sweep()
        assert [state for _, state in await files.rows()] == ["uploading"]
    gate.say(b"x", None)
    assert (await taking).size == 1


async def test_one_that_was_swept_is_given_up_and_leaves_nothing(
    files: FilesOf, elsewhere: FilesOf, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    gate.say(b"x" * 600_000)
    taking = beginning(files, caller, gate)
    await eventually(lambda: gate.taken == 1)
    await files.age()
    await elsewhere.sweep.sweep()
    assert await files.rows() == []
    gate.say(b"y", None)
    with pytest.raises(UploadGivenUp):
        await taking
    await nothing_is_left(files)


async def test_one_that_hears_that_it_was_given_up_ends_at_once(
    files: FilesOf, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "_HOLD_SECONDS", 0.02)
    gate = Gate()
    gate.say(b"x")
    taking = beginning(files, caller, gate)
    await eventually(lambda: gate.taken == 1)

    async def swept() -> bool:
        # It is held anew all the time: now and then the sweep comes between.
        await files.age()
        await files.sweep.sweep()
        rows: list[object] = await files.rows()
        return not rows

    await eventually(swept)
    with pytest.raises(UploadGivenUp):
        await asyncio.wait_for(taking, 30)
    await nothing_is_left(files)


async def test_a_repetition_finds_the_file_and_keeps_no_second_one(
    files: FilesOf, elsewhere: FilesOf, caller: Caller, stranger: Caller
) -> None:
    once = once_of("key", caller)
    first = await files.upload(caller, once=once)
    again = await elsewhere.upload(caller, once=once)
    assert (again.id, again.size, again.sha256) == (first.id, first.size, first.sha256)
    with pytest.raises(IdempotencyKeyReused):
        await files.upload(caller, b"other", once=once)
    theirs = await files.upload(stranger, once=once_of("key", stranger))
    await eventually(lambda: files.stored() == sorted([first.key, theirs.key]))
    assert len(await files.rows()) == 2


async def test_an_erased_user_uploads_nothing_more(files: FilesOf, caller: Caller) -> None:
    gate = Gate()
    gate.say(b"x" * 600_000)
    taking = beginning(files, caller, gate)
    await eventually(lambda: gate.taken == 1)
    async with files.chat.erasing(caller).transaction():
        pass
    gate.say(None)
    with pytest.raises(OwnerErased):
        await taking
    with pytest.raises(OwnerErased):
        await files.upload(caller)
    await nothing_is_left(files)


async def test_where_the_disk_is_full_nothing_is_kept_and_later_it_is(
    files: FilesOf, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, pieces: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("chat_service.files.storage.spool.Spooled._write", full)
        with pytest.raises(StorageUnavailable):
            await files.upload(caller)
    assert (files.stored(), await files.rows()) == ([], [])
    await files.upload(caller)


async def test_files_are_listed_newest_first_and_others_see_none(
    files: FilesOf, caller: Caller, stranger: Caller
) -> None:
    made = [await files.upload(caller, name=f"{number}.txt") for number in range(5)]
    page = await files.read.list(caller, limit=3, cursor="", count=True)
    assert [one.name for one in page.items] == ["4.txt", "3.txt", "2.txt"]
    assert page.total == 5
    rest = await files.read.list(caller, limit=3, cursor=page.next_cursor, count=False)
    assert [one.id for one in rest.items] == [made[1].id, made[0].id]
    assert rest.next_cursor == ""
    assert (await files.read.list(stranger, limit=3, cursor="", count=True)).total == 0
    for look in (files.read.find, files.read.look_at, files.deletes.delete):
        with pytest.raises(FileNotFound):
            await look(stranger, made[0].id)
        with pytest.raises(FileNotFound):
            await look(caller, new_id())


async def test_what_is_deleted_is_gone_with_its_bytes(files: FilesOf, caller: Caller) -> None:
    file = await files.upload(caller)
    await files.deletes.delete(caller, file.id)
    assert (files.stored(), await files.rows()) == ([], [])
    with pytest.raises(FileNotFound):
        await files.deletes.delete(caller, file.id)


async def test_what_cannot_be_taken_away_at_once_is_swept(
    files: FilesOf, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await files.upload(caller)

    async def away(keys: Any) -> None:
        raise StorageUnavailable()

    with monkeypatch.context() as patched:
        patched.setattr(files.storage(), "delete", away)
        await files.deletes.delete(caller, file.id)
        with pytest.raises(FileNotFound):
            await files.read.find(caller, file.id)
        with pytest.raises(StorageUnavailable):
            await files.sweep.sweep()
    assert files.stored() == [file.key]
    await files.sweep.sweep()
    assert (files.stored(), await files.rows()) == ([], [])


async def test_a_file_is_deleted_also_where_none_are_offered_any_more(
    files: FilesOf, caller: Caller
) -> None:
    file = await files.upload(caller)
    place = files.terms.content.place
    files.change(place=None)
    await files.deletes.delete(caller, file.id)
    with pytest.raises(FileNotFound):
        await files.deletes.delete(caller, file.id)
    files.change(place=place)
    assert files.stored() == [file.key]
    await files.sweep.sweep()
    assert (files.stored(), await files.rows()) == ([], [])


async def test_a_file_is_deleted_also_when_its_row_cannot_go_at_once(
    files: FilesOf, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await files.upload(caller)

    async def busy(*_: Any) -> None:
        raise DatabaseBusy()

    with monkeypatch.context() as patched:
        patched.setattr(Files, "forget", busy)
        await files.deletes.delete(caller, file.id)
    assert (files.stored(), [row for row, _ in await files.rows()]) == ([], [file.id])
    with pytest.raises(FileNotFound):
        await files.deletes.delete(caller, file.id)
    await files.sweep.sweep()
    assert await files.rows() == []


async def test_a_repetition_is_answered_alike_where_the_first_has_left_no_room(
    files: FilesOf, caller: Caller
) -> None:
    files.change(quota_bytes=1000, most_files=1)
    first = await files.upload(caller, b"x" * 900, once=once_of("key", caller))
    repeated = await files.upload(caller, b"x" * 900, at_most=920, once=once_of("key", caller))
    assert repeated == first
    with pytest.raises(IdempotencyKeyReused):
        await files.upload(caller, b"y" * 900, once=once_of("key", caller))
    assert (files.stored(), await files.rows()) == ([first.key], [(first.id, "ready")])


async def test_what_is_kept_beside_a_file_counts_and_has_to_fit(
    files: FilesOf, caller: Caller
) -> None:
    async def with_text(path: Path, kind: Any) -> Inspected:
        beside = path.with_name("text")
        beside.write_bytes(b"t" * 300)
        return Inspected(path, beside)

    files.inspect = with_text
    files.change(quota_bytes=1000)
    await files.upload(caller, b"x" * 300, at_most=310)
    assert (await files.read.limits(caller)).used_bytes == 600
    with pytest.raises(QuotaUsedUp) as used_up:
        await files.upload(caller, b"x" * 300, at_most=310)
    assert used_up.value.metadata == {"used": "600", "allowed": "1000"}
    await files.upload(caller, b"x" * 100, at_most=110)
    assert (await files.read.limits(caller)).used_bytes == 1000
    assert len(await files.rows()) == 2


async def test_a_user_has_so_many_files_and_no_more(
    files: FilesOf, caller: Caller, stranger: Caller
) -> None:
    files.change(most_files=2)
    first = await files.upload(caller)
    await files.upload(caller)
    with pytest.raises(TooManyFiles) as refused:
        await files.upload(caller)
    assert refused.value.metadata == {"allowed": "2"}
    await files.upload(stranger)
    await files.deletes.delete(caller, first.id)
    await files.upload(caller)


async def test_one_user_has_one_file_read_at_a_time_and_nobody_waits_for_ever(
    caller: Caller, stranger: Caller
) -> None:
    turns = Turns(at_once=2, most_seconds=0.05)
    async with turns.of(caller.user_id):
        with pytest.raises(FileReadersBusy):
            async with turns.of(caller.user_id):
                pass
        async with turns.of(stranger.user_id):
            with pytest.raises(FileReadersBusy):
                async with turns.of(new_id()):
                    pass
        async with turns.of(new_id()):
            pass
    async with turns.of(caller.user_id):
        pass


async def test_files_are_read_in_turns(files: FilesOf, caller: Caller) -> None:
    at_once: list[int] = []
    reading = 0

    async def inspect(path: Path, kind: Any) -> Inspected:
        nonlocal reading
        reading += 1
        at_once.append(reading)
        await asyncio.sleep(0.02)
        reading -= 1
        return Inspected(path)

    files.inspect = inspect
    await asyncio.gather(*(files.upload(caller) for _ in range(4)))
    assert at_once == [1, 1, 1, 1]
