"""Texts that an earlier release has put in: found, and given the filters that they lack; and what that release does beside this one."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.ids import new_id
from chat_service.search.domain.pace import Pace
from chat_service.search.domain.text import MESSAGES, Wanted
from chat_service.search.indexing import Indexing
from chat_service.search.store.unindexed import Unindexed
from chat_service.search.usecases.index import Filtering
from servicekit.search_filters import filter_of

from .indexed import due_now, indexed_ids, reads_of

Chat = Any
Searching = Any


# As a release before this one writes, which knows nothing of the index.
EARLIER = """
INSERT INTO sessions (id, tenant_id, user_id, title, last_order, message_count, created_at, updated_at)
VALUES (%(session_id)s, %(tenant_id)s, %(user_id)s, 'needle of old', 1, 1, now(), now());
INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order", created_at)
VALUES (gen_random_uuid(), %(session_id)s, %(tenant_id)s, %(user_id)s, 'user', 'an old needle', 1, now());
"""
LATER = """
INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order", created_at)
VALUES (gen_random_uuid(), %(session_id)s, %(tenant_id)s, %(user_id)s, 'user', 'one more needle', 2, now());
UPDATE sessions SET message_count = message_count + 1, last_order = 2, title = 'needle anew'
WHERE id = %(session_id)s;
UPDATE messages SET content = 'an old needle, longer' WHERE session_id = %(session_id)s AND "order" = 1;
"""


async def test_what_an_earlier_release_writes_and_changes_is_found_too(
    searching: Searching, chat: Chat, caller: Caller
) -> None:
    values = {
        "session_id": new_id(),
        "tenant_id": caller.tenant_id,
        "user_id": caller.user_id,
    }
    with psycopg.connect(
        chat.urls.admin, cursor_factory=psycopg.ClientCursor, autocommit=True
    ) as admin:
        admin.execute(EARLIER, values)
        for _ in range(2):
            assert set(await searching.find("needle")) == {"needle of old", "an old needle"}
            await searching.index()
        assert await due_now(chat) == []
        admin.execute(LATER, values)
    for _ in range(2):
        assert set(await searching.find("needle")) == {
            "needle anew",
            "an old needle, longer",
            "one more needle",
        }
        await searching.index()
    assert len(await indexed_ids(chat)) == 3


# As the release before filters puts a text in, and finds it.
LOOKED_UP = """
INSERT INTO search_texts (id, tenant_id, user_id, session_id, role, at, lexemes)
SELECT id, tenant_id, user_id, session_id, role, created_at, 'needle' FROM messages
ON CONFLICT DO NOTHING;
UPDATE sessions SET indexed_count = message_count;
"""
FIND = text(
    "SELECT count(*) FROM find_texts(CAST('needle' AS tsquery), '{user,assistant}',"
    " NULL, NULL, NULL, NULL, NULL, NULL, 100)"
)


async def test_what_an_earlier_release_has_put_in_is_found_and_gets_its_filter(
    searching: Searching, chat: Chat, caller: Caller, stranger: Caller
) -> None:
    async def at_once(_: float) -> None: ...

    unindexed, session = Unindexed(chat.worker), await searching.session("")
    await searching.turn(session, "a needle", "nothing")
    await searching.turn(session, "one more needle", "nothing at all")
    with psycopg.connect(chat.urls.admin, autocommit=True) as admin:
        admin.execute(LOOKED_UP)
    for given in (4, 0):
        assert await searching.find("needle", Wanted(MESSAGES)) == ["one more needle", "a needle"]
        assert await searching.find("nothing at", Wanted(MESSAGES)) == ["nothing at all"]
        assert await unindexed.count_unfiltered() == given
        assert await Filtering(unindexed, rest=at_once).go_on(0) == given
    # The earlier one goes on finding them, and what has a filter alone: the text decides there, too.
    for whose, expected in ((caller, 4), (stranger, 0), (None, 0)):
        async with chat.app.transaction(whose) as connection:
            assert await connection.scalar(FIND) == expected


async def test_the_job_gives_filters_to_what_an_earlier_release_has_put_in(
    searching: Searching, chat: Chat
) -> None:
    unindexed, session = Unindexed(chat.worker), await searching.session("")
    await searching.turn(session, "a needle", "nothing")
    with psycopg.connect(chat.urls.admin, autocommit=True) as admin:
        admin.execute(LOOKED_UP)
    assert await unindexed.count_unfiltered() == 2
    await Indexing(unindexed).index()
    assert await unindexed.count_unfiltered() == 0


@pytest.mark.parametrize(
    ("pace", "steps", "rests"),
    [
        # What people write is indexed soon, and hours of work rest seven times as long as they take.
        (Pace(), [0.5, 0.5, 0.25, 0.01], [0.5, 0.5, 1.75, 0.07]),
        (Pace(prompt_seconds=0.0), [0.04, 0.02], [0.28, 0.14]),
        # A machine that is starved makes steps long: they come to an end all the same.
        (Pace(), [3.0, 0.1], [5.0, 0.7]),
    ],
)
def test_hours_of_work_take_an_eighth_of_a_core(
    pace: Pace, steps: list[float], rests: list[float]
) -> None:
    assert [pace.rest_behind(one) for one in steps] == pytest.approx(rests)


async def test_a_text_that_changes_while_its_filter_is_made_keeps_none_of_what_it_was(
    searching: Searching, chat: Chat
) -> None:
    unindexed, session = Unindexed(chat.worker), await searching.session("")
    await searching.turn(session, "old", "old")
    with psycopg.connect(chat.urls.admin, autocommit=True) as admin:
        admin.execute(LOOKED_UP)
        in_hand = await unindexed.unfiltered(UUID(int=2**128 - 1))
        assert len(in_hand) == 2
        # Its row goes, and the earlier release puts another one in.
        admin.execute("UPDATE messages SET content = 'new' WHERE role = 'user'")
        admin.execute(LOOKED_UP)
    assert await unindexed.give_filters([(one, filter_of("old")) for one in in_hand]) == 1
    assert await searching.find("new", Wanted(MESSAGES)) == ["new"]
    assert await searching.find("old", Wanted(MESSAGES)) == ["old"]


async def test_filters_are_made_from_the_newest_text_on_and_by_turns_with_what_is_written(
    searching: Searching, chat: Chat
) -> None:
    session = await searching.session("")
    for number in range(70):
        await searching.turn(session, f"needle {number}", "")
    with psycopg.connect(chat.urls.admin, autocommit=True) as admin:
        admin.execute(LOOKED_UP)

    async def at_once(_: float) -> None: ...

    filtering = Filtering(Unindexed(chat.worker), rest=at_once)
    given, oldest_first = [], []
    while stored := await filtering.go_on(0):
        given.append(stored)
        async with chat.worker.transaction() as connection:
            rows = await connection.execute(
                text(
                    "SELECT min(id::text) FILTER (WHERE filter IS NOT NULL) AS made,"
                    " max(id::text) FILTER (WHERE filter IS NULL) AS left FROM search_texts"
                )
            )
            oldest_first += [row.left is not None and row.left > row.made for row in rows]
    assert given == [64, 64, 12]
    assert not any(oldest_first)


async def test_the_earlier_releases_search_reads_its_own_users_texts_alone(
    searching: Searching, chat: Chat, caller: Caller, stranger: Caller
) -> None:
    for whose, turns in ((searching, 6), (searching.of(stranger), 40)):
        session = await whose.session("")
        for number in range(turns):
            await whose.turn(session, f"needle {number}", "something else")
    await searching.index()
    async with chat.app.transaction(caller) as connection:
        before = await reads_of(connection)
        assert await connection.scalar(FIND) == 12
        after = await reads_of(connection)
    read = [
        after[name][n] - before.get(name, (0, 0))[n] for name in ("search_texts",) for n in (0, 1)
    ]
    # Of the user's own 13, with the title.
    assert read == [0, 13]
