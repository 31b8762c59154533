"""Storage that misbehaves: each time it is told, nothing of an upload is left, and no half file is a whole one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chassis.caller import Caller
from chassis.testing import eventually
from chat_service.files.domain.errors import FileNotFound, StorageUnavailable
from chat_service.files.domain.terms import Bucket
from chat_service.files.storage.bucket import BucketStorage
from chat_service.files.storage.folder import FolderStorage
from chat_service.files.usecases.ports import Storage

from .between import Between, in_front_of
from .conftest import FilesOf
from .seaweed import SeaweedFS
from .test_storage import a_key, keys, put, read

pytestmark = pytest.mark.xdist_group("bucket")

SMALL = b"0123456789" * 1000
# Of several parts, which are sent by themselves.
LARGE = SMALL * 1800


@pytest.fixture
async def between(seaweed: SeaweedFS) -> AsyncIterator[Between]:
    async with in_front_of(seaweed.port) as between:
        yield between


@pytest.fixture
def behind(bucket: Bucket, between: Between) -> Bucket:
    """The bucket, behind what is between."""
    return replace(bucket, endpoint=between.url)


REFUSES, IS_AWAY = {"answers": 403}, {"answers": 503}


@pytest.mark.parametrize(
    ("fault", "parts"),
    [
        (REFUSES, 0),
        (IS_AWAY, 0),
        ({"takes": 0}, 0),
        ({"takes": 5000}, 3),
        ({"takes": 0, "stalls": True}, 0),
    ],
    ids=str,
)
async def test_an_upload_that_cannot_be_stored_is_told_so_and_leaves_nothing(
    files: FilesOf, caller: Caller, between: Between, behind: Bucket, bucket: Bucket,
    fault: dict[str, Any], parts: int,
) -> None:  # fmt: skip
    faulty = files
    if "stalls" in fault:
        impatient = partial(BucketStorage, silence=timedelta(seconds=0.5))
        faulty = replace(files, in_bucket=impatient)
    files.change(place=behind)
    vars(between).update(fault)
    with pytest.raises(StorageUnavailable):
        await faulty.upload(caller, LARGE if parts else SMALL)
    # Its bytes may be there, where no answer came: they go with its row, by now or by the sweep.
    await faulty.uploads.stop()
    files.change(place=bucket)
    await files.age()
    await files.sweep.sweep()
    assert await files.rows() == []
    assert await keys(files.storage()) == []
    assert [path for path in bucket.spool.rglob("*") if path.is_file()] == []


async def test_who_is_cancelled_while_a_server_stores_what_has_come_leaves_nothing_there(
    files: FilesOf, caller: Caller, between: Between, behind: Bucket, bucket: Bucket
) -> None:
    files.change(place=behind)
    between.is_slow = True
    taking = asyncio.create_task(files.upload(caller, SMALL))
    await eventually(lambda: between.asked)
    taking.cancel()
    # Who did not wait for the server has it delete the file now, before there is one.
    await asyncio.wait((taking,), timeout=0.5)
    between.heal()
    await asyncio.wait((taking,))
    await eventually(lambda: between.stored)
    await files.uploads.stop()
    assert (await files.rows(), await keys(BucketStorage(bucket))) == ([], [])


@pytest.mark.parametrize(
    "fault",
    [
        REFUSES,
        IS_AWAY,
        {"takes": 0},
        {"gives": 100},
        {"gives": 100, "stalls": True},
        {"drips": True},
    ],
    ids=str,
)
async def test_what_cannot_be_read_whole_is_never_taken_for_it(
    between: Between, behind: Bucket, fault: dict[str, Any]
) -> None:
    key, got = a_key(), bytearray()
    await put(BucketStorage(behind), key, SMALL)
    # The bounds of a test are those of the faulty reading alone: a busy server stores in more than half a second.
    short: dict[str, timedelta] = {}
    if "stalls" in fault:
        short["silence"] = timedelta(seconds=0.5)
    if "drips" in fault:
        short["longest"] = timedelta(seconds=0.5)
    storage = BucketStorage(behind, **short)
    vars(between).update(fault)

    async def read_on() -> None:
        async for piece in storage.read(key, 0, len(SMALL)):
            got.extend(piece)

    with pytest.raises(StorageUnavailable):
        await read_on()
    assert SMALL.startswith(got)
    assert got != SMALL


async def test_what_is_away_for_a_moment_is_asked_again(between: Between, behind: Bucket) -> None:
    storage, key = BucketStorage(behind), a_key()
    await put(storage, key, SMALL)
    between.answers = 503
    reading = asyncio.create_task(read(storage, key, 0, len(SMALL)))
    before = between.asked
    await eventually(lambda: between.asked > before)
    between.heal()
    assert await reading == SMALL


async def test_what_is_shorter_than_it_was_is_told_so(storage: Storage) -> None:
    key = a_key()
    await put(storage, key, SMALL[:-1])
    with pytest.raises(StorageUnavailable):
        await read(storage, key, 0, len(SMALL))
    assert await storage.holds(key)
    await storage.delete([key])
    assert not await storage.holds(key)


async def test_a_listing_that_leaves_out_files_loses_none(
    files: FilesOf, caller: Caller, between: Between, behind: Bucket
) -> None:
    files.change(place=behind)
    there, gone = await files.upload(caller), await files.upload(caller)
    await files.storage().delete([gone.key])
    await files.age()
    between.lists_nothing = True
    await files.sweep.compare(files.storage())
    assert dict(await files.rows()) == {there.id: "ready", gone.id: "lost"}
    assert await files.content(there) == b"hello"
    with pytest.raises(FileNotFound):
        await files.read.find(caller, gone.id)


async def test_while_a_bucket_is_away_the_sweep_changes_nothing(
    files: FilesOf, caller: Caller, between: Between, behind: Bucket
) -> None:
    files.change(place=behind)
    file = await files.upload(caller)
    await files.age()
    between.answers = 403
    with pytest.raises(StorageUnavailable):
        await files.sweep.compare(files.storage())
    assert await files.rows() == [(file.id, "ready")]


async def test_a_folder_that_nothing_can_be_written_to_is_told_so(
    files: FilesOf, caller: Caller, tmp_path: Path
) -> None:
    files.folder.write_bytes(b"no folder")
    with pytest.raises(StorageUnavailable):
        await files.upload(caller)
    files.folder.unlink()
    await files.age()
    await files.sweep.sweep()
    assert (await files.rows(), files.stored()) == ([], [])
    with pytest.raises(FileNotFound):
        await read(FolderStorage(tmp_path / "none"), a_key(), 0, 1)
