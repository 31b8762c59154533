"""A run that its user ends."""

from dataclasses import dataclass, replace
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.errors import Kind, RemoteError, Unavailable
from chassis.ids import new_id
from chat_service.runs.domain.errors import RunNotFound
from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.cancel import cancel_run
from chat_service.runs.usecases.read import get_run
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2

from .chat import Chat
from .client import Client

ENDLESS = chat_pb2.StartRunRequest(
    content="hello", parameters=generation_pb2.GenerationParameters(model="endless-at-50")
)


def _nowhere(run_id: UUID) -> bool:
    return False


@dataclass
class Memory:
    """What a replica has in memory."""

    run: Run | None = None

    def find(self, run_id: UUID) -> Run | None:
        return self.run if self.run is not None and self.run.id == run_id else None

    find_unsaved = find


class Owner:
    """Ends every run that it is told of."""

    def __init__(self) -> None:
        self.told: list[UUID] = []

    def __call__(self, run_id: UUID) -> bool:
        self.told.append(run_id)
        return True


async def test_the_wish_is_on_the_row_before_an_owner_that_has_not_begun_hears_of_it(
    chat: Chat, caller: Caller
) -> None:
    run, owner = (await chat.accept(caller, None)).run, Owner()
    await cancel_run(chat.open_transaction, Memory(), owner, caller, run.id)
    assert owner.told == [run.id]
    assert (await get_run(chat.open_transaction, caller, run.id)).cancel_requested


async def test_a_run_in_memory_is_ended_at_once_and_the_wish_written_down(
    chat: Chat, caller: Caller
) -> None:
    run, owner = (await chat.accept(caller, None)).run, Owner()
    await cancel_run(chat.open_transaction, Memory(run), owner, caller, run.id)
    assert owner.told[0] == run.id
    assert (await get_run(chat.open_transaction, caller, run.id)).cancel_requested


async def test_without_a_database_a_run_in_memory_is_ended_for_its_user_alone(
    chat: Chat, caller: Caller, stranger: Caller, no_database: OpenTransaction
) -> None:
    run, owner = (await chat.accept(caller, None)).run, Owner()
    elsewhere = replace(caller, tenant_id=new_id())
    for whose, memory in (
        (stranger, Memory(run)),
        (elsewhere, Memory(run)),
        (caller, Memory()),
    ):
        with pytest.raises(Unavailable):
            await cancel_run(no_database, memory, owner, whose, run.id)
    assert owner.told == []
    await cancel_run(no_database, Memory(run), owner, caller, run.id)
    assert owner.told == [run.id]


async def test_where_the_database_does_not_answer_a_run_that_is_ended_here_waits_no_longer(
    chat: Chat, caller: Caller
) -> None:
    run, owner = (await chat.accept(caller, None)).run, Owner()
    async with chat.worker.transaction() as connection:
        row = text("SELECT id FROM runs WHERE id = :id FOR UPDATE")
        assert (await connection.execute(row, {"id": run.id})).all()
        await cancel_run(chat.open_transaction, Memory(run), owner, caller, run.id)
    assert owner.told == [run.id]
    assert not (await get_run(chat.open_transaction, caller, run.id)).cancel_requested


async def test_a_run_that_has_ended_stays_as_it_is(chat: Chat, caller: Caller) -> None:
    run = await chat.turn(caller, (await chat.session(caller)).id)
    before = await get_run(chat.open_transaction, caller, run.id)
    await cancel_run(chat.open_transaction, Memory(), _nowhere, caller, run.id)
    assert await get_run(chat.open_transaction, caller, run.id) == before


async def test_somebody_elses_run_is_absent_and_goes_on(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    run = (await chat.accept(caller, None)).run
    for run_id in (run.id, new_id()):
        with pytest.raises(RunNotFound):
            await cancel_run(chat.open_transaction, Memory(), _nowhere, stranger, run_id)
    assert not (await get_run(chat.open_transaction, caller, run.id)).cancel_requested


@pytest.mark.parametrize("here", [True, False])
async def test_a_cancelled_run_keeps_what_was_shown(
    client: Client, client_elsewhere: Client, *, here: bool
) -> None:
    text, last = "", chat_pb2.Frame()
    async with client.start(ENDLESS) as (accepted, responses):
        asked = False
        async for response in responses:
            for last in response.frames:
                if last.event == "delta":
                    text += orjson.loads(last.data)["text"]
            if text and not asked:
                asked = True
                where = client if here else client_elsewhere
                await where.call("CancelRun", chat_pb2.CancelRunRequest(run_id=accepted.run_id))
    assert (last.event, orjson.loads(last.data)["status"]) == ("done", "cancelled")
    found = await client.call("GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id))
    assert found.run.status == found.answer.status == chat_pb2.RUN_STATUS_CANCELLED
    assert found.run.reason == "CANCELLED_BY_USER"
    assert found.answer.content == text
    # Again, and of no effect.
    await client.call("CancelRun", chat_pb2.CancelRunRequest(run_id=accepted.run_id))
    assert await client.call("GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id)) == found


async def test_a_run_that_is_not_ones_own_cannot_be_cancelled(
    client: Client, strange_client: Client
) -> None:
    accepted, _ = await client.ask()
    for run_id in (accepted.run_id, str(new_id()), "x", ""):
        with pytest.raises(RemoteError) as refused:
            await strange_client.call("CancelRun", chat_pb2.CancelRunRequest(run_id=run_id))
        assert (refused.value.kind, refused.value.reason) == (Kind.NOT_FOUND, "RUN_NOT_FOUND")
