"""Files that are deleted, and who sees which."""

from typing import Any

import pytest

from chassis.caller import Caller
from chassis.db.errors import DatabaseBusy
from chassis.ids import new_id
from chat_service.files.domain.errors import (
    FileNotFound,
    StorageUnavailable,
)
from chat_service.files.store.files import Files

# `FilesOf` of conftest.py, which a test module has no name for.
FilesOf = Any


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
