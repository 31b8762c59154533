"""What a reader who comes back is given."""

import asyncio
from dataclasses import dataclass, replace
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.errors import Kind, RemoteError
from chassis.ids import new_id
from chat_service.answer.domain.ending import RunStatus
from chat_service.runs.domain.errors import RunNotFound
from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.read import find_to_follow, get_run_with_messages
from chat_service.runs.usecases.recover import Recalled, recover_run
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2

from .chat import Chat
from .client import Client


@dataclass
class Memory:
    """What a replica has in memory."""

    run: Run | None = None

    def find(self, run_id: UUID) -> Run | None:
        return self.run

    def find_unsaved(self, session_id: UUID) -> Run | None:
        return self.run if self.run is not None and self.run.session_id == session_id else None


async def _shown(run: Run) -> Recalled | None:
    return Recalled("so far", "thought", 4)


async def _nothing(run: Run) -> Recalled | None:
    return None


async def test_a_live_run_is_recovered_as_its_readers_have_seen_it(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller)
    await chat.turn(caller, session.id)
    live = (await chat.accept(caller, session.id)).run
    found = await recover_run(chat.open_transaction, Memory(), _shown, caller, session.id)
    assert (found.run, found.text, found.reasoning, found.seq) == (live, "so far", "thought", 4)


async def test_a_live_run_that_has_shown_nothing_is_followed_from_its_first_frame(
    chat: Chat, caller: Caller
) -> None:
    live = (await chat.accept(caller, None)).run
    found = await recover_run(chat.open_transaction, Memory(), _nothing, caller, live.session_id)
    assert (found.run, found.text, found.seq) == (live, "", 0)


async def test_a_run_in_memory_is_recovered_and_followed_without_a_database(
    chat: Chat, caller: Caller, stranger: Caller, no_database: OpenTransaction
) -> None:
    live = (await chat.accept(caller, None)).run
    memory, session_id = Memory(live), live.session_id
    with pytest.raises(RunNotFound):
        await recover_run(chat.open_transaction, memory, _shown, stranger, session_id)
    with pytest.raises(RunNotFound):
        await find_to_follow(chat.open_transaction, memory, stranger, live.id)
    found = await recover_run(no_database, memory, _shown, caller, session_id)
    assert (found.run, found.text, found.seq) == (live, "so far", 4)
    assert await find_to_follow(no_database, memory, caller, live.id) == live


async def test_where_the_database_does_not_answer_a_run_in_memory_is_recovered_and_followed(
    chat: Chat, caller: Caller
) -> None:
    live = (await chat.accept(caller, None)).run
    memory, session_id = Memory(live), live.session_id
    async with chat.worker.transaction() as connection:
        await connection.execute(text("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE"))
        found, followed = await asyncio.gather(
            recover_run(chat.open_transaction, memory, _shown, caller, session_id),
            find_to_follow(chat.open_transaction, memory, caller, live.id),
        )
    assert (found.run, found.text, found.seq) == (live, "so far", 4)
    assert followed == live


async def test_the_last_run_is_recovered_from_its_answer(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    await chat.turn(caller, session.id)
    last = (await chat.accept(caller, session.id)).run
    assert await chat.finish(last, replace(chat.ending, reasoning="thought"))
    found = await recover_run(chat.open_transaction, Memory(), _shown, caller, session.id)
    assert (found.run.id, found.run.status) == (last.id, RunStatus.COMPLETED)
    assert (found.text, found.reasoning, found.seq) == ("an answer", "thought", 5)


async def test_a_run_that_ends_while_it_is_recovered_is_recovered_from_its_answer(
    chat: Chat, caller: Caller
) -> None:
    live = (await chat.accept(caller, None)).run

    async def ends(run: Run) -> Recalled | None:
        assert await chat.finish(run)
        return None

    found = await recover_run(chat.open_transaction, Memory(), ends, caller, live.session_id)
    assert (found.run.status, found.text, found.seq) == (RunStatus.COMPLETED, "an answer", 5)


async def test_without_a_run_of_ones_own_there_is_nothing_to_recover(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    session = await chat.session(caller)
    with pytest.raises(RunNotFound):
        await recover_run(chat.open_transaction, Memory(), _nothing, caller, session.id)
    await chat.turn(caller, session.id)
    for session_id in (session.id, new_id()):
        with pytest.raises(RunNotFound):
            await recover_run(chat.open_transaction, Memory(), _shown, stranger, session_id)


async def test_a_run_whose_conversation_is_cleared_while_it_is_read_is_gone(
    chat: Chat, caller: Caller
) -> None:
    run = await chat.turn(caller, (await chat.session(caller)).id)
    # What is left of it between one look and the next.
    async with chat.app.transaction(caller) as connection:
        await connection.execute(
            text("DELETE FROM messages WHERE session_id = :id"), {"id": run.session_id}
        )
    with pytest.raises(RunNotFound):
        await recover_run(chat.open_transaction, Memory(), _nothing, caller, run.session_id)
    with pytest.raises(RunNotFound):
        await get_run_with_messages(chat.open_transaction, caller, run.id)


@pytest.mark.parametrize("here", [True, False])
async def test_what_is_recovered_and_what_follows_make_the_whole_answer(
    client: Client, client_elsewhere: Client, *, here: bool
) -> None:
    where = client if here else client_elsewhere
    request = chat_pb2.StartRunRequest(
        content="hello", parameters=generation_pb2.GenerationParameters(model="tokens-60-at-50")
    )
    async with client.start(request) as (accepted, responses):
        while not any(frame.event == "delta" for frame in (await anext(responses)).frames):
            pass
        recover = chat_pb2.RecoverRunRequest(session_id=accepted.session_id)
        recovered = await where.call("RecoverRun", recover)
    assert recovered.run.id == accepted.run_id
    assert recovered.run.status == chat_pb2.RUN_STATUS_RUNNING
    assert recovered.text
    rest = await where.follow(accepted.run_id, after=recovered.seq)
    text = recovered.text + "".join(
        orjson.loads(frame.data)["text"] for frame in rest if frame.event == "delta"
    )
    found = await client.call("GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id))
    assert found.answer.content == text

    ended = await where.call("RecoverRun", recover)
    assert (ended.run, ended.text) == (found.run, text)
    assert await where.follow(accepted.run_id, after=ended.seq) == []


async def test_somebody_elses_session_has_no_run(client: Client, strange_client: Client) -> None:
    accepted, _ = await client.ask()
    for session_id in (accepted.session_id, str(new_id()), "x", ""):
        with pytest.raises(RemoteError) as refused:
            await strange_client.call(
                "RecoverRun", chat_pb2.RecoverRunRequest(session_id=session_id)
            )
        assert (refused.value.kind, refused.value.reason) == (Kind.NOT_FOUND, "RUN_NOT_FOUND")
