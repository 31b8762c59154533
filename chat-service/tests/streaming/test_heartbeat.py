"""Who counts as dead, and what a heartbeat finds out about one's own runs."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.errors import DatabaseUnavailable
from chassis.errors import Forbidden
from chassis.testing import ModelServer, eventually, sample
from chat_service.answer.domain.ending import RunStatus
from chat_service.answer.domain.frame import Frame
from chat_service.runs.store.erasure import end_live_runs
from chat_service.streaming.domain import FallbackFrames, RunningRun, Standing
from chat_service.streaming.log.redis import Append
from chat_service.streaming.timings import SHIPPED


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


async def test_behind_a_look_that_fails_everybodys_silence_begins_anew(
    rig: Any, chat: Any, caller: Caller
) -> None:
    run = (await chat.accept(caller, None)).run
    peer = rig.heartbeat("replica-2", dead=600.0)
    await peer._heartbeat()
    assert list(peer._takeover._sightings) == [run.owner]

    async def is_away() -> list[RunningRun]:
        raise DatabaseUnavailable

    peer._replicas.list_running = is_away
    with pytest.raises(DatabaseUnavailable):
        await peer._heartbeat()
    assert peer._takeover._sightings == {}


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
    for _ in range(9):
        takeover._leave_alone(first.id)
    # Doubled so often, it is the longest there is.
    assert (
        takeover._pauses[first.id].seconds
        == takeover._timings.longest_pause
        == SHIPPED.longest_pause
    )
    # Of a run that is gone nothing is remembered.
    takeover._find_orphans(running[1:], later)
    assert takeover._pauses == {}


@pytest.mark.parametrize("why", ["generated", "taken", "saved"])
async def test_a_run_of_its_own_that_a_replica_has_in_hand_is_not_taken_over(
    rig: Any, chat: Any, caller: Caller, why: str
) -> None:
    run = (await chat.accept(caller, None)).run
    in_hand = {run.id} if why == "generated" else set()
    takeover = rig.heartbeat(run.owner, generates=in_hand.__contains__)._takeover
    running = [RunningRun(run, heartbeat=7)]
    later = asyncio.get_running_loop().time() + 2 * takeover._timings.dead
    of_it = asyncio.create_task(asyncio.Event().wait())
    if why == "taken":
        takeover._taking[run.id] = of_it
    if why == "saved":
        rig.finaliser._saving[of_it] = run.id
    for _ in range(2):
        assert takeover._find_orphans(running, later) == []
    # As of that look it was silent for long enough.
    in_hand.clear()
    takeover._taking.clear()
    rig.finaliser._saving.clear()
    assert takeover._find_orphans(running, later) == [run]
    of_it.cancel()


async def test_the_log_of_a_run_that_was_taken_over_has_what_was_only_in_postgresql(
    rig: Any, chat: Any, caller: Caller
) -> None:
    run = (await chat.accept(caller, None)).run
    words = [Frame(seq, "delta", b'{"text":"%d "}' % seq) for seq in (1, 2, 3)]
    await rig.log.append([Append(run.id, run.epoch, words[:1])])
    # Redis was away when its owner died.
    offer = FallbackFrames(run.id, run.epoch, words[1:])
    assert await rig.fallback.append([offer]) == [Standing.OURS]
    peer = rig.heartbeat("replica-2")
    await peer.start()
    try:
        await rig.ended(run)
        await eventually(lambda: not peer._takeover._taking)
    finally:
        await peer.stop()
    *before, end = await rig.log.read(run.id, 0)
    assert before == words
    assert (end.seq, end.event) == (4, "done")
    assert (await rig.answer(caller, run)).content == "1 2 3 "


async def test_of_a_run_that_somebody_else_has_ended_a_taker_writes_nothing(
    rig: Any, chat: Any, caller: Caller
) -> None:
    async def is_not_ours(*_: object) -> bool:
        return False

    run = (await chat.accept(caller, None)).run
    await rig.log.append([Append(run.id, run.epoch, [Frame(1, "delta", b'{"text":"1 "}')])])
    rig.finaliser._save_run = is_not_ours
    takeover = rig.heartbeat("replica-2")._takeover
    await takeover._take_over(run)
    assert [frame.event for frame in await rig.log.read(run.id, 0)] == ["delta"]


@pytest.mark.parametrize("error", [ZeroDivisionError, Forbidden])
async def test_of_a_run_whose_answer_is_refused_a_taker_leaves_the_log_as_it_is(
    rig: Any, chat: Any, caller: Caller, error: type[Exception]
) -> None:
    async def refuses(*_: object) -> bool:
        raise error

    run = (await chat.accept(caller, None)).run
    await rig.log.append([Append(run.id, run.epoch, [Frame(1, "delta", b'{"text":"1 "}')])])
    rig.finaliser._save_run = refuses
    takeover = rig.heartbeat("replica-2")._takeover
    before = sample("chat_save_failures_total") or 0
    await takeover._take_over(run)
    # It is said once, and tried again later; until it is saved the log alone has the answer.
    assert (sample("chat_save_failures_total") or 0) - before == 1
    assert run.id in takeover._pauses
    assert rig.log.held == {"logs to let go": 0}
    assert await rig.log._redis.ttl(rig.log._key(run.id)) == -1
    assert [frame.event for frame in await rig.log.read(run.id, 0)] == ["delta", "done"]
