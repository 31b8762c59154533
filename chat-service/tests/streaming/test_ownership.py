"""Who counts as dead, and what a beat finds out about one's own runs."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.testing import eventually
from chat_service.streaming import ownership


async def test_a_database_that_stalls_makes_nobody_look_dead(
    rig: Any, chat: Any, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "_BEAT_SECONDS", 0.05)
    monkeypatch.setattr(ownership, "_DEAD_SECONDS", 1.0)
    monkeypatch.setattr(ownership, "_LATE_SECONDS", 0.5)
    loop = asyncio.get_running_loop()
    run = (await chat.accept(caller, None)).run
    peer = rig.ownership("replica-2")
    await peer.start()
    try:
        await eventually(lambda: run.owner in peer._sightings)
        async with chat.worker.transaction() as connection:
            await connection.execute(text("LOCK TABLE replicas IN ACCESS EXCLUSIVE MODE"))
            over = loop.time() + 1.2
            await eventually(lambda: loop.time() > over)
        over = loop.time()
        # The owner could not beat either; only its silence from now on is its own.
        await rig.ended(run)
        assert loop.time() - over > 0.9
    finally:
        await peer.stop()
