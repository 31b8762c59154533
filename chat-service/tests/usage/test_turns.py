"""Turns at the sums of tenants: one at a time, and nobody behind it without a bound."""

import asyncio
from typing import Any

import pytest

from chassis.clock import utc_now
from chassis.db.errors import DatabaseBusy
from chassis.ids import new_id
from chassis.testing import eventually
from chat_service.usage.domain.report import Days, TenantsBy
from chat_service.usage.store.tenants import TenantsUsage
from chat_service.usage.store.turns import Turns

# `Chat` of conftest.py, which a test module has no name for.
Chat = Any


class Line:
    """Those who ask for a turn, and what became of each."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.inside: list[str] = []
        self.done: list[str] = []
        self.refused: list[DatabaseBusy] = []
        self.leave = asyncio.Event()

    async def take(self, name: str) -> None:
        try:
            async with self._turns.next():
                self.inside.append(name)
                await self.leave.wait()
                self.inside.remove(name)
        except DatabaseBusy as error:
            self.refused.append(error)
            return
        self.done.append(name)


async def test_one_has_it_some_wait_and_the_next_is_told_to_come_again() -> None:
    line = Line(Turns(most_waiting=2, most_seconds=600))
    async with asyncio.TaskGroup() as tasks:
        for name in ("first", "second", "third"):
            tasks.create_task(line.take(name))
        await eventually(lambda: line.inside)
        await line.take("fourth")
        (refused,) = line.refused
        assert (refused.reason, refused.retry_after) == ("DATABASE_BUSY", 5)
        assert line.inside == ["first"]
        line.leave.set()
    assert line.done == ["first", "second", "third"]
    # Who has waited is in nobody's way any more.
    await line.take("fifth")
    assert line.done[-1] == "fifth"


async def test_who_waits_too_long_or_goes_away_leaves_the_line() -> None:
    line = Line(Turns(most_waiting=1, most_seconds=0.01))
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(line.take("first"))
        await eventually(lambda: line.inside)
        await line.take("too late")
        await line.take("too late as well")
        assert len(line.refused) == 2
        first.cancel()
    line.leave.set()
    await line.take("next")
    assert line.done == ["next"]


async def test_sums_of_tenants_are_asked_for_in_turns(chat: Chat) -> None:
    async def sums(turns: Turns) -> Any:
        today = utc_now().date()
        return await TenantsUsage(chat.worker, turns).page(
            Days(today, today),
            TenantsBy.USER,
            tenant_id=new_id(),
            only_metered=False,
            after=None,
            limit=1,
        )

    assert await sums(Turns()) == []
    with pytest.raises(DatabaseBusy):
        await sums(Turns(most_waiting=0))
