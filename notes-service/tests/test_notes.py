from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc.client import MAX_MESSAGE_BYTES, Channel
from chassis.ids import new_id
from chassis.paging import encode_cursor
from chassis.testing import DatabaseUrls, OpenChannel, Signer

User = Any
UserOf = Callable[..., Any]


async def test_a_note_that_was_created_can_be_read(alice: User) -> None:
    created = await alice.create("  Groceries \n", "milk\n雪 🎉")

    assert created.title == "Groceries"
    assert created.content == "milk\n雪 🎉"
    assert created.created_at == created.updated_at
    assert await alice.get(created.id) == created


async def test_the_longest_texts_are_kept_whole(alice: User) -> None:
    title, content = "雪" * 200, "🎉" * 100_000

    stored = await alice.get((await alice.create(title, content)).id)

    assert stored.title == title
    assert stored.content == content


@pytest.mark.parametrize(
    ("title", "content", "errors"),
    [
        ("", "", [FieldError("title", "REQUIRED")]),
        (" \n\u3000", "", [FieldError("title", "REQUIRED")]),
        ("a" * 201, "", [FieldError("title", "TOO_LONG", maximum=200)]),
        ("a\x00b", "", [FieldError("title", "INVALID_CHARACTER")]),
        ("a", "\x00", [FieldError("content", "INVALID_CHARACTER")]),
        (
            "",
            "a" * 100_001,
            [FieldError("title", "REQUIRED"), FieldError("content", "TOO_LONG", maximum=100_000)],
        ),
    ],
)
async def test_a_text_that_is_not_acceptable_is_refused(
    alice: User, title: str, content: str, errors: list[FieldError]
) -> None:
    with pytest.raises(RemoteError) as refused:
        await alice.create(title, content)

    assert refused.value.kind is Kind.INVALID
    assert refused.value.reason == "VALIDATION"
    assert list(refused.value.fields) == errors
    assert (await alice.list(count=True)).total == 0


async def test_a_deleted_note_is_gone_and_cannot_be_deleted_again(alice: User) -> None:
    kept, deleted = await alice.create("kept"), await alice.create("deleted")

    await alice.delete(deleted.id)

    assert [note.id for note in (await alice.list()).items] == [kept.id]
    for again in (alice.get(deleted.id), alice.delete(deleted.id)):
        with pytest.raises(RemoteError) as refused:
            await again
        assert (refused.value.kind, refused.value.reason) == (Kind.NOT_FOUND, "NOTE_NOT_FOUND")


async def test_another_users_note_is_as_if_absent(alice: User, bob: User) -> None:
    note = await alice.create()

    refusals = []
    for note_id in (note.id, str(new_id())):
        for attempt in (bob.get(note_id), bob.delete(note_id)):
            with pytest.raises(RemoteError) as refused:
                await attempt
            refusals.append((refused.value.reason, refused.value.detail, refused.value.metadata))

    assert len({repr(refusal) for refusal in refusals}) == 1
    assert refusals[0][0] == "NOTE_NOT_FOUND"
    assert (await bob.list(count=True)).total == 0
    assert await alice.get(note.id) == note


async def test_the_same_user_id_in_another_tenant_sees_nothing(
    notes: Channel, signer: Signer, user_of: UserOf
) -> None:
    user_id = new_id()
    here, there = (user_of(notes, signer.token(user_id, new_id())) for _ in range(2))
    note = await here.create()

    with pytest.raises(RemoteError):
        await there.get(note.id)
    assert (await there.list(count=True)).total == 0


@pytest.mark.parametrize("note_id", ["", "7", "../etc", "\x00", "x" * 5000, "\N{SNOWMAN}" * 36])
async def test_an_id_that_is_none_is_not_found(alice: User, note_id: str) -> None:
    for attempt in (alice.get(note_id), alice.delete(note_id)):
        with pytest.raises(RemoteError) as refused:
            await attempt
        assert refused.value.reason == "NOTE_NOT_FOUND"


