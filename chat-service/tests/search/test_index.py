"""The index follows what is written, changed and taken away, whoever does it, and is nobody else's to read."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from chassis.caller import Caller
from chassis.db.engine import RowOwner
from chassis.db.statement import Asked
from chassis.ids import new_id
from chat_service.answer.domain.ending import RunStatus
from chat_service.runs.domain.retention import Retention
from chat_service.runs.store.erasure import DeleteConversations
from chat_service.runs.store.purge import Purge
from chat_service.runs.usecases.go_on import ContinueRun
from chat_service.search.domain.text import MESSAGES, Wanted
from chat_service.search.domain.unindexed import IndexedText, UnindexedSession
from chat_service.search.store.texts import Texts, Wish
from chat_service.search.store.unindexed import SHORT, Unindexed
from chat_service.search.usecases.index import index_texts
from servicekit.search_filters import filter_of, probe_of

from .indexed import due_now, indexed_ids, reads_of

KEPT = Retention(deleted=timedelta(days=30), temporary=timedelta(hours=24))

Chat = Any
Searching = Any
Generations = Any


async def _put_later(chat: Chat, session: UnindexedSession) -> int:
    """As what the indexing has in hand of a session is stored, whatever has happened meanwhile."""
    texts = [IndexedText(one, session, filter_of("old")) for one in session.texts]
    return await Unindexed(chat.worker).put(texts, [session])


async def test_an_answer_that_is_gone_on_with_is_found_by_its_new_end_too(
    searching: Searching, chat: Chat, generations: Generations
) -> None:
    session = await searching.session("")
    accepted = await chat.accept(searching.caller, session, "what")
    cut = replace(chat.ending, status=RunStatus.INTERRUPTED, reason="X", text="begins ")
    assert await chat.finish(accepted.run, cut)
    await searching.index()
    go_on = ContinueRun(chat.means(generations))
    await go_on(searching.caller, accepted.run.id, None)
    (begun,) = generations.begun
    assert await chat.finish(begun.run, replace(chat.ending, text="begins and ends"))
    for _ in range(2):
        assert await searching.find("ends", Wanted(MESSAGES)) == ["begins and ends"]
        await searching.index()


async def test_the_first_title_is_found_whether_it_comes_with_a_message_or_by_itself(
    searching: Searching, chat: Chat
) -> None:
    asked, named = await searching.session(""), await searching.session("")
    await searching.index()
    assert await _counts(chat) == {asked: (0, 0), named: (0, 0)}
    accepted = await chat.accept(searching.caller, asked, "needle")
    # It is to be indexed by the number of its messages alone, without a mark of its own.
    assert await _counts(chat) == {asked: (0, 1), named: (0, 0)}
    assert await chat.finish(accepted.run)
    await searching.change(named, title="needle")
    assert (await _counts(chat))[named] == (-1, 0)
    for _ in range(2):
        assert sorted(await searching.find("needle", Wanted())) == ["needle"] * 3
        await searching.index()
    assert {asked, named} < await indexed_ids(chat)


async def _counts(chat: Chat) -> dict[UUID, tuple[int | None, int]]:
    """Of each session how many messages are indexed, and how many there are."""
    async with chat.worker.transaction() as connection:
        rows = await connection.execute(
            text("SELECT id, indexed_count, message_count FROM sessions")
        )
        return {row.id: (row.indexed_count, row.message_count) for row in rows}


async def test_the_index_goes_with_what_is_cleared_purged_and_erased(
    searching: Searching, chat: Chat, stranger: Caller
) -> None:
    other = searching.of(stranger)
    kept = await other.session("kept")
    cleared, purged, erased = [await searching.session(f"needle {n}") for n in range(3)]
    for session in (cleared, purged, erased):
        await searching.turn(session, "needle", "needle")
    await searching.index()
    assert len(await indexed_ids(chat)) == 10

    await searching.ends.clear(searching.caller, cleared)
    assert len(await indexed_ids(chat)) == 8
    assert cleared in await indexed_ids(chat)

    await searching.ends.delete(searching.caller, purged, permanent=True)
    assert len(await indexed_ids(chat)) == 8

    async def forget(_: object) -> None: ...

    await Purge(chat.worker, forget, lambda: KEPT, rest=forget).purge()
    assert len(await indexed_ids(chat)) == 5

    await DeleteConversations(forget)(chat.erasing(searching.caller))
    assert await indexed_ids(chat) == {kept}


async def test_a_session_that_is_deleted_with_its_messages_beneath_it_leaves_no_row(
    searching: Searching, chat: Chat
) -> None:
    session = await searching.session("needle")
    await searching.turn(session, "needle", "needle")
    await searching.index()
    async with chat.worker.transaction() as connection:
        await connection.execute(text("DELETE FROM sessions WHERE id = :id"), {"id": session})
    assert await indexed_ids(chat) == set()


async def test_what_is_in_hand_is_stored_of_no_session_that_has_changed_meanwhile(
    searching: Searching, chat: Chat
) -> None:
    titled, cleared, purged = [await searching.session("old title") for _ in range(3)]
    for session in (titled, cleared, purged):
        await searching.turn(session, "old", "old")
    in_hand = await due_now(chat)
    await searching.change(titled, title="new title")
    await searching.ends.clear(searching.caller, cleared)
    # As many as there were.
    await searching.turn(cleared, "new", "new")
    await searching.ends.delete(searching.caller, purged, permanent=True)

    assert [await _put_later(chat, session) for session in in_hand] == [0, 0, 0]
    await searching.index()

    assert sorted(await searching.find("old")) == ["old", "old", "old title"]
    assert sorted(await searching.find("new")) == ["new", "new", "new title"]
    assert await due_now(chat) == []


async def test_what_is_written_while_others_are_in_hand_is_still_to_be_indexed(
    searching: Searching, chat: Chat
) -> None:
    session = await searching.session("old title")
    await searching.turn(session, "old", "old")
    (in_hand,) = await due_now(chat)
    await searching.turn(session, "new", "new")

    assert await _put_later(chat, in_hand) == 1
    assert await searching.find("new") == ["new", "new"]
    assert await searching.index() == 2
    assert await searching.find("new") == ["new", "new"]
    assert await searching.find("old") == ["old", "old", "old title"]


async def test_what_is_written_while_it_indexes_waits_for_the_next_time(
    searching: Searching, chat: Chat
) -> None:
    session, other = await searching.session("one"), await searching.session("another")
    await searching.turn(session, "old", "old")
    written = 0

    async def write(_: float) -> None:
        nonlocal written
        if written < 5:
            written += 1
            await searching.turn(other, f"new {written}", "new")

    assert await index_texts(Unindexed(chat.worker), rest=write) == 4
    assert written == 1
    assert await searching.index() == 2


async def test_a_long_text_is_indexed_as_a_short_one_is(searching: Searching) -> None:
    long = "needle " + "straw " * SHORT
    await searching.turn(await searching.session(""), "short needle", long)
    await searching.index()
    assert await searching.find("needle", Wanted(MESSAGES)) == [long, "short needle"]


async def test_what_an_erasure_has_deleted_meanwhile_is_not_stored(
    searching: Searching, chat: Chat
) -> None:
    session = await searching.session("")
    await searching.turn(session, "old", "old")
    (in_hand,) = await due_now(chat)
    async with chat.worker.transaction() as connection:
        await connection.execute(text("DELETE FROM messages"))
    await _put_later(chat, in_hand)
    assert await indexed_ids(chat) == {session}


async def test_a_session_that_is_locked_is_left_and_nobody_waits(
    searching: Searching, chat: Chat
) -> None:
    locked, free = await searching.session("needle one"), await searching.session("needle two")
    async with chat.holding(locked):
        await searching.index()
        assert await indexed_ids(chat) == {free}
    await searching.index()
    assert await indexed_ids(chat) == {locked, free}


async def test_a_long_conversation_is_indexed_in_steps_and_all_of_it_is_found(
    searching: Searching, chat: Chat
) -> None:
    session = await searching.session("")
    for number in range(60):
        await searching.turn(session, f"needle {number}", f"say{number}")
    assert await searching.index() == 121
    assert len(await searching.find("needle", Wanted(MESSAGES), limit=100)) == 60
    assert await searching.find("say0", Wanted(MESSAGES)) == ["say0"]
    assert await due_now(chat) == []


async def test_replicas_index_side_by_side_and_each_text_once(
    searching: Searching, chat: Chat, stranger: Caller
) -> None:
    for whose in (searching, searching.of(stranger)):
        for number in range(10):
            session = await whose.session(f"title {number}")
            await whose.turn(session, f"needle {number}", "said")

    async def at_once(_: float) -> None: ...

    await asyncio.gather(*(index_texts(Unindexed(chat.worker), rest=at_once) for _ in range(2)))
    assert len(await indexed_ids(chat)) == 60
    assert await due_now(chat) == []
    assert len(await searching.find("needle", Wanted(MESSAGES))) == 10


async def test_a_text_with_more_words_than_an_index_holds_is_found_all_the_same(
    searching: Searching,
) -> None:
    words = " ".join(f"w{number:x}{'x' * 40}" for number in range(25_000))
    await searching.turn(await searching.session("t"), "what", words)
    assert await searching.index() == 3
    found = await searching.page(f"w1869{'x' * 40}")
    assert [one.text.content == words for one in found.items] == [True]


async def test_rows_are_told_to_no_other_user_and_changed_by_no_role_of_theirs(
    searching: Searching, chat: Chat, caller: Caller, stranger: Caller
) -> None:
    await searching.turn(await searching.session("A Title"), "needle", "雪国")
    await searching.index()
    async with chat.worker.transaction() as connection:
        rows = await connection.execute(
            text("SELECT filter::text, size, lexemes FROM search_texts")
        )
        kept = {(row.filter, row.size) for row in rows if row.lexemes is None}
    expected = [filter_of(one) for one in ("A Title", "needle", "雪国")]
    assert kept == {(f"{int(one.bits[1:], 16):0128b}", one.size) for one in expected}
    count = text("SELECT count(*) FROM search_texts")
    for whose, rows_in_sight in (
        (caller, 3),
        (stranger, 0),
        (None, 0),
        (RowOwner(tenant_id=new_id(), user_id=caller.user_id), 0),
    ):
        async with chat.app.transaction(whose) as connection:
            assert await connection.scalar(count) == rows_in_sight
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with chat.app.transaction(caller) as connection:
            await connection.execute(text("UPDATE search_texts SET at = now()"))


@pytest.mark.parametrize(("q", "rows"), [("needle", 12), ("n", 12), ("none", 0)])
async def test_a_search_reads_rows_of_its_own_user_alone_and_no_table_from_end_to_end(
    searching: Searching, chat: Chat, caller: Caller, stranger: Caller, q: str, rows: int
) -> None:
    for whose, turns in ((searching, 12), (searching.of(stranger), 40)):
        session = await whose.session("")
        for number in range(turns):
            await whose.turn(session, f"needle {number}", "something else")
    for number in range(30):
        await searching.session(f"other {number}")
    await searching.index()
    async with chat.app.transaction(caller) as connection:
        before = await reads_of(connection)

        async def read(*asked: Asked) -> list[list[Any]]:
            return [await one.all(connection, **values) for one, values in asked]

        stretch = await Texts(read, caller.user_id, Wanted(MESSAGES)).indexed(
            probe_of(q), Wish(after=None, compared=100, limit=5, most_bytes=1_000_000)
        )
        after = await reads_of(connection)
    assert len(stretch.texts) == min(rows, 5)
    scans = {table: after[table][0] - before.get(table, (0, 0))[0] for table in after}
    fetched = {table: after[table][1] - before.get(table, (0, 0))[1] for table in after}
    assert set(scans.values()) == {0}
    # Of what is compared the user's own, titles too; of the others what is shown, and one more.
    shown = min(rows, 6)
    assert fetched["search_texts"] == 55
    assert fetched["messages"] == shown
    assert fetched["sessions"] == shown
