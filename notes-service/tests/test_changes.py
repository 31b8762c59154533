"""Notes change: what is given, all of it or nothing, and only the version that somebody has seen."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from chassis.errors import FieldError, Kind, RemoteError
from chassis.ids import new_id
from chassis.testing import DatabaseUrls
from parley.notes.v1 import notes_pb2

User = Any

SOURCE = notes_pb2.Source(session_id=str(new_id()), message_id=str(new_id()))


def tags(*items: str) -> notes_pb2.Tags:
    return notes_pb2.Tags(items=items)


async def test_a_new_note_has_its_tags_its_pin_its_source_and_the_first_version(
    alice: User,
) -> None:
    note = await alice.create(
        "T", "C", tags=[" b ", "Zürich", "a", "B", "zu\u0308rich"], pinned=True, source=SOURCE
    )

    assert list(note.tags) == ["b", "Zürich", "a"]
    assert (note.pinned, note.version, note.source) == (True, 1, SOURCE)
    assert await alice.get(note.id) == note


async def test_what_is_given_is_changed_and_what_is_not_given_stays(alice: User) -> None:
    note = await alice.create("T", "C", tags=["a"], pinned=True, source=SOURCE)
    cases: list[dict[str, Any]] = [
        {"title": "T2"},
        {"content": ""},
        {"tags": tags("x", "y")},
        {"pinned": False},
        {"source": notes_pb2.Source()},
        {"tags": tags()},
        {"title": "T3", "content": "C3", "tags": tags("z"), "pinned": True, "source": SOURCE},
    ]
    for number, change in enumerate(cases, 2):
        expected = notes_pb2.Note()
        expected.CopyFrom(note)
        for name, value in change.items():
            if name == "tags":
                expected.ClearField("tags")
                expected.tags.extend(value.items)
            elif name == "source":
                expected.ClearField("source")
                if value.session_id:
                    expected.source.CopyFrom(value)
            else:
                setattr(expected, name, value)
        answer = await alice.update(note.id, **change)
        assert not answer.precondition_failed
        note = answer.note
        assert note.updated_at.ToNanoseconds() > expected.updated_at.ToNanoseconds()
        expected.updated_at.CopyFrom(note.updated_at)
        expected.version = number
        assert note == expected
        assert await alice.get(note.id) == note


async def test_a_change_of_nothing_changes_nothing(alice: User) -> None:
    note = await alice.create()

    assert (await alice.update(note.id)).note == note
    assert (await alice.update(note.id, versions=[7])).precondition_failed


async def test_a_note_that_was_changed_comes_first_in_the_list(alice: User) -> None:
    first, second = await alice.create("first"), await alice.create("second")
    assert [note.id for note in (await alice.list()).items] == [second.id, first.id]

    await alice.update(first.id, pinned=True)

    assert [note.id for note in (await alice.list()).items] == [first.id, second.id]


@pytest.mark.parametrize("versions", [[], [2], [0, 2, -1, 2**62]])
async def test_a_version_that_was_not_asked_for_is_told_and_left_as_it_is(
    alice: User, versions: list[int]
) -> None:
    note = await alice.create()

    refused = await alice.update(note.id, versions, title="another")
    kept = await alice.delete(note.id, versions)

    assert (refused.precondition_failed, refused.note, kept.note) == (True, note, note)
    assert await alice.get(note.id) == note


async def test_one_of_several_versions_that_were_asked_for_is_enough(alice: User) -> None:
    note = await alice.create()

    changed = await alice.update(note.id, [7, 1], title="another")
    gone = await alice.delete(note.id, [2])

    assert (changed.precondition_failed, changed.note.version) == (False, 2)
    assert not gone.HasField("note")
    with pytest.raises(RemoteError):
        await alice.get(note.id)


@pytest.mark.parametrize("versions", [None, [1], []])
async def test_what_is_not_there_or_is_anothers_is_not_found_whatever_is_asked(
    alice: User, bob: User, versions: list[int] | None
) -> None:
    note = await alice.create()

    refusals = set()
    for note_id in (note.id, str(new_id()), "7", "\0"):
        for attempt in (
            bob.update(note_id, versions, title="mine"),
            bob.update(note_id, versions),
            bob.delete(note_id, versions),
        ):
            with pytest.raises(RemoteError) as refused:
                await attempt
            error = refused.value
            refusals.add((error.kind, error.reason, error.detail, repr(error.metadata)))

    assert [reason for _, reason, _, _ in refusals] == ["NOTE_NOT_FOUND"]
    assert await alice.get(note.id) == note


async def test_of_two_editors_the_second_is_refused_and_nothing_is_lost(alice: User) -> None:
    """Two hundred rounds: both have seen the same version, and write at once."""
    note = await alice.create("0", "")
    texts: list[str] = []
    for number in range(200):
        mine, theirs = (f"{number}-{who}" for who in ("a", "b"))
        answers = await asyncio.gather(
            *(
                alice.update(note.id, [note.version], content=f"{note.content}\n{text}")
                for text in (mine, theirs)
            )
        )
        (first,) = (one for one in answers if not one.precondition_failed)
        (second,) = (one for one in answers if one.precondition_failed)
        assert second.note == first.note
        assert first.note.version == note.version + 1
        texts.append(first.note.content.rpartition("\n")[2])
        note = first.note
    assert note.content.splitlines() == ["", *texts]
    assert note.version == 201


async def test_of_two_who_name_no_version_each_leaves_the_others_field(alice: User) -> None:
    for number in range(50):
        note = await alice.create(f"n{number}", "")
        await asyncio.gather(
            alice.update(note.id, title="of one"), alice.update(note.id, content="of the other")
        )
        now = await alice.get(note.id)
        assert (now.title, now.content, now.version) == ("of one", "of the other", 3)


async def test_of_a_change_and_a_deletion_of_one_version_one_is_done(alice: User) -> None:
    outcomes = set()
    for _ in range(50):
        note = await alice.create()
        attempts = (alice.update(note.id, [1], title="another"), alice.delete(note.id, [1]))
        answers: Any = await asyncio.gather(*attempts, return_exceptions=True)
        changed, gone = answers
        if isinstance(changed, RemoteError):
            assert changed.reason == "NOTE_NOT_FOUND"
            assert not gone.HasField("note")
        else:
            assert not changed.precondition_failed
            assert gone.note == changed.note
        outcomes.add(isinstance(changed, RemoteError))
    assert outcomes


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"title": " "}, [FieldError("title", "REQUIRED")]),
        ({"title": "x" * 201}, [FieldError("title", "TOO_LONG", maximum=200)]),
        ({"content": "x" * 100_001}, [FieldError("content", "TOO_LONG", maximum=100_000)]),
        ({"content": "a\0b"}, [FieldError("content", "INVALID_CHARACTER")]),
        ({"tags": tags(*map(str, range(21)))}, [FieldError("tags", "TOO_MANY", maximum=20)]),
        (
            {"tags": tags("a", "A", "", "x" * 51, "\u200b\u00ad", "a\0")},
            [
                FieldError("tags.2", "REQUIRED"),
                FieldError("tags.3", "TOO_LONG", maximum=50),
                FieldError("tags.4", "REQUIRED"),
                FieldError("tags.5", "INVALID_CHARACTER"),
            ],
        ),
        (
            {"source": notes_pb2.Source(session_id="x")},
            [
                FieldError("source.session_id", "INVALID"),
                FieldError("source.message_id", "INVALID"),
            ],
        ),
    ],
)
async def test_what_is_not_acceptable_is_named_and_changes_nothing(
    alice: User, change: dict[str, Any], errors: list[FieldError]
) -> None:
    note = await alice.create()

    for attempt in (
        alice.update(note.id, pinned=True, **change),
        alice.create(
            **{
                name: list(value.items) if name == "tags" else value
                for name, value in change.items()
            }
        ),
    ):
        with pytest.raises(RemoteError) as refused:
            await attempt
        assert refused.value.kind is Kind.INVALID
        assert list(refused.value.fields) == errors

    assert await alice.get(note.id) == note
    assert (await alice.list(count=True)).total == 1


async def test_pinned_ones_are_listed_and_counted_by_themselves(
    alice: User, new_user: Callable[[], User]
) -> None:
    made = [await alice.create(str(number), pinned=number % 3 == 0) for number in range(10)]
    await new_user().create("another's", pinned=True)

    for pinned in (True, False):
        wanted = [note.id for note in reversed(made) if note.pinned is pinned]
        seen: list[str] = []
        cursor = ""
        while True:
            page = await alice.list(3, cursor, count=True, pinned=pinned)
            assert page.total == len(wanted)
            seen += [note.id for note in page.items]
            cursor = page.next_cursor
            if not cursor:
                break
        assert seen == wanted


async def test_a_change_is_the_last_one_by_whichever_clock(
    alice: User, database: DatabaseUrls
) -> None:
    note = await alice.create("a note")
    with psycopg.connect(database.worker) as worker:
        # By a replica whose clock is ahead of this one's.
        worker.execute("UPDATE notes SET updated_at = '2040-01-01Z' WHERE id = %s", [note.id])
    changed = (await alice.update(note.id, title="changed")).note
    assert changed.title == "changed"
    assert changed.updated_at.ToDatetime(UTC) == datetime(2040, 1, 1, tzinfo=UTC)
