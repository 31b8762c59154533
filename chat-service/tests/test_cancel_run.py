"""A run that its user ends."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from chassis.caller import Caller
from chassis.errors import Kind, RemoteError
from chassis.ids import new_id
from chat_service.usecases.cancel_run import cancel_run
from chat_service.usecases.errors import RunNotFound
from chat_service.usecases.get_run import get_run
from parley.chat.v1 import chat_pb2

# Of conftest.py, which a test module has no name for.
Chat = Any
Client = Any

ENDLESS = chat_pb2.StartRunRequest(content="hello", model="endless-at-50")


def _nowhere(run_id: UUID) -> bool:
    return False


async def test_the_wish_is_on_the_row_before_the_owner_hears_of_it(
    chat: Chat, caller: Caller
) -> None:
    run = (await chat.accept(caller, None)).run
    told: list[UUID] = []

    def cancel_here(run_id: UUID) -> bool:
        told.append(run_id)
        return True

    await cancel_run(chat.open_transaction, cancel_here, caller, run.id)
    assert told == [run.id]
    assert (await get_run(chat.open_transaction, caller, run.id)).cancel_requested


async def test_a_run_that_has_ended_stays_as_it_is(chat: Chat, caller: Caller) -> None:
    run = await chat.turn(caller, (await chat.session(caller)).id)
    before = await get_run(chat.open_transaction, caller, run.id)
    await cancel_run(chat.open_transaction, _nowhere, caller, run.id)
    assert await get_run(chat.open_transaction, caller, run.id) == before


async def test_somebody_elses_run_is_absent_and_goes_on(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    run = (await chat.accept(caller, None)).run
    for run_id in (run.id, new_id()):
        with pytest.raises(RunNotFound):
            await cancel_run(chat.open_transaction, _nowhere, stranger, run_id)
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
