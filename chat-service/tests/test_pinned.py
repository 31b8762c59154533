"""Conversations that their user keeps at hand."""

from uuid import UUID

import pytest

from chassis.caller import Caller
from chassis.errors import RemoteError
from chassis.ids import new_id
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.listing import Wanted
from chat_service.conversations.domain.session import Session, SessionChange
from chat_service.conversations.usecases.lists import list_sessions
from chat_service.conversations.usecases.sessions import update_session
from parley.chat.v1 import chat_pb2

from .chat import Chat
from .client import Client


async def titles(chat: Chat, caller: Caller, pinned: bool | None) -> list[str]:
    page = await list_sessions(
        chat.open_transaction,
        caller,
        limit=100,
        cursor="",
        count=True,
        wanted=Wanted(pinned=pinned),
    )
    assert page.total == len(page.items)
    return [session.title for session in page.items]


async def pin(chat: Chat, caller: Caller, session_id: UUID, pinned: bool = True) -> Session:
    change = SessionChange(pinned=pinned)
    return await update_session(chat.open_transaction, chat.resolve_key, caller, session_id, change)


async def test_one_is_pinned_and_let_go_and_listed_by_it(chat: Chat, caller: Caller) -> None:
    first, _ = await chat.session(caller, "first"), await chat.session(caller, "second")
    assert (first.pinned, await titles(chat, caller, True)) == (False, [])
    pinned = await pin(chat, caller, first.id)
    assert pinned.pinned
    assert pinned.updated_at > first.updated_at
    assert pinned == await chat.read_session(caller, first.id)
    assert await titles(chat, caller, True) == ["first"]
    assert await titles(chat, caller, False) == ["second"]
    assert await titles(chat, caller, None) == ["first", "second"]
    again = await pin(chat, caller, first.id)
    nothing = await update_session(
        chat.open_transaction, chat.resolve_key, caller, first.id, SessionChange()
    )
    assert again == nothing == pinned
    assert not (await pin(chat, caller, first.id, False)).pinned


async def test_of_somebody_elses_there_is_nothing_to_pin(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    session = await chat.session(caller)
    for session_id in (session.id, new_id()):
        with pytest.raises(SessionNotFound):
            await pin(chat, stranger, session_id)
    assert not (await chat.read_session(caller, session.id)).pinned


async def test_the_list_of_those_is_paged(chat: Chat, caller: Caller) -> None:
    sessions = [await chat.session(caller, str(number)) for number in range(5)]
    for session in sessions[1:]:
        await pin(chat, caller, session.id)
    seen, cursor = [], ""
    while True:
        page = await list_sessions(
            chat.open_transaction,
            caller,
            limit=2,
            cursor=cursor,
            count=False,
            wanted=Wanted(pinned=True),
        )
        seen += [session.title for session in page.items]
        if not (cursor := page.next_cursor):
            break
    assert seen == ["4", "3", "2", "1"]


async def test_it_goes_over_the_wire(client: Client) -> None:
    made = (await client.call("CreateSession", chat_pb2.CreateSessionRequest())).session
    change = chat_pb2.UpdateSessionRequest(id=made.id, pinned=True)
    assert (await client.call("UpdateSession", change)).session.pinned
    listed = await client.call("ListSessions", chat_pb2.ListSessionsRequest(pinned=True))
    assert [session.id for session in listed.items] == [made.id]
    with pytest.raises(RemoteError) as refused:
        await client.call("UpdateSession", chat_pb2.UpdateSessionRequest(id="x"))
    assert refused.value.reason == "SESSION_NOT_FOUND"
