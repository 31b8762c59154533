"""What goes on at once, and who waits for it, are bounded."""

import asyncio
from functools import partial
from typing import Any

import pytest

from chassis.bulkhead import Bulkhead
from chassis.db.errors import DatabaseBusy
from chassis.testing import eventually

bulkhead = partial(Bulkhead, refusal=partial(DatabaseBusy, retry_after=5))


class Line:
    """Those who ask to be let in, and what became of each."""

    def __init__(self, behind: Bulkhead) -> None:
        self._bulkhead = behind
        self.inside: list[str] = []
        self.done: list[str] = []
        self.refused: list[DatabaseBusy] = []
        self.leave = asyncio.Event()

    async def enter(self, name: str) -> None:
        try:
            async with self._bulkhead.enter():
                self.inside.append(name)
                await self.leave.wait()
                self.inside.remove(name)
        except DatabaseBusy as error:
            self.refused.append(error)
            return
        self.done.append(name)


async def test_one_is_in_some_wait_and_the_next_is_told_to_come_again() -> None:
    line = Line(bulkhead(1, most_waiting=2, most_seconds=600))
    async with asyncio.TaskGroup() as tasks:
        for name in ("first", "second", "third"):
            tasks.create_task(line.enter(name))
        await eventually(lambda: line.inside)
        await line.enter("fourth")
        (refused,) = line.refused
        assert (refused.reason, refused.retry_after) == ("DATABASE_BUSY", 5)
        assert line.inside == ["first"]
        line.leave.set()
    assert line.done == ["first", "second", "third"]
    # Who has waited is in nobody's way any more.
    await line.enter("fifth")
    assert line.done[-1] == "fifth"


async def test_who_waits_too_long_or_goes_away_leaves_the_line() -> None:
    line = Line(bulkhead(1, most_waiting=1, most_seconds=0.01))
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(line.enter("first"))
        await eventually(lambda: line.inside)
        await line.enter("too late")
        await line.enter("too late as well")
        assert len(line.refused) == 2
        first.cancel()
    line.leave.set()
    await line.enter("next")
    assert line.done == ["next"]


async def test_of_one_key_one_is_in_at_a_time_and_nobody_waits_for_ever() -> None:
    behind = bulkhead(2, most_seconds=0.05)

    async def refused(key: Any) -> None:
        with pytest.raises(DatabaseBusy):
            async with behind.enter(key):
                pass

    async with behind.enter("a"):
        await refused("a")
        async with behind.enter("b"):
            await refused("c")
        async with behind.enter("c"):
            pass
    async with behind.enter("a"):
        pass


async def test_of_one_key_as_many_are_in_as_may_be_and_of_all_others_too() -> None:
    behind = bulkhead(None, of_one=2, most_seconds=0.05)
    async with behind.enter("a"), behind.enter("a"), behind.enter("b"), behind.enter("b"):
        with pytest.raises(DatabaseBusy):
            async with behind.enter("a"):
                pass
    async with behind.enter("a"), behind.enter("a"):
        pass
