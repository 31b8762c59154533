"""Making, reading and listing conversations and their messages."""

from dataclasses import replace
from uuid import UUID

import pytest

from chassis.caller import Caller
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import new_id
from chassis.paging import Page, encode_cursor
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.message import Message
from chat_service.conversations.domain.session import Session
from chat_service.conversations.store.messages import MessagePages
from chat_service.conversations.usecases.lists import list_sessions
from chat_service.conversations.usecases.messages import list_messages
from chat_service.conversations.usecases.sessions import get_session

from .chat import Chat


async def _page(
    chat: Chat, caller: Caller, *, limit: int = 0, cursor: str = "", count: bool = False
) -> Page[Session]:
    return await list_sessions(
        chat.open_transaction, caller, limit=limit, cursor=cursor, count=count
    )


async def test_a_session_is_read_as_it_was_made(chat: Chat, caller: Caller) -> None:
    key_id = new_id()
    made = await chat.session(caller, title="Mine", key_id=key_id, model="m")
    assert (made.title, made.key_id, made.model, made.message_count) == ("Mine", key_id, "m", 0)
    assert await chat.read_session(caller, made.id) == made


async def test_somebody_elses_session_is_as_if_absent(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    session = await chat.session(caller)
    for session_id in (session.id, new_id()):
        with pytest.raises(SessionNotFound):
            await get_session(chat.open_transaction, stranger, session_id)
        with pytest.raises(SessionNotFound):
            await chat.messages(stranger, session_id)
    assert (await _page(chat, stranger, count=True)) == Page((), "", 0)


async def test_sessions_are_listed_by_their_newest_activity(chat: Chat, caller: Caller) -> None:
    sessions = [(await chat.session(caller)).id for _ in range(3)]
    await chat.turn(caller, sessions[0])
    page = await _page(chat, caller)
    assert [session.id for session in page.items] == [sessions[0], sessions[2], sessions[1]]


async def test_pages_of_sessions_follow_each_other_without_gap(chat: Chat, caller: Caller) -> None:
    made = [(await chat.session(caller)).id for _ in range(7)]
    seen: list[UUID] = []
    cursor, sizes = "", []
    while True:
        page = await _page(chat, caller, limit=3, cursor=cursor, count=True)
        assert page.total == 7
        seen += [session.id for session in page.items]
        sizes.append(len(page.items))
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == made[::-1]
    assert sizes == [3, 3, 1]


async def test_a_page_that_is_just_full_is_the_last(chat: Chat, caller: Caller) -> None:
    for _ in range(3):
        await chat.session(caller)
    assert (await _page(chat, caller, limit=3)).next_cursor == ""


@pytest.mark.parametrize("limit", [-1, 101, 2_000_000_000])
async def test_a_limit_out_of_range_is_refused(chat: Chat, caller: Caller, limit: int) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await _page(chat, caller, limit=limit)
    expected = (
        FieldError("limit", "TOO_SMALL", minimum=1)
        if limit < 1
        else FieldError("limit", "TOO_LARGE", maximum=100)
    )
    assert refused.value.fields == (expected,)


# The same in each process: tests are told apart by it.
_AN_ID = "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e09"


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!",
        encode_cursor("1"),
        encode_cursor("2026-11-26T12:00:00+00:00", _AN_ID),
        encode_cursor("2", "2026-11-26T12:00:00+00:00", _AN_ID),
        encode_cursor("1", "2026-11-26T12:00:00", _AN_ID),
        encode_cursor("1", "noon", _AN_ID),
        encode_cursor("1", "2026-11-26T12:00:00+00:00", "x"),
    ],
)
async def test_a_cursor_that_we_did_not_make_is_refused(
    chat: Chat, caller: Caller, cursor: str
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await _page(chat, caller, cursor=cursor)
    assert refused.value.fields == (FieldError("cursor", "INVALID"),)


@pytest.mark.parametrize(
    ("title", "model", "error"),
    [
        ("x" * 201, None, FieldError("title", "TOO_LONG", maximum=200)),
        ("a\0b", None, FieldError("title", "INVALID_CHARACTER")),
        ("", "", FieldError("model", "REQUIRED")),
        ("", "m" * 201, FieldError("model", "TOO_LONG", maximum=200)),
        ("", "m\0", FieldError("model", "INVALID_CHARACTER")),
    ],
)
async def test_a_session_out_of_bounds_is_refused(
    chat: Chat, caller: Caller, title: str, model: str | None, error: FieldError
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await chat.session(caller, title=title, model=model)
    assert refused.value.fields == (error,)
    assert (await _page(chat, caller)).items == ()


async def _messages(
    chat: Chat,
    caller: Caller,
    session_id: UUID,
    *,
    limit: int = 2,
    cursor: str = "",
    descending: bool = False,
) -> Page[Message]:
    return await list_messages(
        MessagePages(chat.app),
        caller,
        session_id,
        limit=limit,
        cursor=cursor,
        count=True,
        descending=descending,
    )


@pytest.mark.parametrize("descending", [False, True])
async def test_messages_are_paged_in_both_directions(
    chat: Chat, caller: Caller, descending: bool
) -> None:
    session = await chat.session(caller)
    for _ in range(2):
        await chat.turn(caller, session.id)
    live = await chat.accept(caller, session.id)
    seen: list[int] = []
    cursor = ""
    while True:
        page = await _messages(chat, caller, session.id, cursor=cursor, descending=descending)
        assert page.total == 5
        seen += [message.order for message in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == ([5, 4, 3, 2, 1] if descending else [1, 2, 3, 4, 5])
    first = await _messages(chat, caller, session.id, descending=descending)
    back = await _messages(
        chat, caller, session.id, cursor=first.next_cursor, descending=not descending
    )
    assert [one.order for one in back.items] == [first.items[0].order]
    await chat.finish(live.run)


@pytest.mark.parametrize("descending", [False, True])
async def test_a_page_ends_early_once_its_text_is_long(
    chat: Chat, caller: Caller, descending: bool
) -> None:
    mebibyte, cursor = 1024 * 1024, ""
    long = replace(chat.ending, text="é" * mebibyte, reasoning="x" * mebibyte)
    session = await chat.session(caller)
    for _ in range(3):
        run = (await chat.accept(caller, session.id)).run
        assert await chat.finish(run, long)
    seen, pages = list[int](), 0
    while True:
        page = await _messages(
            chat, caller, session.id, limit=100, cursor=cursor, descending=descending
        )
        seen += [message.order for message in page.items]
        # Two answers of three MiB each: the first does not fill it, the second does.
        assert sum(message.bytes for message in page.items) < 6.1 * mebibyte
        pages += 1
        cursor = page.next_cursor
        if not cursor:
            break
    assert (pages, page.total) == (2, 6)
    assert seen == sorted(range(1, 7), reverse=descending)


async def test_the_next_page_ascending_holds_what_came_meanwhile(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller)
    for _ in range(2):
        await chat.turn(caller, session.id)
    first = await _messages(chat, caller, session.id, limit=3)
    await chat.turn(caller, session.id)
    second = await _messages(chat, caller, session.id, limit=3, cursor=first.next_cursor)
    assert [message.order for message in second.items] == [4, 5, 6]


@pytest.mark.parametrize(
    "cursor",
    ["x", encode_cursor(""), encode_cursor("-1"), encode_cursor("9" * 10), encode_cursor("١")],
)
async def test_a_cursor_of_messages_that_we_did_not_make_is_refused(
    chat: Chat, caller: Caller, cursor: str
) -> None:
    session = await chat.session(caller)
    with pytest.raises(ValidationFailed) as refused:
        await _messages(chat, caller, session.id, cursor=cursor)
    assert refused.value.fields == (FieldError("cursor", "INVALID"),)
