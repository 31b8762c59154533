"""Who reads an import, and who did until they were not heard of; and what of it comes too late."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import Owned, Transaction
from chat_service.imports.domain.job import Report
from chat_service.imports.importing import Importing, ImportSweep
from chat_service.imports.store.imports import Imports
from chat_service.imports.store.leases import Leases

from . import samples
from .jobs import row_of, upload_to
from .over_the_wire import count

# A fixture of the conftest.py above; a test module cannot import its class by name.
Chat = Any


async def _set(chat: Chat, told: str) -> None:
    async with chat.worker.transaction() as connection:
        await connection.execute(text(f"UPDATE imports SET {told}"))


async def _row(chat: Chat) -> tuple[Any, ...]:
    query = "SELECT state, owner, reason, added, problems, attempts, ended_at FROM imports"
    async with chat.worker.transaction() as connection:
        return tuple((await connection.execute(text(query))).one())


async def test_who_has_lost_an_import_is_told_so_and_changes_nothing_of_it(
    chat: Chat, caller: Caller
) -> None:
    await upload_to(chat, caller, samples.LIBRECHAT)
    frozen, other = (Leases(chat.worker, f"replica-{n}", chat.audit) for n in (1, 2))
    taken = await frozen.take()
    assert taken is not None
    await _set(chat, "heard_at = now() - interval '1 minute'")
    again = await other.take()
    assert again is not None
    assert (again.id, again.attempts) == (taken.id, 2)
    theirs = Report(added=7)
    assert await other.heartbeat(again, theirs, format_=None, done=0.5)
    before = await _row(chat)
    assert not await frozen.heartbeat(taken, Report(added=1), format_=None, done=0.1)
    await frozen.end(taken, "failed", "READER_FAILED", utc_now())
    await frozen.release(taken, forgiven=True)
    assert await _row(chat) == before
    async with chat.worker.transaction() as connection:
        noted = await connection.scalar(
            text("SELECT count(*) FROM outbox WHERE payload LIKE '%READER_FAILED%'::bytea")
        )
    assert noted == 0
    await other.end(again, "completed", None, utc_now())
    assert (await row_of(chat, taken.id)).state == "completed"


async def test_of_an_upload_something_is_heard_with_each_piece(chat: Chat, caller: Caller) -> None:
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    sweeping = ImportSweep(Leases(chat.worker, "replica-1", chat.audit))
    await _set(chat, "state = 'uploading', heard_at = now() - interval '3 minutes'")
    async with chat.open_transaction(caller) as transaction:
        assert await Imports(transaction).add_piece(made.id, 9, b"{}", packed=False)
    # A file may take hours to come, as long as it comes.
    await sweeping.sweep()
    assert (await row_of(chat, made.id)).state == "uploading"


async def test_an_import_stores_nothing_more_of_who_is_erased_meanwhile(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    told = [{**samples.CHATGPT[0], "id": f"c-{n}", "conversation_id": f"c-{n}"} for n in range(5)]
    await upload_to(chat, caller, told)
    begin, begun = importing._open_transaction, 0

    @asynccontextmanager
    async def open_transaction(whose: Owned) -> AsyncIterator[Transaction]:
        nonlocal begun
        begun += 1
        if begun == 3:
            # The erasure has begun, and has not come to their imports yet.
            async with chat.erasing(caller).transaction():
                pass
        async with begin(whose) as transaction:
            yield transaction

    importing._open_transaction = open_transaction
    await importing.read_all()
    assert begun >= 3
    assert await count(chat, "sessions") == 2
