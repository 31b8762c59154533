"""The sweep, by one replica and by two."""

import asyncio
import os
import time
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.owners import OwnerErased
from chassis.ids import new_id
from chassis.testing import eventually
from chat_service.files.domain.errors import FileNotFound
from chat_service.files.domain.file import keys_of
from chat_service.files.erasure import DeleteFiles
from chat_service.files.sweep import FileSweep
from chat_service.files.usecases.ports import Inspected
from servicekit.erasure import erase_user

from .gate import Gate

FilesOf = Any


async def with_text(path: Any, kind: Any) -> Inspected:
    beside = path.with_name("text")
    beside.write_bytes(b"text")
    return Inspected(path, beside)


def make_older(files: FilesOf) -> None:
    """What is on the disk becomes two hours older."""
    before = time.time() - 7200
    for path in files.folder.rglob("*"):
        os.utime(path, (before, before))


async def test_a_file_that_nothing_refers_to_goes_after_an_hour(
    files: FilesOf, caller: Caller
) -> None:
    files.inspect = with_text
    file = await files.upload(caller)
    await files.age(0.9)
    await files.sweep.sweep()
    assert await files.content(await files.read.find(caller, file.id)) == b"hello"
    await files.age(0.2)
    await files.sweep.sweep()
    assert (files.stored(), await files.rows()) == ([], [])


