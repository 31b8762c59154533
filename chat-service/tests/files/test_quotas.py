"""How much and how many a user keeps and uploads at once."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.idempotency import IdempotencyKeyReused
from chassis.ids import new_id
from chassis.testing import eventually
from chat_service.files.domain.errors import (
    QuotaUsedUp,
    TooManyFiles,
    TooManyUploads,
)
from chat_service.files.domain.file import File
from chat_service.files.store.files import Files
from chat_service.files.usecases.ports import Inspected

from .gate import Gate
from .sending import beginning, once_of

# `FilesOf` of conftest.py, which a test module has no name for.
FilesOf = Any


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


async def test_what_is_kept_beside_a_file_waits_for_whoever_else_looks_for_room(
    files: FilesOf, caller: Caller
) -> None:
    async def with_text(path: Path, kind: Any) -> Inspected:
        beside = path.with_name("text")
        beside.write_bytes(b"t" * 600)
        return Inspected(path, beside)

    files.inspect = with_text
    files.change(quota_bytes=1000)
    gate = Gate()
    gate.say(b"x" * 10)
    taking = asyncio.create_task(
        files.uploads.take(caller, "a.txt", 10, aiter(gate), lambda _: None)
    )
    await eventually(lambda: gate.taken == 1)
    async with files.chat.open_transaction(caller) as transaction:
        await transaction.alone("add file")
        gate.say(None)
        await files.chat.somebody_waits()
        await Files(transaction).begin(new_id(), "b.txt", 500, at=utc_now())
    with pytest.raises(QuotaUsedUp) as used_up:
        await taking
    assert used_up.value.metadata == {"used": "500", "allowed": "1000"}


async def test_an_upload_of_which_nothing_is_heard_takes_nobody_elses_room(
    files: FilesOf, caller: Caller
) -> None:
    files = replace(files, hold_seconds=600)
    files.change(uploads_at_once=1, quota_bytes=1000)
    gate = Gate()
    taking = asyncio.create_task(
        files.uploads.take(caller, "a.txt", 1000, aiter(gate), lambda _: None)
    )

    async def is_set_aside() -> bool:
        return bool((await files.read.limits(caller)).used_bytes == 1000)

    await eventually(is_set_aside)
    # As if its process were gone, and before the sweep has come by.
    await files.age()
    assert (await files.upload(caller, b"x" * 1000, at_most=1000)).size == 1000
    assert (await files.read.limits(caller)).used_bytes == 1000
    taking.cancel()
    await asyncio.wait((taking,))


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
