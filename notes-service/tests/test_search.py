"""What is searched in notes is found, whatever the script, and nothing of anybody else's."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.engine import Database, RowOwner
from chassis.db.statement import Statement
from chassis.db.transactions import transactions
from chassis.errors import FieldError, RemoteError
from chassis.grpc.client import Channel
from chassis.testing import DatabaseUrls, Signer
from notes_service.store.unindexed import BATCH, Unindexed
from notes_service.usecases.index_notes import index_notes
from notes_service.usecases.lists import Candidates, WantedNotes, list_notes
from parley.notes.v1 import notes_pb2

User = Any

TEXTS = {
    "chinese": "我们今天在北京讨论了数据库的索引，雪很大。",
    "japanese": "今日は雪が降った。ﾊﾟｿｺﾝでノートを書く。",
    "english": "The Index of a Database, and why it's fast",
    "code": "async def _open(self) -> None:\n    return await self.pool.acquire(timeout=3.5)",
    "emoji": "Well done 🎉",
}


@pytest_asyncio.fixture(loop_scope="session")
async def written(alice: User, bob: User) -> User:
    """Alice, with notes; Bob has the same ones."""
    for user in (alice, bob):
        for title, content in TEXTS.items():
            await user.create(title, content)
    return alice


async def pages_of(
    caller: Caller, database: DatabaseUrls, candidates: Candidates, *, q: str, limit: int = 0
) -> list[list[str]]:
    """Ids of the notes that are found, page by page, with so many candidates for each."""
    app = Database(database.app, application_name="test")
    pages: list[list[str]] = []
    cursor = ""
    while cursor or not pages:
        page = await list_notes(
            transactions(app),
            caller,
            WantedNotes(q=q),
            limit=limit,
            cursor=cursor,
            count=False,
            candidates=candidates,
        )
        pages.append([str(found.note.id) for found in page.items])
        cursor = page.next_cursor
    await app.stop()
    return pages


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("雪", ["japanese", "chinese"]),
        ("数据", ["chinese"]),
        ("据库的", ["chinese"]),
        ("今", ["japanese", "chinese"]),
        ("パソコン", ["japanese"]),
        ("INDEX data", ["english"]),
        ("it’s", []),
        ("it's", ["english"]),
        ("self.po", ["code"]),
        ("_open(", ["code"]),
        ("3.5)", ["code"]),
        ("->", ["code"]),
        ("🎉", ["emoji"]),
        # In the title alone, and partly there.
        ("english", ["english"]),
        ("english fast", ["english"]),
        ("ndex", []),
        ("index 雪", []),
        ("'; DROP TABLE notes; --", []),
        ("a:* | !b & (c", []),
        ("\\", []),
        (" ", ["emoji", "code", "english", "japanese", "chinese"]),
    ],
)
async def test_what_stands_in_a_note_is_found_by_its_owner(
    written: User, q: str, expected: list[str]
) -> None:
    if q.strip():
        assert await written.search(q) == expected
    else:
        assert [note.title for note in (await written.list(q=q)).items] == expected


async def test_a_snippet_shows_the_first_hit_with_its_place(alice: User) -> None:
    content = "x " * 300 + "Ein STRASSENFEST in der Straße 雪国" + " y" * 300
    await alice.create("a title", content)

    page = await alice.list(q="straße")

    (match,) = page.matches
    assert match.snippet in content
    assert len(match.snippet) == 200
    marked = [match.snippet[hit.start : hit.end] for hit in match.hits]
    assert marked == ["STRASSE", "Straße"]
    assert page.items[0].content == content


async def test_where_the_title_alone_has_it_the_title_is_shown(alice: User) -> None:
    await alice.create("All about cats", "<b>dogs</b>")

    ((match,), (other,)) = [(await alice.list(q=q)).matches for q in ("cats", "b dogs")]

    assert (match.snippet, [(hit.start, hit.end) for hit in match.hits]) == (
        "All about cats",
        [(10, 14)],
    )
    assert other.snippet == "<b>dogs</b>"


async def test_what_was_changed_is_found_by_what_it_is_now(alice: User) -> None:
    note = await alice.create("old title", "old content", tags=["old tag"])
    await alice.update(note.id, title="new heading")
    assert await alice.search("heading content") == ["new heading"]
    assert await alice.search("title") == []
    await alice.update(note.id, content="fresh text", tags=notes_pb2.Tags(items=["fresh"]))
    assert await alice.search("heading fresh") == ["new heading"]
    assert await alice.search("old") == []
    assert [(await alice.list(tag=tag)).items != [] for tag in ("FRESH", "old tag")] == [
        True,
        False,
    ]
    await alice.delete(note.id)
    assert await alice.search("fresh") == []


async def test_a_tag_is_found_whole_in_any_case_with_or_without_words_and_counted(
    alice: User, bob: User
) -> None:
    for number in range(7):
        odd = ["It's odd \\ & |"] if number % 2 else []
        await alice.create(f"n{number}", "雪" if number > 2 else "", tags=[*odd, "all"])
    await bob.create("bob's", "雪", tags=["all"])

    page = await alice.list(2, tag="ALL", count=True)
    assert (page.total, [note.title for note in page.items]) == (7, ["n6", "n5"])
    rest = await alice.list(10, page.next_cursor, tag="ALL", count=True)
    assert (rest.total, len(rest.items), rest.next_cursor) == (7, 5, "")
    odd = await alice.list(tag="it's ODD \\ & |", count=True)
    assert (odd.total, [note.title for note in odd.items]) == (3, ["n5", "n3", "n1"])
    assert await alice.search("雪", tag="it's odd \\ & |") == ["n5", "n3"]
    assert (await alice.list(tag="al", count=True)).total == 0
    assert (await alice.list(tag="' | '@", count=True)).total == 0


async def test_a_search_goes_page_by_page_and_each_is_found_once(alice: User) -> None:
    made = [
        (await alice.create(f"n{number}", f"needle {number}", pinned=number % 2 == 0)).id
        for number in range(23)
    ]

    for pinned in (None, True, False):
        seen: list[str] = []
        cursor = ""
        while True:
            page = await alice.list(4, cursor, q="need", pinned=pinned)
            assert not page.HasField("total")
            seen += [note.id for note in page.items]
            cursor = page.next_cursor
            if not cursor:
                break
        wanted = [one for number, one in enumerate(made) if pinned in (None, number % 2 == 0)]
        assert seen == wanted[::-1]


async def test_what_the_index_offers_in_vain_is_looked_at_in_bounded_pages(
    notes: Channel, user_of: type[User], signer: Signer, database: DatabaseUrls
) -> None:
    caller = signer.caller()
    user = user_of(notes, caller.token)
    wanted = await user.create("wanted", "one.two")
    for number in range(20):
        await user.create(f"n{number}", "two one")

    pages = await pages_of(caller, database, Candidates(at_once=3, most=6), q="one.two")

    assert pages == [[], [], [], [wanted.id]]


async def test_of_long_notes_that_the_index_offers_in_vain_fewer_are_looked_at_for_a_page(
    notes: Channel, user_of: type[User], signer: Signer, database: DatabaseUrls
) -> None:
    caller = signer.caller()
    user = user_of(notes, caller.token)
    wanted = await user.create("wanted", "one.two")
    for number in range(12):
        await user.create(f"n{number}", "two one".ljust(100))

    pages = await pages_of(
        caller, database, Candidates(at_once=2, most=500, most_bytes=400), q="one.two"
    )

    assert pages == [[], [], [], [wanted.id]]


async def test_a_page_that_is_full_with_the_last_note_that_was_looked_at_has_a_next_one(
    notes: Channel, user_of: type[User], signer: Signer, database: DatabaseUrls
) -> None:
    caller = signer.caller()
    user = user_of(notes, caller.token)
    made = [(await user.create(f"n{number}", "a needle")).id for number in range(7)]

    pages = await pages_of(caller, database, Candidates(at_once=3), q="needle", limit=3)

    newest_first = made[::-1]
    assert pages == [newest_first[:3], newest_first[3:6], newest_first[6:]]


@pytest.mark.parametrize("asked", [{"q": "needle"}, {"tag": "kept"}])
async def test_notes_that_were_changed_at_the_same_moment_are_all_found_page_by_page(
    alice: User, database: DatabaseUrls, asked: dict[str, str]
) -> None:
    made = [(await alice.create(f"n{at}", "a needle", tags=["kept"])).id for at in range(7)]
    with psycopg.connect(database.admin) as admin:
        admin.execute("UPDATE notes SET updated_at = date_trunc('hour', updated_at)")

    seen: list[str] = []
    page = await alice.list(2, **asked)
    while page.next_cursor:
        seen += [note.id for note in page.items]
        page = await alice.list(2, page.next_cursor, **asked)
    seen += [note.id for note in page.items]

    assert seen == sorted(made, reverse=True)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"q": "x" * 201}, FieldError("q", "TOO_LONG", maximum=200)),
        ({"q": "a\0"}, FieldError("q", "INVALID_CHARACTER")),
        ({"tag": "x" * 51}, FieldError("tag", "TOO_LONG", maximum=50)),
        ({"tag": "\0"}, FieldError("tag", "INVALID_CHARACTER")),
    ],
)
async def test_what_cannot_be_searched_is_refused(
    alice: User, asked: dict[str, str], error: FieldError
) -> None:
    with pytest.raises(RemoteError) as refused:
        await alice.list(**asked)
    assert refused.value.fields == (error,)


async def test_the_longest_query_of_the_oddest_signs_is_answered(alice: User) -> None:
    for q in ("ﷺ" * 200, "雪" * 200, "a " * 100, "&|!():*'\\<->" * 16, "㌖ " * 100, "\u0301" * 200):
        assert (await alice.list(q=q)).items == []


_SEARCH = Statement(
    text("SELECT search_notes(CAST(:sought AS tsquery), NULL, NULL, NULL, 1000) AS note_id")
)


@pytest.mark.parametrize("sought", ["", "'n'", "!'zzz'", "'@{bob}'", "'@{bob}' | 'n'", "'@':*"])
async def test_the_function_tells_ids_of_its_caller_alone_whatever_it_is_asked(
    written: User, database: DatabaseUrls, signer: Signer, new_user: Callable[[], User], sought: str
) -> None:
    with psycopg.connect(database.worker) as worker:
        owners = worker.execute("SELECT DISTINCT user_id, tenant_id FROM notes").fetchall()
    (alice, tenant), (bob, _) = owners
    app = Database(database.app, application_name="test")
    asked = sought.replace("{bob}", str(bob))
    try:
        with psycopg.connect(database.worker) as worker:
            own = {
                note_id
                for (note_id,) in worker.execute("SELECT id FROM notes WHERE user_id = %s", [alice])
            }
        found = {
            row.note_id for row in await app.all(RowOwner(tenant, alice), _SEARCH, sought=asked)
        }
        assert found == (own if sought.startswith(("!", "'@'")) or not sought else set())
        # The same user in another tenant, and nobody at all.
        for owner in (RowOwner(bob, alice), None):
            assert await app.all(owner, _SEARCH, sought=asked) == []
    finally:
        await app.stop()


async def test_what_an_earlier_release_writes_is_found_as_soon_as_a_job_has_come_by(
    alice: User, bob: User, database: DatabaseUrls
) -> None:
    made = [await alice.create(f"n{number}", "雪の国") for number in range(35)]
    with psycopg.connect(database.worker) as worker:
        # As the statement of before would have left them.
        worker.execute("UPDATE notes SET title_lexemes = NULL, content_lexemes = NULL")
    assert await alice.search("雪") == []
    # What one is changed in meanwhile is not lost, and the rest of it is made.
    await alice.update(made[0].id, title="changed")

    worker_databases = [Database(database.worker, application_name="test") for _ in range(3)]
    await asyncio.gather(*(index_notes(Unindexed(one)) for one in worker_databases))
    for one in worker_databases:
        await one.stop()

    assert len(await alice.search("雪")) == 35
    assert await alice.search("changed の国") == ["changed"]
    after = [await alice.get(note.id) for note in made[1:]]
    assert after == made[1:]
    assert await bob.search("雪") == []
    with psycopg.connect(database.worker) as worker:
        left = worker.execute(
            "SELECT count(*) FROM notes WHERE title_lexemes IS NULL OR content_lexemes IS NULL"
        ).fetchone()
    assert left == (0,)


async def test_a_note_that_is_being_indexed_is_nobody_elses_meanwhile(
    alice: User, database: DatabaseUrls
) -> None:
    made = {(await alice.create(f"n{number}", "雪")).id for number in range(BATCH + 2)}
    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE notes SET title_lexemes = NULL, content_lexemes = NULL")
    one, other = (Database(database.worker, application_name="test") for _ in range(2))
    async with Unindexed(one).batch() as first, Unindexed(other).batch() as second:
        (of_first, of_second) = (
            {str(note.id) for note in batch.notes} for batch in (first, second)
        )
        # What its user says meanwhile comes behind it, and so is not lost.
        with psycopg.connect(database.worker) as worker:
            free = worker.execute("SELECT id FROM notes FOR NO KEY UPDATE SKIP LOCKED").fetchall()
    await one.stop()
    await other.stop()
    assert (len(of_first), len(of_second), of_first | of_second) == (BATCH, 2, made)
    assert free == []


async def test_contents_are_left_out_where_nobody_asks_for_them(alice: User) -> None:
    await alice.create("one", "a needle")
    whole = await alice.list(q="needle")
    found = await alice.list(q="needle", without_content=True)
    assert (found.items[0].content, whole.items[0].content) == ("", "a needle")
    whole.items[0].content = ""
    assert found == whole


async def test_the_index_is_read_and_nobody_elses_row(
    alice: User, new_user: Callable[[], User], database: DatabaseUrls
) -> None:
    others = [new_user() for _ in range(5)]
    for user in (alice, *others):
        for number in range(10):
            await user.create(f"n{number}", "the same words for everybody")
    with psycopg.connect(database.admin) as admin:
        admin.execute("ANALYZE notes")
        (definition,) = admin.execute(
            "SELECT prosrc FROM pg_proc WHERE proname = 'search_notes'"
        ).fetchone() or ("",)
        (user_id, tenant_id) = admin.execute(
            "SELECT user_id, tenant_id FROM notes ORDER BY id LIMIT 1"
        ).fetchone() or ("", "")
        admin.execute("SELECT set_config('parley.tenant_id', %s, true)", [str(tenant_id)])
        admin.execute("SELECT set_config('parley.user_id', %s, true)", [str(user_id)])
        admin.execute("SET LOCAL enable_seqscan = off")
        admin.execute("SET LOCAL ROLE parley_notes_owner")
        body = definition
        for name, value in {
            "sought": "'''same'''::tsquery",
            "is_pinned": "NULL::boolean",
            "after_at": "NULL::timestamptz",
            "after_id": "NULL::uuid",
            "most": "100",
        }.items():
            body = _word(body, name, value)
        plan = "\n".join(line for (line,) in admin.execute(f"EXPLAIN (ANALYZE, COSTS OFF) {body}"))
    assert "Bitmap Index Scan on notes_lexemes" in plan
    assert "Seq Scan on notes" not in plan
    assert "rows=10" in plan
    assert "Rows Removed" not in plan


def _word(text: str, name: str, value: str) -> str:
    return re.sub(rf"(?<![\w.]){name}\b", value, text)
