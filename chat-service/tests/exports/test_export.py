"""Exports: of whose conversations a file is, and that it is the same however it is read in pages."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.ids import new_id
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.session import SessionChange
from chat_service.conversations.usecases.sessions import update_session
from chat_service.exports.domain.wanted import (
    Begin,
    Format,
    Wanted,
)
from chat_service.exports.store import pages
from chat_service.exports.store.pages import PageSize
from chat_service.exports.usecases.export import Exporting

from .exported import export, make_tree, titles

# Fixtures of conftest.py; a test module cannot import their classes by name.
Chat = Any


async def test_of_all_nothing_is_exported_that_is_deleted_temporary_or_someone_elses(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    make = chat.open_transaction, chat.resolve_key, caller
    await chat.session(caller, "kept")
    archived = await chat.session(caller, "archived")
    await update_session(*make, archived.id, SessionChange(archived=True))
    temporary = await chat.session(caller, "temporary", temporary=True)
    deleted = await chat.session(caller, "deleted")
    async with chat.worker.transaction() as connection:
        await connection.execute(
            text("UPDATE sessions SET deleted_at = now() WHERE id = :id"), {"id": deleted.id}
        )
    theirs = await chat.session(stranger, "theirs")
    assert await titles(chat, caller) == ["kept", "archived"]
    # By itself it is.
    assert await titles(chat, caller, session_id=temporary.id) == ["temporary"]
    for absent in (theirs.id, deleted.id, new_id()):
        for of in Format:
            with pytest.raises(SessionNotFound):
                await export(chat, caller, of, session_id=absent)


async def test_what_was_active_or_has_changed_within_a_time_is_exported(
    chat: Chat, caller: Caller
) -> None:
    now = utc_now()
    made = {}
    for days in (30, 20, 10):
        session = made[days] = await chat.session(caller, f"{days} days")
        async with chat.worker.transaction() as connection:
            await connection.execute(
                text(
                    "UPDATE sessions SET created_at = :at, last_message_at = :at,"
                    " updated_at = :at WHERE id = :id"
                ),
                {"id": session.id, "at": now - timedelta(days=days)},
            )
    past = {days: now - timedelta(days=days) for days in made}
    assert await titles(chat, caller, active_from=past[20]) == ["20 days", "10 days"]
    assert await titles(chat, caller, active_before=past[20]) == ["30 days"]
    assert await titles(chat, caller, active_from=past[20], active_before=past[10]) == ["20 days"]
    assert await titles(chat, caller, since=past[10]) == ["10 days"]
    assert await titles(chat, caller, after=made[30].id) == ["20 days", "10 days"]
    # What an export's end tells is where the next one begins: what changes from then on.
    _, end = await export(chat, caller, Format.JSON)
    assert await titles(chat, caller, since=end.since) == []
    await chat.turn(caller, made[30].id)
    assert await titles(chat, caller, since=end.since) == ["30 days"]


async def test_what_a_replica_writes_whose_clock_is_ten_minutes_behind_is_in_the_next_one(
    chat: Chat, caller: Caller
) -> None:
    late = await chat.session(caller, "late")
    _, end = await export(chat, caller, Format.JSON)
    # It has taken the time, and then for a minute to write what is changed.
    async with chat.worker.transaction() as connection:
        await connection.execute(
            text("UPDATE sessions SET updated_at = now() - interval '11 minutes' WHERE id = :id"),
            {"id": late.id},
        )
    assert await titles(chat, caller, since=end.since) == ["late"]


async def test_what_changes_while_a_cut_off_export_goes_on_is_in_the_next_one(
    chat: Chat, caller: Caller
) -> None:
    exporting = Exporting(chat.open_transaction, chat.audit, look_back=timedelta(0))
    first, second = await chat.session(caller, "first"), await chat.session(caller, "second")
    file = exporting.export(caller, Wanted(Format.JSON))
    begin = await anext(file)
    assert isinstance(begin, Begin)
    await file.aclose()
    # It had come whole, and changes before the rest is fetched.
    await chat.turn(caller, first.id)
    _, end = await export(chat, caller, Format.JSON, exporting, after=first.id, began=begin.since)
    assert (end.conversations, end.since) == (1, begin.since)
    assert await titles(chat, caller, since=end.since) == ["first"]
    # Who has not kept where the first one began gets everything of before once more.
    for since in (None, begin.since):
        _, end = await export(chat, caller, Format.JSON, exporting, after=second.id, since=since)
        assert end.since == since


@pytest.mark.parametrize("of", Format)
@pytest.mark.parametrize(("messages_", "bytes_", "named"), [(1, 1, 1), (3, 10_000, 2), (2, 200, 3)])
async def test_however_a_file_is_read_in_pages_it_is_the_same(
    chat: Chat,
    caller: Caller,
    of: Format,
    messages_: int,
    bytes_: int,
    named: int,
) -> None:
    for turns in (0, 1, 4, 0, 2):
        session = await chat.session(caller)
        for turn in range(turns):
            await chat.turn(caller, session.id, f"question {turn} " + "x" * 60 * turn)
    await make_tree(chat, caller)
    whole, end = await export(chat, caller, of)
    page_size = PageSize(named=named, messages=messages_, bytes=bytes_)
    exporting = Exporting(chat.open_transaction, chat.audit, page_size=page_size)
    in_pages, end_of_pages = await export(chat, caller, of, exporting)
    assert in_pages == whole
    assert (end_of_pages.conversations, end_of_pages.messages) == (end.conversations, end.messages)
    assert end.conversations == 6


@pytest.mark.parametrize("goes", ["DELETE FROM sessions", "UPDATE sessions SET deleted_at = now()"])
async def test_what_goes_meanwhile_is_left_out_and_the_rest_is_whole(
    chat: Chat, caller: Caller, monkeypatch: pytest.MonkeyPatch, goes: str
) -> None:
    made = [await chat.session(caller, str(number)) for number in range(3)]
    for session in made:
        await chat.turn(caller, session.id)
    read = pages.Pages.read

    async def read_later(self: Any, *asked: Any, **named: Any) -> Any:
        async with chat.worker.transaction() as connection:
            await connection.execute(text(f"{goes} WHERE id = :id"), {"id": made[1].id})
        return await read(self, *asked, **named)

    monkeypatch.setattr(pages.Pages, "read", read_later)
    assert await titles(chat, caller) == ["0", "2"]
