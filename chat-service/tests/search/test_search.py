"""What is searched in conversations is found, whatever the script, and nothing of anybody else's."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import new_id
from chat_service.conversations.usecases.tree import edit_answer, fork_session
from chat_service.search.domain.text import MESSAGES, TextRole, Wanted
from chat_service.search.usecases.search import Effort

Searching = Any
Index = Callable[[], Awaitable[object]]

TITLES = Wanted(roles=frozenset({TextRole.TITLE}))
CHINESE = "我们今天在北京讨论了数据库的索引，雪很大。"
JAPANESE = "今日は雪が降った。ﾊﾟｿｺﾝでノートを書く。"
ENGLISH = "The Index of a Database, and why it's fast: déjà vu"
CODE = "async def _open(self) -> None:\n    return await self.pool.acquire(timeout=3.5)"


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("雪", [JAPANESE, CHINESE]),
        ("数据", [CHINESE]),
        ("据库的", [CHINESE]),
        ("讨论，", []),
        ("索引，雪", [CHINESE]),
        ("索引,雪", [CHINESE]),
        ("パソコン", [JAPANESE]),
        ("INDEX data", [ENGLISH]),
        ("DÉJÀ", [ENGLISH]),
        ("i", [ENGLISH]),
        ("ｉｎｄｅｘ", [ENGLISH]),
        ("ndex", []),
        ("_open(", [CODE]),
        ("3.5)", [CODE]),
        ("->", [CODE]),
        ("index 雪", []),
        ("'; DROP TABLE messages; --", []),
        ("a:* | !b & (c", []),
        ("\\", []),
        ("*", []),
        ("@", []),
    ],
)
async def test_what_stands_in_a_message_is_found_by_its_owner_alone(
    searching: Searching, stranger: Caller, index: Index, q: str, expected: list[str]
) -> None:
    for whose in (searching, searching.of(stranger)):
        session = await whose.session("")
        await whose.turn(session, CODE, ENGLISH)
        await whose.turn(session, CHINESE, JAPANESE)
    await index()
    found = [text for text in await searching.find(q) if text != CODE.splitlines()[0]]
    assert found == expected


async def test_an_empty_query_is_refused_and_so_is_one_that_is_too_long(
    searching: Searching,
) -> None:
    for q, error in (
        ("", FieldError("q", "REQUIRED")),
        (" \u3000\u200b", FieldError("q", "REQUIRED")),
        ("x" * 201, FieldError("q", "TOO_LONG", maximum=200)),
        ("a\0", FieldError("q", "INVALID_CHARACTER")),
    ):
        with pytest.raises(ValidationFailed) as refused:
            await searching.page(q)
        assert refused.value.fields == (error,)


async def test_a_hit_says_which_message_of_which_session_and_marks_where_it_stands(
    searching: Searching, index: Index
) -> None:
    session = await searching.session("Holidays")
    run = await searching.turn(session, "x " * 300 + "Straße in STRASSENFEST" + " y" * 300, "no")
    await index()
    (found,) = (await searching.page("straße")).items
    assert (found.text.id, found.text.session_id) == (run.turn.question_id, session)
    assert (found.text.title, found.text.role) == ("Holidays", TextRole.USER)
    marked = [found.match.snippet[start:end] for start, end in found.match.hits]
    assert marked == ["Straße", "STRASSE"]
    assert len(found.match.snippet) == 200


async def test_titles_are_found_as_they_are_now(searching: Searching, index: Index) -> None:
    session = await searching.session("About cats")
    await index()
    assert await searching.find("cats") == ["About cats"]
    await searching.change(session, title="About dogs")
    assert (await searching.find("cats"), await searching.find("dogs")) == ([], ["About dogs"])
    await index()
    assert (await searching.find("cats"), await searching.find("dogs")) == ([], ["About dogs"])
    (found,) = (await searching.page("dogs")).items
    assert (found.text.id, found.text.session_id, found.text.role) == (
        session,
        session,
        TextRole.TITLE,
    )


async def test_the_title_that_a_first_question_gives_is_found(
    searching: Searching, index: Index
) -> None:
    session = await searching.session("")
    await index()
    await searching.turn(session, "Why is the sky blue?", "It is")
    await index()
    assert await searching.find("sky", TITLES) == ["Why is the sky blue?"]


async def test_what_was_just_written_is_found_beside_what_is_indexed(searching: Searching) -> None:
    session = await searching.session("")
    await searching.turn(session, "first needle", "first answer")
    await searching.index()
    accepted = await searching.chat.accept(searching.caller, session, "second needle")
    assert await searching.find("needle") == ["second needle", "first needle", "first needle"]
    await searching.chat.finish(accepted.run)
    assert await searching.find("answer", Wanted(MESSAGES)) == ["an answer", "first answer"]
    assert await searching.index() == 2
    assert await searching.find("needle") == ["second needle", "first needle", "first needle"]
    assert await searching.index() == 0


async def test_each_filter_leaves_out_what_is_not_wanted(
    searching: Searching, index: Index
) -> None:
    first, second = await searching.session("needle one"), await searching.session("needle two")
    await searching.turn(first, "needle asked", "needle said")
    between = utc_now()
    await searching.turn(second, "needle asked again", "needle said again")
    await searching.change(second, archived=True)
    await index()

    async def find(**wanted: Any) -> set[str]:
        return set(await searching.find("needle", Wanted(**wanted)))

    everything = {
        "needle one",
        "needle two",
        "needle asked",
        "needle said",
        "needle asked again",
        "needle said again",
    }
    assert await find() == everything
    assert await find(roles=frozenset({TextRole.TITLE})) == {"needle one", "needle two"}
    assert await find(roles=frozenset({TextRole.USER})) == {"needle asked", "needle asked again"}
    assert await find(roles=frozenset({TextRole.ASSISTANT})) == {"needle said", "needle said again"}
    assert await find(roles=frozenset()) == set()
    archived = {"needle two", "needle asked again", "needle said again"}
    assert await find(archived=True) == archived == await find(session_id=second)
    assert await find(archived=False) == everything - archived == await find(session_id=first)
    later = {"needle asked again", "needle said again"}
    assert await find(from_at=between) == later
    assert await find(to_at=between) == everything - later
    assert await find(from_at=between, to_at=between + timedelta(days=1)) == later
    assert await find(from_at=between, to_at=between) == set()
    assert await find(session_id=new_id()) == set()


async def test_a_moment_from_which_is_wanted_is_within_and_one_to_which_is_not(
    searching: Searching, index: Index
) -> None:
    run = await searching.turn(await searching.session(""), "needle", "")
    await index()
    at = run.created_at
    only = frozenset({TextRole.USER})
    assert await searching.find("needle", Wanted(only, from_at=at)) == ["needle"]
    assert await searching.find("needle", Wanted(only, to_at=at)) == []


async def test_somebody_elses_session_has_nothing_to_be_found(
    searching: Searching, stranger: Caller, index: Index
) -> None:
    session = await searching.session("needle")
    await searching.turn(session, "needle", "needle")
    await index()
    other = searching.of(stranger)
    assert await other.find("needle", Wanted(session_id=session)) == []
    assert await other.find("n") == []


async def test_archived_conversations_are_found_and_deleted_or_temporary_ones_are_not(
    searching: Searching, index: Index
) -> None:
    session = await searching.session("needle")
    await searching.turn(session, "needle asked", "")
    passing = await searching.chat.session(searching.caller, "needle for a while", temporary=True)
    await searching.turn(passing.id, "needle for a while", "")
    await index()
    found = ["needle asked", "needle"]
    assert await searching.find("needle") == found
    await searching.change(session, archived=True)
    assert await searching.find("needle") == found
    await searching.ends.delete(searching.caller, session, permanent=False)
    assert await searching.find("needle") == []
    await searching.ends.restore(searching.caller, session)
    assert await searching.find("needle") == found
    await searching.ends.delete(searching.caller, session, permanent=True)
    assert await searching.find("needle") == []


async def test_what_is_cleared_is_not_found_and_what_is_written_then_is(
    searching: Searching, index: Index
) -> None:
    session = await searching.session("a title")
    await searching.turn(session, "needle one", "")
    await index()
    await searching.ends.clear(searching.caller, session)
    assert await searching.find("needle") == []
    # As many as there were: nothing is known by their number.
    await searching.turn(session, "needle two", "")
    assert await searching.find("needle") == ["needle two"]
    await index()
    assert await searching.find("needle") == ["needle two"]
    assert await searching.find("title") == ["a title"]


async def test_variants_are_found_chosen_or_not_and_copies_are_found_where_they_are(
    searching: Searching, index: Index
) -> None:
    session = await searching.session("")
    run = await searching.turn(session, "what", "needle said")
    await index()
    edited = await edit_answer(
        searching.chat.open_transaction,
        searching.caller,
        session,
        run.turn.answer_id,
        "needle written",
    )
    assert edited.chosen
    fork = await fork_session(
        searching.chat.open_transaction, searching.caller, session, run.turn.answer_id
    )
    await index()
    wanted = Wanted(MESSAGES)
    assert sorted(await searching.find("needle", wanted)) == [
        "needle said",
        "needle said",
        "needle written",
    ]
    assert await searching.find("needle", Wanted(MESSAGES, session_id=fork.id)) == ["needle said"]


async def test_pages_show_each_hit_once_though_messages_arrive_and_are_indexed(
    searching: Searching, index: Index
) -> None:
    session = await searching.session("needle")
    for number in range(9):
        await searching.turn(session, f"needle {number}", f"needle said {number}")
    before = {"needle", *(f"needle {n}" for n in range(9)), *(f"needle said {n}" for n in range(9))}
    seen: list[str] = []
    cursor = ""
    for number in range(100, 120):
        page = await searching.page("needl", limit=4, cursor=cursor)
        seen += [found.text.content for found in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
        await searching.turn(session, f"needle {number}", f"needle said {number}")
        await index()
    assert sorted(seen) == sorted(before)
    times = (await searching.page("needl", limit=100)).items
    assert [f.text.at for f in times] == sorted((f.text.at for f in times), reverse=True)


async def test_what_the_index_offers_in_vain_is_looked_at_in_bounded_pages(
    searching: Searching,
) -> None:
    effort = Effort(spare=0, most_vain=4)
    session = await searching.session("")
    await searching.turn(session, "one.two", "")
    for _ in range(10):
        await searching.turn(session, "two one", "")
    await searching.index()
    pages, cursor, seen = list[int](), "", list[str]()
    while True:
        page = await searching.page("one.two", limit=3, cursor=cursor, effort=effort)
        pages.append(len(page.items))
        seen += [found.text.content for found in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    # The title is the first question's.
    assert seen == ["one.two", "one.two"]
    # Ten in vain: three and one more for a page, and of the third the last two before what is found.
    assert pages == [0, 0, 2]


async def test_what_is_far_back_is_found_in_bounded_pages(
    searching: Searching,
) -> None:
    effort = Effort(window=2, most_filters=7)
    session = await searching.session("a needle")
    await searching.turn(session, "the first needle", "another")
    for number in range(10):
        await searching.turn(session, f"question {number}", f"answer {number}")
    await searching.index()
    pages, cursor, seen = 0, "", list[str]()
    while True:
        page = await searching.page("needle", limit=3, cursor=cursor, effort=effort)
        pages += 1
        seen += [found.text.content for found in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == ["the first needle", "a needle"]
    # Of 23 filters seven at a time.
    assert pages == 4


async def test_texts_of_many_years_are_found_from_the_newest_to_the_oldest(
    searching: Searching,
) -> None:
    session = await searching.session("")
    ages = [0, 20, 45, 100, 200, 400, 800, 4000, 20_000]
    for age in ages:
        await searching.turn(session, f"needle of {age} days", "")
    async with searching.chat.worker.transaction() as connection:
        for age in ages:
            await connection.execute(
                text(
                    "UPDATE messages SET created_at = created_at - make_interval(days => :age)"
                    " WHERE content = :content"
                ),
                {"age": age, "content": f"needle of {age} days"},
            )
    await searching.index()
    expected = [f"needle of {age} days" for age in ages]
    only = frozenset({TextRole.USER})
    assert await searching.find("needle", Wanted(only)) == expected
    for limit in (1, 2, 4):
        seen: list[str] = []
        cursor = ""
        for _ in range(2 * len(ages)):
            page = await searching.page("needle", Wanted(only), limit=limit, cursor=cursor)
            seen += [found.text.content for found in page.items]
            cursor = page.next_cursor
            if not cursor:
                break
        assert (seen, cursor) == (expected, "")
    to_at = utc_now() - timedelta(days=150)
    assert await searching.find("needle", Wanted(only, to_at=to_at)) == expected[4:]
