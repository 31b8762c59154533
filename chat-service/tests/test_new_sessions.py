"""Conversations that are made in one round trip, and what stands in the way of that."""

import asyncio
from dataclasses import fields, replace
from typing import Any

import pytest

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.owners import OwnerErased, erase_owner
from chassis.ids import new_id
from chat_service.conversations.domain.session import NewSession, Session
from chat_service.conversations.mapping import decode_session, encode_session
from chat_service.conversations.store.sessions import NewSessions
from chat_service.conversations.usecases.create import CreateSession
from servicekit.generation_parameters import GenerationParameters

from .chat import Chat


async def create(chat: Chat, caller: Caller, **given: Any) -> Session:
    made_at_once = CreateSession(chat.open_transaction, chat.resolve_key, NewSessions(chat.app))
    return await made_at_once(caller, NewSession(**given))


def test_the_answer_that_is_kept_for_a_repetition_has_all_that_the_first_had() -> None:
    asked = NewSession(
        title="A title",
        key_id=new_id(),
        model="m",
        parameters=GenerationParameters(temperature=0.5),
        instructions="Be brief.",
        folder="Projects",
        temporary=True,
        summary=True,
    )
    # What is left as it is without being said would be found again if it was lost.
    unsaid = NewSession()
    assert [
        one.name for one in fields(asked) if getattr(asked, one.name) == getattr(unsaid, one.name)
    ] == []
    made = replace(asked.session(new_id(), utc_now()), persona="Muse")
    assert decode_session(encode_session(made)) == made


async def test_one_of_a_user_who_is_known_is_stored_without_a_transaction(
    chat: Chat, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever writes first is made known by a transaction.
    first = await create(chat, caller)
    assert await chat.read_session(caller, first.id) == first

    def none_is_opened(_: object) -> Any:
        raise AssertionError("a transaction was opened")

    given = {
        "title": "Mine",
        "key_id": new_id(),
        "model": "m",
        "parameters": GenerationParameters(temperature=0.5),
        "instructions": "Be brief.",
        "folder": "work",
        "temporary": True,
        "summary": True,
    }
    with monkeypatch.context() as patched:
        patched.setattr(chat.app, "transaction", none_is_opened)
        made = await create(chat, caller, **given)
    assert {name: getattr(made, name) for name in given} == given
    assert await chat.read_session(caller, made.id) == made


async def test_nothing_is_stored_of_a_user_who_is_gone(chat: Chat, caller: Caller) -> None:
    await create(chat, caller)
    async with chat.worker.transaction() as connection:
        await erase_owner(connection, caller, utc_now())
    with pytest.raises(OwnerErased):
        await create(chat, caller)


async def test_who_is_just_being_erased_is_waited_for(chat: Chat, caller: Caller) -> None:
    await create(chat, caller)
    async with chat.worker.transaction() as connection:
        await erase_owner(connection, caller, utc_now())
        making = asyncio.create_task(create(chat, caller))
        await chat.somebody_waits()
    with pytest.raises(OwnerErased):
        await making
