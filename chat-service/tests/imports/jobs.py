"""Imports without a service: whoever reads them is made by the test."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction, Owned, Transaction
from chat_service.imports.domain.bounds import ImportBounds
from chat_service.imports.filing import TakeFile
from chat_service.imports.importing import Importing
from chat_service.imports.noting import TakeNotes
from chat_service.imports.store.held import Held
from chat_service.imports.store.leases import Leases
from chat_service.imports.usecases import upload
from chat_service.personas.operators.personas import PersonasInForce
from chat_service.personas.usecases.write import WritePersonas
from chat_service.runs.domain.retention import KEPT, Retention
from chat_service.words.domain.word_filter import InForce, no_words

# Fixtures of the conftest.py above; a test module cannot import their classes by name.
Chat = Any

ROOM = ImportBounds(2**30, 2**30, 2**30)


def reader_of(
    chat: Chat,
    replica: str,
    command: Callable[[int], list[str]] | None = None,
    in_force: InForce = no_words,
    retention: Callable[[], Retention] = lambda: KEPT,
    take_notes: TakeNotes | None = None,
    take_file: TakeFile | None = None,
    **seconds: Any,
) -> Importing:
    """`seconds`: what is shortened of its timings."""
    write = WritePersonas(chat.open_transaction, PersonasInForce(None), most=10)
    return Importing(
        Leases(chat.worker, replica, chat.audit),
        chat.open_transaction,
        lambda notice: None,
        write,
        command=command,
        in_force=in_force,
        retention=retention,
        take_notes=take_notes,
        take_file=take_file,
        **seconds,
    )


def uploads_of(
    chat: Chat,
    in_force: InForce = no_words,
    bounds: ImportBounds = ROOM,
    open_transaction: OpenTransaction | None = None,
) -> upload.Uploads:
    return upload.Uploads(
        open_transaction or chat.open_transaction,
        Held(chat.worker),
        bounds=bounds,
        wake=lambda: None,
        audit=chat.audit,
        in_force=in_force,
    )


async def upload_to(chat: Chat, caller: Caller, told: Any, *, with_notes: bool = False) -> Any:
    async def pieces() -> AsyncIterator[bytes | int]:
        file = told if isinstance(told, bytes) else json.dumps(told).encode()
        yield file
        yield len(file)

    return await uploads_of(chat).upload(
        caller, "x.json", None, pieces(), lambda size, digest: None, with_notes=with_notes
    )


async def row_of(chat: Chat, import_id: Any) -> Any:
    async with chat.worker.transaction() as connection:
        found = await connection.execute(
            text("SELECT state, reason, added, existing, attempts FROM imports WHERE id = :id"),
            {"id": import_id},
        )
        return found.one()


async def halted(importing: Importing, behind: int) -> asyncio.Task[None]:
    """It reads, has stored so many conversations, and stores no more, however slow the machine."""
    begin, begun, reached = importing._open_transaction, 0, asyncio.Event()

    @asynccontextmanager
    async def open_transaction(whose: Owned) -> AsyncIterator[Transaction]:
        nonlocal begun
        if begun == behind:
            reached.set()
            await asyncio.Event().wait()
        begun += 1
        async with begin(whose) as transaction:
            yield transaction

    importing._open_transaction = open_transaction
    reading = asyncio.create_task(importing.read_all())
    await asyncio.wait_for(reached.wait(), 60)
    return reading
