"""Imports in the background: killed, handed over, by turns, cancelled and erased."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import AppError, RemoteError
from chassis.ids import new_id
from chassis.testing import eventually
from chat_service.imports import importing as importing_module
from chat_service.imports import storing
from chat_service.imports.importing import Importing, ImportSweep
from chat_service.imports.store import imports as store
from chat_service.imports.store.erasure import delete_imports
from chat_service.imports.store.leases import UNHEARD_SECONDS, Leases
from chat_service.imports.usecases.jobs import ImportJobs
from chat_service.settings import Settings
from parley.chat.v1 import imports_pb2 as pb

from . import samples
from .jobs import halted, reader_of, row_of, upload_to
from .over_the_wire import Beneath, Imports, count

# Fixtures of the conftest.py above; a test module cannot import their classes by name.
Chat = Any


async def test_imports_are_their_user_s_alone(imports: Imports, strange_imports: Imports) -> None:
    made = await imports.take(samples.LIBRECHAT)
    for method, request in (
        ("GetImport", pb.GetImportRequest(id=made.id)),
        ("EndImport", pb.EndImportRequest(id=made.id)),
    ):
        with pytest.raises(RemoteError, match="IMPORT_NOT_FOUND"):
            await strange_imports.call(method, request)
    assert await strange_imports.list() == []
    await imports.call("EndImport", pb.EndImportRequest(id=made.id))
    assert await imports.list() == []


async def test_what_a_replica_that_died_has_begun_another_one_ends_and_adds_nothing_twice(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    told = [{**samples.CHATGPT[0], "id": f"c-{n}", "conversation_id": f"c-{n}"} for n in range(50)]
    made = await upload_to(chat, caller, told)
    reading = await halted(importing, 20)
    # As a kill does: nobody releases anything.
    importing._leases.release = _nothing  # type: ignore[method-assign,assignment]
    reading.cancel()
    await asyncio.wait((reading,))
    assert await count(chat, "sessions") == 20
    assert (await row_of(chat, made.id)).state == "reading"
    other = reader_of(chat, "replica-2")
    await other.read_all()
    assert (await row_of(chat, made.id)).state == "reading"
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE imports SET heard_at = now() - interval '1 minute'"))
    await other.read_all()
    row = await row_of(chat, made.id)
    # What this import had brought before counts as brought by it.
    assert (row.state, row.added, row.existing, row.attempts) == ("completed", 50, 0, 2)
    assert await count(chat, "sessions") == 50
    assert await count(chat, "messages") == 250
    await ImportSweep(Leases(chat.worker, "replica-1", chat.audit)).sweep()
    assert await count(chat, "import_pieces") == 0


async def _nothing(*_: Any) -> None: ...


async def test_a_service_that_stops_hands_over_what_it_reads(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    told = [{**samples.CHATGPT[0], "id": f"c-{n}", "conversation_id": f"c-{n}"} for n in range(30)]
    made = await upload_to(chat, caller, told)
    reading = await halted(importing, 20)
    reading.cancel()
    await asyncio.wait((reading,))
    row = await row_of(chat, made.id)
    assert (row.state, row.attempts) == ("waiting", 0)
    await reader_of(chat, "replica-2").read_all()
    assert (await row_of(chat, made.id)).state == "completed"


async def test_users_take_turns(chat: Chat, caller: Caller, stranger: Caller) -> None:
    for whose in (caller, caller, caller, stranger):
        await upload_to(chat, whose, samples.LIBRECHAT)
    leases = Leases(chat.worker, "replica-1", chat.audit)
    order = []
    while (taken := await leases.take()) is not None:
        order.append(taken.user_id)
        await leases.end(taken, "completed", None, utc_now())
    assert order == [caller.user_id, stranger.user_id, caller.user_id, caller.user_id]


async def test_what_is_begun_again_and_again_is_given_up(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE imports SET attempts = 5"))
    await importing.read_all()
    row = await row_of(chat, made.id)
    assert (row.state, row.reason) == ("failed", "GIVEN_UP")


async def test_one_that_is_cancelled_meanwhile_ends_and_what_was_taken_stays(
    chat: Chat, caller: Caller
) -> None:
    importing = reader_of(chat, "replica-1", heartbeat_seconds=0.01)
    told = [{**samples.CHATGPT[0], "id": f"c-{n}", "conversation_id": f"c-{n}"} for n in range(30)]
    made = await upload_to(chat, caller, told)
    reading = await halted(importing, 20)
    await ImportJobs(chat.open_transaction, lambda: None, chat.audit).end(caller, made.id)
    await reading
    assert (await row_of(chat, made.id)).state == "cancelled"
    assert await count(chat, "sessions") == 20
    await ImportSweep(Leases(chat.worker, "replica-1", chat.audit)).sweep()
    assert await count(chat, "import_pieces") == 0


async def test_one_that_is_cancelled_makes_room_for_another_long_before_the_sweep_comes_by_itself(
    beneath: Beneath, imports: Imports, caller: Caller, settings: Settings
) -> None:
    import_id = new_id()
    async with beneath.open_transaction(caller) as transaction:
        await transaction.lock_owner()
        coming = store.Imports(transaction)
        size = settings.import_bounds.user
        await coming.insert(import_id, "large.zip", size, utc_now(), with_notes=False)
        await coming.add_piece(import_id, 0, b"PK", packed=False)
    file = json.dumps(samples.LIBRECHAT).encode()
    with pytest.raises(RemoteError, match="IMPORTS_QUOTA_USED_UP"):
        await imports.upload(file)
    await imports.call("EndImport", pb.EndImportRequest(id=str(import_id)))

    async def has_room() -> bool:
        return bool((await imports.upload(file)).id)

    # A sweep that nobody has woken comes later than that.
    most = importing_module._SWEEP_SECONDS / 2
    await eventually(has_room, timeout=most, ignoring=(RemoteError,))


async def test_a_user_who_is_erased_leaves_no_bytes_and_no_trace(
    chat: Chat, caller: Caller, stranger: Caller, importing: Importing
) -> None:
    await upload_to(chat, caller, samples.LIBRECHAT)
    kept = await upload_to(chat, stranger, samples.LIBRECHAT)
    await delete_imports(chat.erasing(caller))
    with pytest.raises(AppError, match="ACCOUNT_DELETED"):
        await upload_to(chat, caller, samples.LIBRECHAT)
    assert await count(chat, "imports") == await count(chat, "import_pieces") == 1
    await importing.read_all()
    assert (await row_of(chat, kept.id)).state == "completed"
    assert await count(chat, "imported") == await count(chat, "sessions") == 1


def test_a_replica_that_reads_is_heard_of_before_another_would_take_its_import() -> None:
    # Two of its heartbeats may be late or lost.
    assert 3 * importing_module._HEARTBEAT_SECONDS <= UNHEARD_SECONDS


async def test_a_stalled_reader_is_given_up_before_the_database_ends_its_transaction(
    beneath: Beneath,
) -> None:
    # Else the whole import would fail as if the database were away, and be read again for nothing.
    idle = text(
        "SELECT CAST(setting AS int) / 1000 FROM pg_settings"
        " WHERE name = 'idle_in_transaction_session_timeout' AND unit = 'ms'"
    )
    async with beneath.worker.transaction() as connection:
        allowed = await connection.scalar(idle)
    assert allowed is not None
    assert allowed > storing.STALLED_SECONDS
