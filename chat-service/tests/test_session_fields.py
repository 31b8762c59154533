"""What a conversation has of its own: made with it, changed one by one, and given back."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.errors import FieldError, RemoteError, ValidationFailed
from chassis.ids import new_id
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.session import Session, SessionChange, TitleBy
from chat_service.conversations.usecases.sessions import update_session
from chat_service.providers.domain.errors import KeyNotFound
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2
from servicekit.generation_parameters import GenerationParameters

from .chat import Chat
from .client import Client
from .vault import Vault

COLD = GenerationParameters(temperature=0.0, max_tokens=5, stop=("END",))


async def change(chat: Chat, caller: Caller, session_id: UUID, **changes: Any) -> Session:
    return await update_session(
        chat.open_transaction, chat.resolve_key, caller, session_id, SessionChange(**changes)
    )


async def test_a_session_keeps_what_it_was_made_with(chat: Chat, caller: Caller) -> None:
    made = await chat.session(
        caller, parameters=COLD, instructions="Be brief.", folder="Work", temporary=True
    )
    assert await chat.read_session(caller, made.id) == made
    assert (made.parameters, made.instructions, made.folder) == (COLD, "Be brief.", "Work")
    assert made.temporary
    plain = await chat.read_session(caller, (await chat.session(caller)).id)
    assert (plain.parameters, plain.instructions, plain.folder) == (
        GenerationParameters(),
        None,
        None,
    )
    assert not plain.temporary


# Each with what it is changed to, and what it is when that is taken away.
CHANGES: dict[str, tuple[Any, Any]] = {
    "title": ("Renamed", ""),
    "key_id": (new_id(), None),
    "model": ("another", None),
    "instructions": ("Be long.", None),
    "pinned": (True, False),
    "folder": ("Work", None),
    "read_order": (2, 0),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_field_is_changed_and_taken_away_and_nothing_else_is(
    chat: Chat, caller: Caller, name: str
) -> None:
    given, taken_away = CHANGES[name]
    session_id = (await chat.session(caller, title="Mine", parameters=COLD)).id
    await chat.turn(caller, session_id)
    before = await chat.read_session(caller, session_id)
    follows = {"title": ("title_by",), "read_order": ("unread",)}.get(name, ())
    for value in (given, taken_away, taken_away):
        changed = await change(chat, caller, session_id, **{name: value})
        assert getattr(changed, name) == value
        assert changed == await chat.read_session(caller, session_id)
        was = {field: getattr(changed, field) for field in (name, "updated_at", *follows)}
        assert replace(before, **was) == changed
        # To have read something is no change of it.
        assert (changed.updated_at == before.updated_at) == (name == "read_order")


async def test_what_is_archived_says_since_when(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    archived = await change(chat, caller, session.id, archived=True)
    assert archived.archived_at == archived.updated_at
    assert await change(chat, caller, session.id, archived=True) == archived
    assert (await change(chat, caller, session.id, archived=False)).archived_at is None


async def test_of_parameters_those_that_are_named_change(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller, parameters=COLD)
    changed = await change(
        chat,
        caller,
        session.id,
        parameters=GenerationParameters(temperature=1.0, top_p=0.5),
        cleared=frozenset({"stop"}),
    )
    assert changed.parameters == GenerationParameters(temperature=1.0, max_tokens=5, top_p=0.5)
    everything = frozenset(("temperature", "max_tokens", "top_p", "stop", "reasoning_effort"))
    none = await change(chat, caller, session.id, cleared=everything)
    assert none.parameters == GenerationParameters()


async def test_a_title_that_its_user_wrote_is_known_as_such(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    await chat.turn(caller, session.id, "First line\nsecond line")
    read = await chat.read_session(caller, session.id)
    assert (read.title, read.title_by) == ("First line", TitleBy.FIRST_LINE)
    assert (await change(chat, caller, session.id, title="Mine")).title_by is TitleBy.USER
    await chat.turn(caller, session.id, "Another line")
    assert (await chat.read_session(caller, session.id)).title == "Mine"
    assert (await change(chat, caller, session.id, title="")).title_by is TitleBy.FIRST_LINE
    await chat.turn(caller, session.id, "A third line")
    assert (await chat.read_session(caller, session.id)).title == "A third line"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"title": "x" * 201}, FieldError("title", "TOO_LONG", maximum=200)),
        ({"model": "m" * 201}, FieldError("model", "TOO_LONG", maximum=200)),
        (
            {"instructions": "x" * 8_001},
            FieldError("instructions", "TOO_LONG", maximum=8_000),
        ),
        ({"instructions": "a\0"}, FieldError("instructions", "INVALID_CHARACTER")),
        ({"folder": "x" * 101}, FieldError("folder", "TOO_LONG", maximum=100)),
        ({"folder": ""}, FieldError("folder", "REQUIRED")),
        ({"folder": " "}, FieldError("folder", "REQUIRED")),
        ({"folder": "a\nb"}, FieldError("folder", "INVALID_CHARACTER")),
        (
            {"parameters": GenerationParameters(temperature=2.5)},
            FieldError("parameters.temperature", "TOO_LARGE", maximum=2),
        ),
    ],
)
async def test_what_is_out_of_bounds_is_refused_when_made_and_when_changed(
    chat: Chat, caller: Caller, fields: dict[str, Any], error: FieldError
) -> None:
    session = await chat.session(caller)
    with pytest.raises(ValidationFailed) as made:
        await chat.session(caller, **fields)
    with pytest.raises(ValidationFailed) as changed:
        await change(chat, caller, session.id, pinned=True, **fields)
    assert made.value.fields == changed.value.fields == (error,)
    assert await chat.read_session(caller, session.id) == session


async def test_a_change_names_every_field_that_is_wrong(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    with pytest.raises(ValidationFailed) as refused:
        await change(
            chat, caller, session.id, read_order=-1, folder="",
            parameters=GenerationParameters(top_p=1.0), cleared=frozenset({"telepathy", "top_p"}),
        )  # fmt: skip
    assert [(error.field, error.reason) for error in refused.value.fields] == [
        ("parameters", "UNKNOWN_FIELD"),
        ("parameters.top_p", "GIVEN_AND_CLEARED"),
        ("folder", "REQUIRED"),
        ("read_order", "TOO_SMALL"),
    ]


async def test_somebody_elses_session_is_not_changed(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    session = await chat.session(caller)
    for session_id in (session.id, new_id()):
        with pytest.raises(SessionNotFound):
            await change(chat, stranger, session_id, title="Theirs")
    assert await chat.read_session(caller, session.id) == session


async def test_a_key_of_nobodys_is_refused_and_nothing_changes(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)

    async def resolve_none(key_id: UUID | None) -> Any:
        raise KeyNotFound()

    for asked in (SessionChange(key_id=new_id(), pinned=True),):
        with pytest.raises(KeyNotFound):
            await update_session(chat.open_transaction, resolve_none, caller, session.id, asked)
    assert await chat.read_session(caller, session.id) == session
    # What takes one away asks nobody.
    nothing = SessionChange(key_id=None)
    assert (
        await update_session(chat.open_transaction, resolve_none, caller, session.id, nothing)
    ) == session


async def test_an_answer_is_unread_until_its_order_is_marked(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    assert not session.unread
    run = (await chat.accept(caller, session.id)).run
    assert not (await chat.read_session(caller, session.id)).unread
    await chat.finish(run)
    assert (await chat.read_session(caller, session.id)).unread
    assert not (await change(chat, caller, session.id, read_order=2)).unread
    # A mark that is ahead of everything does not hide what comes.
    ahead = await change(chat, caller, session.id, read_order=2**31 - 1)
    assert (ahead.read_order, ahead.unread) == (2, False)
    await chat.turn(caller, session.id)
    assert (await chat.read_session(caller, session.id)).unread
    assert (await change(chat, caller, session.id, read_order=3)).unread
    assert not (await change(chat, caller, session.id, read_order=4)).unread


async def test_what_was_there_before_the_columns_counts_as_read(chat: Chat, caller: Caller) -> None:
    run = await chat.turn(caller, (await chat.session(caller)).id)
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE sessions SET read_order = NULL"))
    read = await chat.read_session(caller, run.session_id)
    assert (read.read_order, read.unread) == (2, False)


async def test_all_of_it_goes_over_the_wire_and_is_told_again(
    client: Client, vault: Vault, caller: Caller
) -> None:
    await client.ask()
    key_id = vault.keys[caller.user_id]
    request = chat_pb2.CreateSessionRequest(
        title="Mine",
        key_id=key_id,
        model="m",
        parameters=generation_pb2.GenerationParameters(temperature=0.5, stop=["a"]),
        instructions="Be brief.",
        folder="Work",
        temporary=True,
    )
    made, again = [(await client.call("CreateSession", request, "once")).session for _ in range(2)]
    assert made == again
    got = (await client.call("GetSession", chat_pb2.GetSessionRequest(id=made.id))).session
    assert got == made
    assert (made.title, made.key_id, made.model, made.folder) == ("Mine", key_id, "m", "Work")
    assert (made.instructions, made.temporary) == ("Be brief.", True)
    assert made.parameters == request.parameters
    change = chat_pb2.UpdateSessionRequest(
        id=made.id,
        title="",
        key_id="",
        model="",
        instructions="",
        folder="",
        archived=True,
        read_order=7,
        parameters=generation_pb2.GenerationParameters(top_p=0.5),
        cleared_parameters=["stop"],
    )
    changed = (await client.call("UpdateSession", change)).session
    for field in ("key_id", "model", "instructions", "folder"):
        assert not changed.HasField(field), field
    assert (changed.title, changed.read_order) == ("", 0)
    assert changed.HasField("archived_at")
    assert changed.parameters == generation_pb2.GenerationParameters(temperature=0.5, top_p=0.5)
    for key in (str(new_id()), "x"):
        wrong = chat_pb2.UpdateSessionRequest(id=made.id, key_id=key)
        with pytest.raises(RemoteError) as refused:
            await client.call("UpdateSession", wrong)
        assert refused.value.reason == "KEY_NOT_FOUND"
