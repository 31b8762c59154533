"""A question that is sent twice: one run, for all who sent it."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.errors import Kind, RemoteError
from chassis.idempotency import IdempotencyKeyReused, RequestKey
from chat_service.answer.domain.ending import RunStatus
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.listing import Wanted
from chat_service.conversations.store.listings import Listings
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.errors import KeyNotFound
from chat_service.runs.domain.admission import Question
from chat_service.runs.domain.errors import RunInProgress, ShuttingDown
from chat_service.runs.usecases.start import StartRun
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2
from servicekit.generation_parameters import GenerationParameters

from .chat import Chat
from .client import Client
from .generations import Generations

KEY = RequestKey("k", b"hash")
OTHER = RequestKey("k", b"another hash")


@pytest.fixture
def start_run(chat: Chat, generations: Generations) -> StartRun:
    return StartRun(chat.means(generations), chat.turns, tell=generations.told.append)


def _question(session_id: UUID | None, request: RequestKey | None = KEY) -> Question:
    return Question(session_id, "hello", None, None, GenerationParameters(), request)


async def test_the_same_request_again_gets_the_same_run_live_or_ended(
    chat: Chat, caller: Caller, start_run: StartRun, generations: Generations
) -> None:
    session = await chat.session(caller)
    run = await start_run(caller, _question(session.id))
    assert await start_run(caller, _question(session.id)) == run
    await chat.finish(run)
    ended = await start_run(caller, _question(session.id))
    assert (ended.id, ended.status) == (run.id, RunStatus.COMPLETED)
    assert [begun.run for begun in generations.begun] == [run]
    assert [m.order for m in await chat.messages(caller, session.id)] == [1, 2]
    assert (await chat.read_session(caller, session.id)).message_count == 2


async def test_an_old_request_gets_its_run_although_another_is_live(
    chat: Chat, caller: Caller, start_run: StartRun
) -> None:
    session = await chat.session(caller)
    first = await start_run(caller, _question(session.id))
    await chat.finish(first)
    live = await start_run(caller, _question(session.id, RequestKey("other", b"hash")))
    assert (await start_run(caller, _question(session.id))).id == first.id
    with pytest.raises(RunInProgress) as refused:
        await start_run(caller, _question(session.id, RequestKey("third", b"hash")))
    assert refused.value.metadata == {"run_id": str(live.id)}


async def test_the_run_of_a_conversation_that_was_deleted_since_is_not_found_again(
    chat: Chat, caller: Caller, start_run: StartRun, generations: Generations
) -> None:
    run = await start_run(caller, _question(None))
    await chat.finish(run)
    async with chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE sessions SET deleted_at = now()"))
    with pytest.raises(SessionNotFound):
        await start_run(caller, _question(None))
    with pytest.raises(SessionNotFound):
        await start_run(caller, _question(run.session_id))
    assert [begun.run for begun in generations.begun] == [run]


@pytest.mark.parametrize("anew", [True, False])
async def test_of_thirty_simultaneous_sends_one_is_stored_and_all_get_its_run(
    chat: Chat, caller: Caller, start_run: StartRun, generations: Generations, *, anew: bool
) -> None:
    session_id = None if anew else (await chat.session(caller)).id
    runs = await asyncio.gather(*(start_run(caller, _question(session_id)) for _ in range(30)))
    begun = generations.begun[0].run
    assert len(generations.begun) == 1
    assert {run.id for run in runs} == {begun.id}
    assert [m.order for m in await chat.messages(caller, begun.session_id)] == [1]
    page = await _sessions(chat, caller)
    assert page == [begun.session_id]


async def _sessions(chat: Chat, caller: Caller) -> list[UUID]:
    async with chat.open_transaction(caller) as transaction:
        return [session.id for session in await Listings(transaction).page(Wanted(), 10, None)]


async def test_another_request_with_the_same_key_stores_nothing(
    chat: Chat, caller: Caller, start_run: StartRun, generations: Generations
) -> None:
    session, another = await chat.session(caller), await chat.session(caller)
    run = await start_run(caller, _question(session.id))
    for session_id in (session.id, another.id, None):
        with pytest.raises(IdempotencyKeyReused):
            await start_run(caller, _question(session_id, OTHER))
    assert [begun.run for begun in generations.begun] == [run]
    assert await chat.messages(caller, another.id) == []
    assert len(await _sessions(chat, caller)) == 2


async def test_a_key_belongs_to_its_user(
    chat: Chat, caller: Caller, stranger: Caller, start_run: StartRun
) -> None:
    session = await chat.session(caller)
    mine = await start_run(caller, _question(session.id))
    theirs = await start_run(stranger, _question(None, OTHER))
    assert mine.id != theirs.id
    with pytest.raises(SessionNotFound):
        await start_run(stranger, _question(session.id))


async def test_two_users_with_one_key_at_one_moment_each_have_a_run_of_their_own(
    chat: Chat, caller: Caller, stranger: Caller, start_run: StartRun, generations: Generations
) -> None:
    runs = await asyncio.gather(
        *(start_run(user, _question(None)) for user in (caller, stranger) for _ in range(10))
    )
    assert {run.user_id for run in runs[:10]} == {caller.user_id}
    assert {run.user_id for run in runs[10:]} == {stranger.user_id}
    assert len({run.id for run in runs}) == len(generations.begun) == 2


async def test_a_send_that_was_refused_does_not_use_its_key_up(
    chat: Chat, caller: Caller, start_run: StartRun
) -> None:
    session = await chat.session(caller)
    live = await start_run(caller, _question(session.id, None))
    with pytest.raises(RunInProgress):
        await start_run(caller, _question(session.id))
    await chat.finish(live)
    assert (await start_run(caller, replace(_question(session.id), content="again"))).id != live.id


async def test_a_repetition_gets_its_run_although_none_could_begin_now(
    chat: Chat, caller: Caller, generations: Generations
) -> None:
    keys = [chat.connection]

    async def resolve_key(key_id: UUID | None) -> Connection:
        if not keys:
            raise KeyNotFound()
        connection: Connection = keys[0]
        return connection

    start_run = StartRun(
        chat.means(generations, resolve_key=resolve_key), chat.turns, tell=generations.told.append
    )
    run = await start_run(caller, _question(None))
    keys.clear()
    assert await start_run(caller, _question(None)) == run
    with pytest.raises(IdempotencyKeyReused):
        await start_run(caller, _question(None, OTHER))
    for request in (None, RequestKey("another", b"hash")):
        with pytest.raises(KeyNotFound):
            await start_run(caller, _question(None, request))
    keys.append(chat.connection)
    generations.draining = True
    assert await start_run(caller, _question(None)) == run
    with pytest.raises(ShuttingDown):
        await start_run(caller, _question(None, None))
    assert [begun.run for begun in generations.begun] == [run]


# Over the wire


@pytest.mark.parametrize("model", ["tokens-20", "status-500"])
async def test_a_repeated_send_reads_the_same_frames_here_and_elsewhere(
    client: Client, client_elsewhere: Client, model: str
) -> None:
    accepted, frames = await client.ask(model=model, key="k")
    assert await client.ask(model=model, key="k") == (accepted, frames)
    assert await client_elsewhere.ask(model=model, key="k") == (accepted, frames)
    sessions = await client.call("ListSessions", chat_pb2.ListSessionsRequest(count=True))
    assert sessions.total == 1


async def test_a_repeated_send_joins_a_live_run_from_its_first_frame(
    client: Client, client_elsewhere: Client
) -> None:
    request = chat_pb2.StartRunRequest(
        content="hello", parameters=generation_pb2.GenerationParameters(model="tokens-60-at-50")
    )
    async with client.start(request, "k") as (accepted, responses):
        while not any(frame.event == "delta" for frame in (await anext(responses)).frames):
            pass
        joined = await asyncio.gather(
            client.read(request, "k"), client_elsewhere.read(request, "k")
        )
    assert joined[0] == joined[1]
    for again, frames in joined:
        assert again == accepted
        assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
        assert frames[-1].event == "done"


def _text(frames: list[chat_pb2.Frame]) -> str:
    text = ""
    for frame in frames:
        if frame.event == "delta":
            text += orjson.loads(frame.data)["text"]
        elif frame.event == "snapshot":
            text = orjson.loads(frame.data)["text"]
    return text


async def test_two_parallel_sends_at_two_replicas_are_one_run(
    client: Client, client_elsewhere: Client
) -> None:
    answers = await asyncio.gather(*(one.ask(key="k") for one in (client, client_elsewhere) * 5))
    for accepted, frames in answers:
        assert accepted == answers[0][0]
        # Who comes when it is saved and not all in the log yet is shown a snapshot.
        assert _text(frames) == _text(answers[0][1])
        assert frames[-1] == answers[0][1][-1]
    listed = await client.call(
        "ListMessages", chat_pb2.ListMessagesRequest(session_id=answers[0][0].session_id)
    )
    assert [message.order for message in listed.items] == [1, 2]


@pytest.mark.parametrize(
    "change", [{"content": "bye"}, {"model": "tokens-21"}, {"temperature": 0.1}, {"max_tokens": 9}]
)
async def test_every_field_makes_another_request(client: Client, change: dict[str, Any]) -> None:
    await client.ask(key="k")
    with pytest.raises(RemoteError) as refused:
        await client.ask(**change, key="k")
    assert (refused.value.kind, refused.value.reason) == (Kind.INVALID, "IDEMPOTENCY_KEY_REUSED")


async def test_a_session_that_is_made_twice_is_one(client: Client) -> None:
    request = chat_pb2.CreateSessionRequest(title="Mine")
    first = await client.call("CreateSession", request, "k")
    await client.ask(session_id=first.session.id)
    assert await client.call("CreateSession", request, "k") == first
    with pytest.raises(RemoteError) as refused:
        await client.call("CreateSession", chat_pb2.CreateSessionRequest(title="Other"), "k")
    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"
    sessions = await client.call("ListSessions", chat_pb2.ListSessionsRequest())
    assert [session.title for session in sessions.items] == ["Mine"]


async def test_two_users_with_one_key_at_one_moment_each_have_a_session_of_their_own(
    client: Client, strange_client: Client
) -> None:
    request = chat_pb2.CreateSessionRequest(title="Mine")
    clients = (client, strange_client)
    made = await asyncio.gather(*(one.call("CreateSession", request, "k") for one in clients))
    for one, answer in zip(clients, made, strict=True):
        listed = await one.call("ListSessions", chat_pb2.ListSessionsRequest())
        assert [session.id for session in listed.items] == [answer.session.id]
        assert await one.call("CreateSession", request, "k") == answer
