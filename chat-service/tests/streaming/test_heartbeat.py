"""Who counts as dead, and what a heartbeat finds out about one's own runs."""

import asyncio
from typing import Any

from sqlalchemy import text

from chassis.caller import Caller
from chassis.testing import ModelServer, eventually
from chat_service.answer.domain.ending import RunStatus
from chat_service.runs.store.erasure import end_live_runs
from chat_service.streaming.domain import RunningRun


async def test_a_database_that_stalls_makes_nobody_look_dead(
    rig: Any, chat: Any, caller: Caller
) -> None:
    loop = asyncio.get_running_loop()
    run = (await chat.accept(caller, None)).run
    peer = rig.heartbeat("replica-2", dead=1.0, late=0.5)
    await peer.start()
    try:
        await eventually(lambda: run.owner in peer._takeover._sightings)
        async with chat.worker.transaction() as connection:
            await connection.execute(text("LOCK TABLE replicas IN ACCESS EXCLUSIVE MODE"))
            over = loop.time() + 1.2
            await eventually(lambda: loop.time() > over)
        over = loop.time()
        # The owner had no heartbeat either; only its silence from now on is its own.
        await rig.ended(run)
        assert loop.time() - over > 0.9
    finally:
        await peer.stop()


async def test_a_silent_models_run_ends_with_its_users_erasure_wherever_that_is_done(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    closed = model_server.counters()["closed_by_client"]
    run = (await rig.ask(caller, model_server, "stall-first")).run
    reading = asyncio.create_task(rig.follow(run))
    owner = rig.heartbeat(run.owner)
    await owner.start()
    try:
        await eventually(lambda: rig.log.read(run.id, 0))
        await end_live_runs(rig.chat.erasing(run))
        await eventually(lambda: not rig.engine.generates(run.id))
        await eventually(lambda: model_server.counters()["closed_by_client"] > closed)
        await reading
    finally:
        await owner.stop()


async def test_a_run_that_a_look_began_too_early_for_is_kept(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    for _ in range(3):
        rig.engine.reconcile(set())
        rig.engine.reconcile({run.id})
    frames = asyncio.create_task(rig.follow(run))
    await eventually(lambda: rig.log.read(run.id, 2))
    rig.engine.cancel(run.id)
    assert rig.end(await frames)["status"] == "cancelled"


async def test_a_run_that_is_saved_and_whose_end_is_not_told_yet_is_kept(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    await eventually(lambda: rig.log.read(run.id, 2))
    # As between its save, behind which it is in no look, and the flush that tells its end.
    live = rig.engine._generations[run.id].live
    live.ending = True
    for _ in range(3):
        rig.engine.reconcile(set())
    is_kept = not live.ended
    rig.engine.cancel(run.id)
    await rig.ended(run)
    assert is_kept


async def test_a_replica_that_stops_is_on_the_register_no_more(rig: Any, chat: Any) -> None:
    async def registered() -> list[str]:
        async with chat.worker.transaction() as connection:
            return list(await connection.scalars(text("SELECT id FROM replicas")))

    leaving = rig.heartbeat("replica-2")
    await leaving.start()
    await eventually(registered)
    await leaving.stop()
    assert await registered() == []


async def test_a_run_in_hand_keeps_no_other_of_its_owner_from_being_ended(
    rig: Any, chat: Any, caller: Caller, model_server: ModelServer
) -> None:
    in_hand = (await rig.ask(caller, model_server, "endless-at-100")).run
    # Accepted by a commit whose answer got lost: nobody generates it.
    lost = (await chat.accept(caller, None)).run
    owner = rig.heartbeat(in_hand.owner)
    await owner.start()
    try:
        await rig.ended(lost)
        assert rig.engine.generates(in_hand.id)
        assert (await rig.find(in_hand)).run.status is RunStatus.RUNNING
    finally:
        await owner.stop()


async def test_a_run_that_could_not_be_ended_is_left_alone_for_its_own_pause_and_no_other_is(
    rig: Any, chat: Any, caller: Caller
) -> None:
    first, second = [(await chat.accept(caller, None)).run for _ in range(2)]
    running = [RunningRun(run, heartbeat=7) for run in (first, second)]
    takeover = rig.heartbeat("replica-2", first_pause=60.0)._takeover
    loop = asyncio.get_running_loop()
    assert takeover._find_orphans(running, loop.time()) == []
    # As of a look that began when their owner had been silent for long enough.
    later = loop.time() + takeover._timings.dead + 1
    assert takeover._find_orphans(running, later) == [first, second]
    takeover._leave_alone(first.id)
    assert takeover._find_orphans(running, later) == [second]
    # Of a run that is gone nothing is remembered.
    takeover._find_orphans(running[1:], later)
    assert takeover._pauses == {}