async def test_no_row_is_locked_while_the_storage_is_asked(
    files: FilesOf, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await files.upload(caller)
    await files.age()
    storage = files.storage()
    delete = storage.delete
    free: list[UUID] = []

    async def looked_at(keys: Any) -> None:
        async with files.chat.worker.transaction() as connection:
            found = await connection.execute(
                text("SELECT id FROM files WHERE id = :id FOR UPDATE SKIP LOCKED"), {"id": file.id}
            )
            free.extend(row.id for row in found)
        await delete(keys)

    monkeypatch.setattr(storage, "delete", looked_at)
    await files.sweep.sweep()
    assert free == [file.id]
    assert (files.stored(), await files.rows()) == ([], [])


async def test_who_looks_at_a_file_holds_it_for_another_hour(
    files: FilesOf, caller: Caller
) -> None:
    file = await files.upload(caller)
    for _ in range(3):
        await files.age(0.9)
        assert (await files.read.look_at(caller, file.id)).id == file.id
        await files.sweep.sweep()
    assert files.stored() == [file.key]
    await files.age()
    await files.sweep.sweep()
    with pytest.raises(FileNotFound):
        await files.read.look_at(caller, file.id)


async def test_a_file_that_is_looked_at_often_is_held_anew_once_in_ten_minutes(
    files: FilesOf, caller: Caller
) -> None:
    file = await files.upload(caller)

    async def held_until() -> datetime:
        async with files.chat.worker.transaction() as connection:
            found = await connection.execute(text("SELECT held_until FROM files"))
            held: datetime = found.scalar_one()
            return held

    async def is_held_anew() -> bool:
        before = await held_until()
        await files.read.look_at(caller, file.id)
        return await held_until() > before

    seen = []
    for minutes in (0, 7, 7, 0):
        await files.age(minutes / 60)
        seen.append(await is_held_anew())
    assert seen == [False, False, True, False]


async def test_what_a_message_refers_to_stays_until_the_message_goes(
    files: FilesOf, elsewhere: FilesOf, caller: Caller
) -> None:
    file, other = await files.upload(caller), await files.upload(caller)
    session_id = await files.attach(caller, file)
    for _ in range(3):
        await files.age(48)
        await asyncio.gather(files.sweep.sweep(), elsewhere.sweep.sweep())
    assert files.stored() == [file.key]
    assert [row for row, _ in await files.rows()] == [file.id] != [other.id]
    # Whichever way it goes: here as the purge takes it, its rows' owner's rights by a cascade.
    async with files.chat.worker.transaction() as connection:
        await connection.execute(
            text("DELETE FROM messages WHERE session_id = :id"), {"id": session_id}
        )
    await files.sweep.sweep()
    assert (files.stored(), await files.rows()) == ([], [])


async def test_who_takes_a_file_up_while_it_is_swept_has_it_or_finds_it_gone(
    files: FilesOf, elsewhere: FilesOf, caller: Caller
) -> None:
    for _ in range(8):
        file = await files.upload(caller)
        await files.age()
        session = await files.chat.session(caller)
        run = await files.chat.turn(caller, session.id)

        async def take_up(file: Any = file, run: Any = run) -> bool:
            async with files.chat.app.transaction(caller) as connection:
                held = await connection.execute(
                    text(
                        "UPDATE files SET held_until = now() + interval '1 hour'"
                        " WHERE id = :id AND state = 'ready'"
                    ),
                    {"id": file.id},
                )
                if held.rowcount == 0:
                    return False
                await asyncio.sleep(0.01)
                await connection.execute(
                    text(
                        "INSERT INTO message_files (message_id, position, tenant_id, user_id,"
                        " file_id, name, kind, size) VALUES (:m, 0, :t, :u, :f, '', '', 0)"
                    ),
                    {
                        "m": run.question_id,
                        "t": caller.tenant_id,
                        "u": caller.user_id,
                        "f": file.id,
                    },
                )
            return True

        taken, *_ = await asyncio.gather(take_up(), files.sweep.sweep(), elsewhere.sweep.sweep())
        await files.sweep.sweep()
        states = dict(await files.rows())
        assert (file.id in states) == taken
        assert (file.key in files.stored()) == taken


async def test_bytes_without_a_row_go_and_young_ones_and_others_stay(
    files: FilesOf, caller: Caller
) -> None:
    file = await files.upload(caller)
    user = files.folder / str(caller.user_id)
    for name in (str(new_id()), f"{new_id()}.text", "import-of-others"):
        (user / name).write_bytes(b"x")
    await files.sweep.compare(files.storage())
    assert len(files.stored()) == 4
    make_older(files)
    young = user / str(new_id())
    young.write_bytes(b"x")
    await files.sweep.compare(files.storage())
    assert files.stored() == sorted(
        [file.key, f"{caller.user_id}/import-of-others", f"{caller.user_id}/{young.name}"]
    )


async def test_the_sweep_compares_both_by_itself_and_not_each_time(
    files: FilesOf, caller: Caller
) -> None:
    user = files.folder / str(caller.user_id)

    async def stray_stays(sweep: FileSweep) -> bool:
        user.mkdir(parents=True, exist_ok=True)
        (user / str(new_id())).write_bytes(b"x")
        make_older(files)
        await sweep.sweep()
        return bool(files.stored())

    hourly = files.sweep
    each_time = FileSweep(files.chat.worker, files.storage, compared_seconds=0)
    seen = [await stray_stays(one) for one in (hourly, hourly, each_time, each_time)]
    assert seen == [False, True, False, False]


async def test_a_row_without_bytes_is_lost_until_they_are_found(
    files: FilesOf, caller: Caller, stranger: Caller
) -> None:
    made = [await files.upload(who) for who in (caller, stranger, caller, stranger)]
    lost = made[2]
    await files.age(0.5)
    place = files.folder / lost.key
    aside = files.folder.parent / "aside"
    place.rename(aside)
    # What is young may be on its way.
    await files.sweep.compare(files.storage())
    assert {state for _, state in await files.rows()} == {"ready"}
    await files.age(1)
    await files.sweep.compare(files.storage())
    assert dict(await files.rows()) == {one.id: "lost" if one is lost else "ready" for one in made}
    with pytest.raises(FileNotFound):
        await files.read.find(caller, lost.id)
    aside.rename(place)
    await files.sweep.compare(files.storage())
    assert await files.content(await files.read.find(caller, lost.id)) == b"hello"


async def test_more_than_a_page_of_both_is_compared(files: FilesOf, caller: Caller) -> None:
    """Of 1,200 files of three users every seventh has no bytes, and every eleventh no row."""
    rows = []
    for user in (new_id() for _ in range(3)):
        folder = files.folder / str(user)
        folder.mkdir(parents=True)
        for number in range(400):
            file_id = new_id()
            if number % 7:
                (folder / str(file_id)).write_bytes(b"x")
            if number % 11:
                rows.append({"id": file_id, "user": user, "tenant": caller.tenant_id})
    make_older(files)
    with psycopg.connect(files.chat.urls.admin) as admin, admin.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO files (id, tenant_id, user_id, name, kind, size, sha256, state, created_at,"
            " held_until) VALUES (%(id)s, %(tenant)s, %(user)s, '', 'text', 1, '', 'ready',"
            " now() - interval '1 day', now() + interval '1 day')",
            rows,
        )
    await files.sweep.compare(files.storage())
    states = dict(await files.rows())
    known = {str(row["id"]) for row in rows}
    stored = {name.rpartition("/")[2] for name in files.stored()}
    assert stored <= known
    assert {str(one) for one, state in states.items() if state == "ready"} == stored
    assert len(states) == len(rows)
    assert "lost" in states.values()


async def test_what_a_killed_process_has_spooled_goes(files: FilesOf, caller: Caller) -> None:
    spool = files.storage().spool
    left = spool / str(new_id())
    left.mkdir(parents=True)
    (left / "upload").write_bytes(b"half")
    gate = Gate()
    gate.say(b"x" * 600_000)
    taking = asyncio.create_task(
        files.uploads.take(caller, "a.txt", None, aiter(gate), lambda _: None)
    )
    await eventually(lambda: gate.taken == 1)
    await files.sweep.sweep()
    ((under_way, _),) = await files.rows()
    assert [path.name for path in spool.iterdir()] == [str(under_way)]
    gate.say(None)
    assert (await taking).size == 600_000


async def test_nothing_is_spooled_of_a_user_whose_erasure_is_confirmed(
    files: FilesOf, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process was killed: the row is held for a while, and the spool is what it was."""
    gate = Gate()
    gate.say(b"x" * 600_000)
    taking = asyncio.create_task(
        files.uploads.take(caller, "a.txt", None, aiter(gate), lambda _: None)
    )
    await eventually(lambda: gate.taken == 1)
    assert [name.rpartition("/")[2] for name in files.stored()] == ["upload"]

    async def killed(*of: Any) -> None:
        of[-1]._file.close()

    monkeypatch.setattr(files.uploads, "_clear", killed)
    taking.cancel()
    await asyncio.wait((taking,))
    await files.age()
    seen: list[list[str]] = []

    def receipt(_: Any) -> bytes:
        seen.append(files.stored())
        return b""

    step = DeleteFiles(files.storage)
    await erase_user(files.chat.erasing(caller), [step], subject="erased", receipt=receipt)
    assert seen == [[]]


async def test_a_user_who_is_gone_has_no_bytes_when_that_is_confirmed(
    files: FilesOf, caller: Caller, stranger: Caller
) -> None:
    files.inspect = with_text
    for _ in range(3):
        await files.upload(caller)
    theirs = await files.upload(stranger)
    await files.attach(caller, await files.upload(caller))
    # Without a row: a crash left it.
    (files.folder / str(caller.user_id) / str(new_id())).write_bytes(b"x")
    seen: list[list[str]] = []

    def receipt(_: Any) -> bytes:
        seen.append(files.stored())
        return b""

    step = DeleteFiles(files.storage)
    await erase_user(files.chat.erasing(caller), [step], subject="erased", receipt=receipt)
    assert seen == [sorted(keys_of(stranger.user_id, theirs.id))]
    assert [row for row, _ in await files.rows()] == [theirs.id]
    # Again, as an event that comes twice.
    await erase_user(files.chat.erasing(caller), [step], subject="erased", receipt=receipt)
    assert len(seen) == 2


async def test_an_erasure_waits_for_the_upload_that_is_under_way(
    files: FilesOf, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = replace(files, hold_seconds=0.3)
    storage = files.storage()
    put, reached = storage.put, asyncio.Event()

    async def put_late(key: str, path: Any) -> None:
        reached.set()
        await asyncio.sleep(0.15)
        await put(key, path)

    monkeypatch.setattr(storage, "put", put_late)
    uploaded = asyncio.create_task(files.upload(caller))
    await reached.wait()
    seen: list[list[str]] = []

    def receipt(_: Any) -> bytes:
        seen.append(files.stored())
        return b""

    await erase_user(
        files.chat.erasing(caller), [DeleteFiles(files.storage)], subject="erased", receipt=receipt
    )
    with pytest.raises(OwnerErased):
        await uploaded
    assert seen == [[]]
    assert (files.stored(), await files.rows()) == ([], [])


async def test_an_erasure_waits_for_as_long_as_a_storage_takes_what_was_sent(
    files: FilesOf, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = replace(files, hold_seconds=0.05)
    storage = files.storage()
    put, reached, is_told, stored = storage.put, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def put_for_long(key: str, path: Any) -> None:
        reached.set()
        try:
            await stored.wait()
        except asyncio.CancelledError:
            # As a bucket does: nothing is stored behind the back of who is cancelled.
            is_told.set()
            await stored.wait()
            await put(key, path)
            raise

    monkeypatch.setattr(storage, "put", put_for_long)
    uploaded = asyncio.create_task(files.upload(caller))
    await reached.wait()
    async with files.chat.erasing(caller).transaction():
        pass
    await is_told.wait()
    # The time is over for which it was held when its user went.
    await files.age()
    await eventually(files.is_held)
    seen: list[list[str]] = []

    def receipt(_: Any) -> bytes:
        seen.append(files.stored())
        return b""

    erasing = asyncio.create_task(
        erase_user(
            files.chat.erasing(caller),
            [DeleteFiles(files.storage)],
            subject="erased",
            receipt=receipt,
        )
    )
    await asyncio.wait((erasing,), timeout=0.3)
    assert not erasing.done()
    stored.set()
    await erasing
    with pytest.raises(OwnerErased):
        await uploaded
    assert (seen, files.stored(), await files.rows()) == ([[]], [], [])
