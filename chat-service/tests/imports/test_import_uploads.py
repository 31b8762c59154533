"""Files that come in to be imported: cut, repeated, given up, and too many."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.errors import AppError, RemoteError
from chassis.idempotency import Once, RequestKey
from chassis.testing.unheard import Unheard
from chat_service.imports.importing import ImportSweep
from chat_service.imports.store import leases
from chat_service.imports.store.leases import Leases
from chat_service.imports.usecases import upload

from . import samples
from .jobs import row_of, upload_to, uploads_of
from .over_the_wire import Beneath, Imports, count, no_pieces

# Fixtures of the conftest.py above; a test module cannot import their classes by name.
Chat = Any


async def test_an_upload_that_ends_early_leaves_nothing(beneath: Beneath, imports: Imports) -> None:
    piece = b"x" * (2 * 1024 * 1024)
    for size in (-1, 1, len(piece) + 1):
        with pytest.raises(RemoteError, match="FILE_INCOMPLETE"):
            await imports.upload(piece, size=size)
    with pytest.raises(RemoteError, match="FILE_INCOMPLETE"):
        await imports.upload()
    assert await imports.list() == []
    await no_pieces(beneath)


async def test_an_upload_that_is_repeated_with_its_key_is_one_import(imports: Imports) -> None:
    file = json.dumps(samples.LIBRECHAT).encode()
    first = await imports.upload(file, key="once")
    again = await imports.upload(file, key="once")
    assert again.id == first.id
    with pytest.raises(RemoteError, match="IDEMPOTENCY_KEY_REUSED"):
        await imports.upload(file + b" ", key="once")
    assert [one.id for one in await imports.list()] == [first.id]
    assert (await imports.ended(first.id)).added == 1


async def test_one_that_is_cancelled_while_it_begins_leaves_nothing(
    chat: Chat, caller: Caller
) -> None:
    async def pieces() -> AsyncIterator[bytes | int]:
        yield 0

    unheard = Unheard(chat.open_transaction)
    uploads = uploads_of(chat, open_transaction=unheard)
    sending = asyncio.create_task(uploads.upload(caller, "x.json", None, pieces(), lambda *_: None))
    await unheard.stored.wait()
    assert await count(chat, "imports") == 1
    sending.cancel()
    await asyncio.wait((sending,))
    assert sending.cancelled()
    assert await count(chat, "imports") == 0


async def test_a_user_has_three_imports_at_once(chat: Chat, caller: Caller) -> None:
    for _ in range(3):
        await upload_to(chat, caller, samples.LIBRECHAT)
    with pytest.raises(AppError, match="TOO_MANY_IMPORTS"):
        await upload_to(chat, caller, samples.LIBRECHAT)


async def test_an_upload_that_is_repeated_is_none_more_than_there_may_be(
    chat: Chat, caller: Caller
) -> None:
    uploads = uploads_of(chat)

    async def send(key: str) -> Any:
        async def pieces() -> AsyncIterator[bytes | int]:
            yield b"{}"
            yield 2

        def once_of(size: int, digest: bytes) -> Once[UUID]:
            return Once(
                RequestKey(key, digest), lambda one: one.bytes, lambda content: UUID(bytes=content)
            )

        return await uploads.upload(caller, "x.json", None, pieces(), once_of)

    made = [await send(key) for key in ("one", "two", "three")]
    assert [(await send(key)).id for key in ("one", "two", "three")] == [one.id for one in made]
    with pytest.raises(AppError, match="TOO_MANY_IMPORTS"):
        await send("four")
    assert await count(chat, "imports") == await count(chat, "import_pieces") == 3


async def test_uploads_that_went_silent_and_old_reports_are_swept(
    chat: Chat, caller: Caller
) -> None:
    sweeping = ImportSweep(Leases(chat.worker, "replica-1", chat.audit))
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    await sweeping.sweep()
    # What waits is still to be read.
    assert await count(chat, "import_pieces") == 1
    async with chat.worker.transaction() as connection:
        await connection.execute(
            text("UPDATE imports SET state = 'uploading', heard_at = now() - interval '3 minutes'")
        )
    await sweeping.sweep()
    assert (await row_of(chat, made.id)).reason == "UPLOAD_GIVEN_UP"
    assert await count(chat, "import_pieces") == 0
    for days, reports in ((29, 1), (31, 0)):
        async with chat.worker.transaction() as connection:
            await connection.execute(
                text("UPDATE imports SET ended_at = now() - make_interval(days => :days)"),
                {"days": days},
            )
        await sweeping.sweep()
        assert await count(chat, "imports") == reports


def test_an_upload_that_comes_slowly_is_heard_of_before_it_would_be_given_up() -> None:
    # What came is stored only with what comes next, which may be a pause later.
    assert 2 * upload._HEARD_SECONDS < leases._UNHEARD_UPLOAD_SECONDS
