"""Where bytes are kept: the same of a folder and of a bucket."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chassis.embedded import free_port
from chassis.ids import new_id
from chat_service.files.domain.errors import FileNotFound, StorageUnavailable
from chat_service.files.domain.terms import Bucket
from chat_service.files.storage.bucket import BucketStorage
from chat_service.files.storage.folder import FolderStorage
from chat_service.files.usecases.ports import Storage

USER = "0192f0c1-a7e4-7d5f-8a3e-2b6c9d1f4e70"

pytestmark = pytest.mark.xdist_group("bucket")


async def put(storage: Storage, key: str, content: bytes) -> None:
    storage.spool.mkdir(parents=True, exist_ok=True)
    path = storage.spool / new_id().hex
    await asyncio.to_thread(path.write_bytes, content)
    await storage.put(key, path)


async def read(storage: Storage, key: str, begin: int, end: int) -> bytes:
    return b"".join([piece async for piece in storage.read(key, begin, end)])


async def keys(storage: Storage, prefix: str = "") -> list[str]:
    return [one.key async for some in storage.listing(prefix) for one in some]


def a_key() -> str:
    return f"{new_id()}/{new_id()}"


async def test_what_is_stored_is_read_whole_and_in_parts(storage: Storage) -> None:
    key, content = a_key(), bytes(range(256)) * 4096
    await put(storage, key, content)
    assert await read(storage, key, 0, len(content)) == content
    assert await read(storage, key, 300_000, 700_001) == content[300_000:700_001]
    assert await read(storage, key, len(content) - 1, len(content)) == content[-1:]


async def test_what_is_larger_than_a_part_is_stored_whole(storage: Storage) -> None:
    key, content = a_key(), bytes(1000) + b"x" * 17 * 1024 * 1024 + b"the end"
    await put(storage, key, content)
    assert await read(storage, key, 0, len(content)) == content


async def test_what_is_empty_is_there(storage: Storage) -> None:
    key = a_key()
    await put(storage, key, b"")
    assert await keys(storage) == [key]


async def test_nothing_is_to_be_read_of_what_is_not_there(storage: Storage) -> None:
    with pytest.raises(FileNotFound):
        await read(storage, a_key(), 0, 10)


async def test_what_is_deleted_is_gone_and_what_was_not_there_is_no_matter(
    storage: Storage,
) -> None:
    first, second = a_key(), a_key()
    await put(storage, first, b"1")
    await put(storage, f"{first}.text", b"2")
    await put(storage, second, b"3")
    await storage.delete([first, f"{first}.text", a_key()])
    await storage.delete([first])
    await storage.delete([])
    assert await keys(storage) == [second]


async def test_all_are_listed_in_their_order_with_their_sizes(storage: Storage) -> None:
    users = sorted(str(new_id()) for _ in range(3))
    stored = {f"{user}/{new_id()}{more}": 5 for user in users for more in ("", ".text")}
    for key, size in stored.items():
        await put(storage, key, b"x" * size)
    listed = [one async for some in storage.listing() for one in some]
    assert [one.key for one in listed] == sorted(stored)
    assert {one.key: one.size for one in listed} == stored
    assert await keys(storage, users[1]) == [key for key in sorted(stored) if users[1] in key]
    assert await keys(storage, str(new_id())) == []


async def test_what_is_read_while_it_is_deleted_is_what_it_was_or_nothing(
    storage: Storage,
) -> None:
    key, content = a_key(), b"0123456789" * 400_000
    await put(storage, key, content)
    pieces = storage.read(key, 0, len(content))
    got = await anext(pieces)
    await storage.delete([key])
    try:
        async for piece in pieces:
            got += piece
    except (FileNotFound, StorageUnavailable):
        assert content.startswith(got)
    else:
        assert got == content


@pytest.mark.parametrize(
    "key", ["../x", "a/b", f"{USER}/../x", f"/{USER}/x", f"{USER}/a/b", f"{USER}/.x"]
)
async def test_no_other_key_becomes_a_path(tmp_path: Path, key: str) -> None:
    storage = FolderStorage(tmp_path / "files")
    with pytest.raises(ValueError, match="not a key"):
        await put(storage, key, b"x")


async def test_a_folder_that_a_user_has_emptied_is_gone_and_comes_back(tmp_path: Path) -> None:
    storage, user = FolderStorage(tmp_path / "files"), str(new_id())

    async def come_and_go(number: int) -> None:
        key = f"{user}/{new_id()}"
        await put(storage, key, b"%d" % number)
        assert await read(storage, key, 0, len(str(number))) == b"%d" % number
        await storage.delete([key])

    await asyncio.gather(*(come_and_go(number) for number in range(40)))
    assert [path.name for path in (tmp_path / "files").iterdir()] == [".spool"]


async def test_what_has_no_room_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, key = FolderStorage(tmp_path / "files"), a_key()

    def full(self: Path, target: Any) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageUnavailable):
        await put(storage, key, b"x")
    assert await keys(storage) == []


async def wrongs(bucket: Bucket) -> Sequence[Bucket]:
    return [
        replace(bucket, secret_access_key="wrong"),
        replace(bucket, name="no-such-bucket"),
        replace(bucket, endpoint=f"http://127.0.0.1:{free_port()}"),
    ]


@pytest.mark.parametrize("which", ["its key", "its name", "its address"])
async def test_a_bucket_that_is_not_to_be_had_is_said_to_be_away(
    bucket: Bucket, which: str
) -> None:
    at = ["its key", "its name", "its address"].index(which)
    storage = BucketStorage((await wrongs(bucket))[at])
    with pytest.raises(StorageUnavailable):
        await put(storage, a_key(), b"x")


async def test_what_lies_in_a_folder_and_is_no_users_is_not_looked_into(tmp_path: Path) -> None:
    storage, key = FolderStorage(tmp_path), a_key()
    await put(storage, key, b"x")
    for other in ("lost+found", ".snapshots"):
        (tmp_path / other).mkdir()
        (tmp_path / other / "x").write_bytes(b"x")
    assert await keys(storage) == [key]
