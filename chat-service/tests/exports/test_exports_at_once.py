"""Exports: what they leave to others while they go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.errors import DatabaseBusy
from chassis.testing import eventually
from chat_service.exports.domain.wanted import (
    Format,
    TooManyExports,
    Wanted,
)
from chat_service.exports.store import pages
from chat_service.exports.usecases import export as usecase
from chat_service.exports.usecases.export import Exporting

from .exported import export

# Fixtures of conftest.py; a test module cannot import their classes by name.
Chat = Any


async def test_a_busy_moment_ends_no_export(
    chat: Chat, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporting = Exporting(chat.open_transaction, chat.audit, pauses=(0, 0))
    session = await chat.session(caller)
    await chat.turn(caller, session.id)
    whole, _ = await export(chat, caller, Format.JSON)
    read, busy = pages.Pages.read, 2

    async def read_when_quiet(self: Any, *asked: Any, **named: Any) -> Any:
        nonlocal busy
        busy -= 1
        if busy >= 0:
            raise DatabaseBusy()
        return await read(self, *asked, **named)

    monkeypatch.setattr(pages.Pages, "read", read_when_quiet)
    assert (await export(chat, caller, Format.JSON, exporting))[0] == whole
    busy = 3
    with pytest.raises(DatabaseBusy):
        await export(chat, caller, Format.JSON, exporting)


async def test_exports_leave_connections_to_turns(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    for whose in (caller, stranger):
        for _ in range(3):
            await chat.turn(whose, (await chat.session(whose)).id)
    held = most = 0

    @asynccontextmanager
    async def counted(whose: Any) -> AsyncIterator[Any]:
        nonlocal held, most
        async with chat.open_transaction(whose) as transaction:
            held += 1
            most = max(most, held)
            try:
                # Until so many are held nobody goes on.
                await eventually(lambda: most >= usecase._MOST_CONNECTIONS)
                yield transaction
            finally:
                held -= 1

    exporting = Exporting(counted, chat.audit)

    async def read(whose: Caller) -> None:
        async with aclosing(exporting.export(whose, Wanted(Format.JSON))) as file:
            async for _ in file:
                continue

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            for whose in (caller, stranger):
                group.create_task(read(whose))
    # Eight exports, with two pages each.
    assert most == usecase._MOST_CONNECTIONS == 4


async def test_a_user_has_four_exports_at_once_and_those_that_are_left_count_no_more(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    await chat.session(caller)
    exporting = Exporting(chat.open_transaction, chat.audit)

    def begin(whose: Caller) -> Any:
        return exporting.export(whose, Wanted(Format.JSON))

    files = [begin(caller) for _ in range(4)]
    for file in files:
        assert await anext(file)
    with pytest.raises(TooManyExports):
        await anext(begin(caller))
    other = begin(stranger)
    assert await anext(other)
    await other.aclose()
    await files[0].aclose()
    again = begin(caller)
    assert await anext(again)
    for file in (*files[1:], again):
        await file.aclose()
    assert exporting._under_way == {}


async def test_no_connection_is_held_while_nobody_reads(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    await chat.turn(caller, session.id)
    exporting = Exporting(chat.open_transaction, chat.audit)
    file = exporting.export(caller, Wanted(Format.JSON))
    assert await anext(file)
    await asyncio.sleep(0)
    idle = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
    )
    async with chat.worker.transaction() as connection:
        assert await connection.scalar(idle) == 0
    await file.aclose()
