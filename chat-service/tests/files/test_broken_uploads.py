"""Uploads that are cut off, cancelled, swept or overtaken leave nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chassis.caller import Caller
from chassis.db.errors import DatabaseUnavailable
from chassis.db.owners import OwnerErased
from chassis.db.transactions import Transaction
from chassis.testing import eventually
from chassis.testing.unheard import Unheard
from chat_service.files import uploading
from chat_service.files.domain.errors import (
    FileNotFound,
    StorageUnavailable,
    UploadGivenUp,
)
from chat_service.files.domain.file import UNHEARD

from .gate import Gate, pieces_of
from .sending import beginning, nothing_is_left

# `FilesOf` of conftest.py, which a test module has no name for.
FilesOf = Any


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


async def test_one_that_is_cancelled_while_it_is_answered_that_it_is_a_file_stays_one(
    files: FilesOf, caller: Caller
) -> None:
    # Behind what sets it aside and what holds it: that is the third, if no heartbeat comes between.
    unheard = Unheard(files.chat.open_transaction, 3)
    uploads = uploading.Uploads(
        *(unheard, files.terms, files.storage, files.uploads._inspect), hold_seconds=600
    )
    content = pieces_of(b"hello")
    taking = asyncio.create_task(uploads.take(caller, "a.txt", None, content, lambda _: None))
    await unheard.stored.wait()
    ((file_id, state),) = await files.rows()
    assert state == "ready"
    taking.cancel()
    await asyncio.wait((taking,))
    assert taking.cancelled()
    assert await files.content(await files.read.find(caller, file_id)) == b"hello"
    # Nothing refers to it: it goes as others do.
    await files.age()
    await files.sweep.sweep()
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


async def test_an_upload_is_held_for_as_long_as_it_goes_on(files: FilesOf, caller: Caller) -> None:
    files = replace(files, hold_seconds=0.05)
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


async def test_one_goes_on_being_held_where_the_database_was_away_meanwhile(
    files: FilesOf, caller: Caller
) -> None:
    refused = 0
    is_away = False

    @asynccontextmanager
    async def now_and_then(whose: Any) -> AsyncIterator[Transaction]:
        nonlocal refused
        if is_away:
            refused += 1
            raise DatabaseUnavailable
        async with files.chat.open_transaction(whose) as transaction:
            yield transaction

    uploads = uploading.Uploads(
        *(now_and_then, files.terms, files.storage, files.uploads._inspect), hold_seconds=0.02
    )
    gate = Gate()
    gate.say(b"x")
    taking = asyncio.create_task(uploads.take(caller, "a.txt", None, aiter(gate), lambda _: None))
    await eventually(lambda: gate.taken == 1)
    is_away = True
    await eventually(lambda: refused >= 2)
    await files.age()
    is_away = False
    await eventually(files.is_held)
    gate.say(None)
    assert (await taking).size == 1


def test_an_upload_is_held_before_it_would_be_given_up() -> None:
    # Two of its heartbeats may be late or lost.
    assert UNHEARD.total_seconds() > 3 * uploading._HOLD_SECONDS


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
    files: FilesOf, caller: Caller
) -> None:
    files = replace(files, hold_seconds=0.02)
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
