"""Files of a zip that is damaged, lies or is meant to do harm: they are left out by themselves."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chassis.caller import Caller
from chat_service.imports.reading.source import UnreadableError, documents_of

from .kept import OTHER, TEXT, A, B, C, Kept, document, zipped


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


def test_files_unpack_to_no_more_than_may_be() -> None:
    file = zipped(document(A), (f"{A}-a", b" " * 10_000_000))
    for told, _ in documents_of(io.BytesIO(file), len(file), most=1_000_000):
        (attached,) = told.files
        with pytest.raises(UnreadableError) as refused:
            list(attached.pieces())
        assert refused.value.reason == "UNPACKED_TOO_LARGE"