async def test_the_list_is_read_page_by_page_each_note_once_and_ties_too(
    alice: User, bob: User, database: DatabaseUrls
) -> None:
    created = [await alice.create(f"note {number}") for number in range(25)]
    foreign = await bob.create("not Alice's")
    with psycopg.connect(database.worker, autocommit=True) as worker:
        # Ten of them changed in the same microsecond, after all others.
        same = [note.id for note in created[5:15]]
        worker.execute(
            "UPDATE notes SET updated_at = '2040-01-01T00:00:00.123456Z' WHERE id = ANY(%s::uuid[])",
            [same],
        )

    seen: list[str] = []
    cursor, pages = "", 0
    while cursor or not pages:
        page = await alice.list(limit=4, cursor=cursor, count=True)
        assert page.total == 25
        assert len(page.items) == (4 if page.next_cursor else 1)
        seen += [note.id for note in page.items]
        cursor, pages = page.next_cursor, pages + 1

    others = [note.id for note in created if note.id not in same]
    assert seen == [*sorted(same, reverse=True), *reversed(others)]
    assert foreign.id not in seen


async def test_a_page_ends_early_once_its_text_is_long(alice: User) -> None:
    # More in all than gRPC carries at once.
    content = "𐐨" * 100_000
    assert 42 * len(content.encode()) > MAX_MESSAGE_BYTES
    made = [(await alice.create(str(number), content)).id for number in range(42)]
    seen, pages, cursor = list[str](), 0, ""
    while True:
        page = await alice.list(100, cursor, count=True)
        assert page.total == len(made)
        assert page.ByteSize() < 5 * 1024 * 1024
        seen += [note.id for note in page.items]
        pages += 1
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == made[::-1]
    # 11 notes have 4 MiB.
    assert pages == 4
    (newest,) = (await alice.list(1)).items
    assert (newest.id, newest.content) == (made[-1], content)


async def test_notes_that_come_and_go_between_pages_shift_nothing(alice: User) -> None:
    created = [await alice.create(f"note {number}") for number in range(6)]
    first = await alice.list(limit=3)

    await alice.delete(first.items[2].id)
    await alice.create("newer than all")
    second = await alice.list(limit=3, cursor=first.next_cursor)

    assert [note.id for note in second.items] == [note.id for note in reversed(created[:3])]
    assert second.next_cursor == ""


async def test_a_page_holds_twenty_unless_told_and_counts_only_when_asked(alice: User) -> None:
    for number in range(21):
        await alice.create(f"note {number}")

    page = await alice.list()

    assert len(page.items) == 20
    assert not page.HasField("total")
    assert len((await alice.list(limit=100)).items) == 21


@pytest.mark.parametrize("limit", [-1, 101, 2**31 - 1])
async def test_a_limit_outside_its_bounds_is_refused(alice: User, limit: int) -> None:
    with pytest.raises(RemoteError) as refused:
        await alice.list(limit=limit)
    expected = (
        FieldError("limit", "TOO_SMALL", minimum=1)
        if limit < 1
        else FieldError("limit", "TOO_LARGE", maximum=100)
    )
    assert refused.value.fields == (expected,)


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "\x00",
        encode_cursor("one part"),
        encode_cursor("2026-01-01T00:00:00+00:00", "no id"),
        encode_cursor("no time", "01a1fd0a-a2a8-75aa-8011-7e14a9cf9ce9"),
    ],
)
async def test_a_cursor_that_is_none_is_refused(alice: User, cursor: str) -> None:
    with pytest.raises(RemoteError) as refused:
        await alice.list(cursor=cursor)
    assert refused.value.fields == (FieldError("cursor", "INVALID"),)


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59"]
)
async def test_a_cursor_at_the_end_of_time_is_no_error(alice: User, moment: str) -> None:
    await alice.create()
    page = await alice.list(cursor=encode_cursor(moment, str(new_id())))
    assert len(page.items) == (1 if moment.startswith("9999") else 0)


async def test_only_the_gateway_may_call(
    notes: Channel,
    port: int,
    grpc_channel: OpenChannel,
    signer: Signer,
    user_of: UserOf,
) -> None:
    for name in ("chat-service", "auth-service", "tester"):
        channel = await grpc_channel(port, "notes-service", as_name=name)
        with pytest.raises(RemoteError) as refused:
            await user_of(channel, signer.token()).list()
        assert refused.value.kind is Kind.FORBIDDEN


async def test_a_call_without_a_good_token_is_refused(notes: Channel, user_of: UserOf) -> None:
    for token in ("", "nonsense", Signer().token()):
        with pytest.raises(RemoteError) as refused:
            await user_of(notes, token).list()
        assert refused.value.kind is Kind.UNAUTHENTICATED
