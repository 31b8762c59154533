"""The door that tests share is to each as if it were new, and who breaks it is told so."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chassis.testing import TlsSettings
from parley.notes.v1 import notes_pb2

from .door import Door
from .personal_tokens import NOTES, InvalidToken, bearing, secret
from .standing_door import StandingDoor


@pytest_asyncio.fixture(loop_scope="session")
async def standing(tls_settings: TlsSettings) -> AsyncIterator[StandingDoor]:
    standing = StandingDoor(tls_settings, patience=0.5)
    yield standing
    await standing.stop()


async def notes_of(door: Door) -> int:
    return (await door.http.get(NOTES, headers=door.bearer)).status_code


async def test_it_stands_and_all_else_is_new(standing: StandingDoor) -> None:
    async with standing.lent() as first:
        first.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse()
        first.http.cookies.set("who", "ada")
        assert await notes_of(first) == 200
    async with standing.lent() as second:
        assert second.port == first.port
        assert second.caller.user_id != first.caller.user_id
        assert second.caller.tenant_id != first.caller.tenant_id
        assert second.http.cookies == {}
        # It has not been told what to answer.
        assert await notes_of(second) == 500
        assert [call.method for call in second.notes.calls] == ["ListNotes"]
    assert [call.method for call in first.notes.calls] == ["ListNotes"]


async def test_who_breaks_it_is_told_and_the_next_one_has_a_new_one(standing: StandingDoor) -> None:
    lent: list[Door] = []

    async def guess() -> None:
        async with standing.lent() as door:
            lent.append(door)
            door.auth.answers["ExchangeToken"] = InvalidToken()
            await door.http.get(NOTES, headers=bearing(secret()))

    async def stop() -> None:
        async with standing.lent() as door:
            lent.append(door)
            await door.gateway.service.stop()

    with pytest.raises(AssertionError, match="refused tokens"):
        await guess()
    with pytest.raises(AssertionError, match="not within"):
        await stop()
    async with standing.lent() as new:
        new.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse()
        assert await notes_of(new) == 200
    assert new.gateway not in [door.gateway for door in lent]
    assert lent[0].gateway != lent[1].gateway
