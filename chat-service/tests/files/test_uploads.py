"""Uploads: what becomes of one that is taken or refused."""

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from chassis.caller import Caller
from chassis.idempotency import IdempotencyKeyReused
from chassis.testing import eventually
from chat_service.files.domain.errors import (
    FileEmpty,
    FileKindRefused,
    FilesNotOffered,
    FileTooLarge,
    FileUnreadable,
)
from chat_service.files.domain.file import keys_of, label_of
from chat_service.files.usecases.ports import Inspected

from .gate import Gate
from .sending import beginning, once_of

# `FilesOf` of conftest.py, which a test module has no name for.
FilesOf = Any


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


async def test_an_empty_file_is_refused_and_leaves_nothing(files: FilesOf, caller: Caller) -> None:
    with pytest.raises(FileEmpty):
        await files.upload(caller, b"")
    assert files.stored() == []


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


async def test_of_two_repetitions_at_once_the_later_finds_the_file_and_leaves_nothing(
    files: FilesOf, elsewhere: FilesOf, caller: Caller
) -> None:
    once, gate = once_of("key", caller), Gate()
    gate.say(b"hello")
    later = asyncio.create_task(elsewhere.uploads.take(caller, "a.txt", None, aiter(gate), once))
    await eventually(lambda: gate.taken == 1)
    first = await files.upload(caller, once=once)
    gate.say(None)
    assert await later == first
    assert (files.stored(), await files.rows()) == ([first.key], [(first.id, "ready")])


async def test_one_user_has_one_file_read_at_a_time(files: FilesOf, caller: Caller) -> None:
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
