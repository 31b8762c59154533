"""A run that has ended is not in memory any more, whoever still reads it."""

import gc
import weakref
from contextlib import aclosing
from typing import Any

import orjson
import pytest

from chassis.caller import Caller
from chassis.testing import ModelServer, eventually
from chat_service.streaming.log.window import AT_A_TIME_BYTES
from chat_service.streaming.timings import Timings
from parley_local.model_server.texts import text_of


async def test_of_a_run_that_has_ended_nothing_is_left_to_the_garbage_collector(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    gc.disable()
    try:
        accepted = await rig.ask(caller, model_server, "tokens-5")
        window = weakref.ref(rig.followers.window_of(accepted.run.id))
        assert rig.end(await rig.follow(accepted.run, 0))["status"] == "completed"
        await eventually(lambda: window() is None)
    finally:
        gc.enable()


@pytest.mark.parametrize("is_owner", [True, False])
async def test_a_reader_who_does_not_read_on_keeps_nothing_of_a_run_that_has_ended(
    rig: Any,
    make_rig: Any,
    caller: Caller,
    model_server: ModelServer,
    redis_url: str,
    is_owner: bool,
) -> None:
    # An append may take its time, as in `rig`: the machine is busy.
    timings = Timings(append=20.0, linger_elsewhere=0.2)
    replica = rig if is_owner else await make_rig(redis_url, timings=timings)
    model = "bursts-40-of-10000"
    run = (await rig.ask(caller, model_server, model)).run
    async with aclosing(replica.followers.follow(run, 0)) as reading:
        frames = [*await anext(reading)]
        runs = replica.followers._lives if is_owner else replica.followers._remote._runs
        window = runs[run.id].window
        await eventually(lambda: window.ended and not window.frames)
        async for some in reading:
            assert sum(len(frame.data) for frame in some) <= AT_A_TIME_BYTES or len(some) == 1
            frames += some
    assert [f.seq for f in frames] == list(range(1, len(frames) + 1))
    assert rig.joined(frames) == text_of(model)
    assert rig.end(frames)["status"] == "completed"


async def test_a_reader_who_reads_on_when_the_log_is_gone_has_the_answer_from_the_database(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    model = "bursts-40-of-10000"
    run = (await rig.ask(caller, model_server, model)).run
    async with aclosing(rig.followers.follow(run, 0)) as reading:
        begun = await anext(reading)
        window = rig.followers.window_of(run.id)
        await eventually(lambda: window.ended and not window.frames)
        await rig.log.delete([run.id])
        frames = [frame async for some in reading for frame in some]
    assert begun[0].event == "start"
    assert [frame.event for frame in frames] == ["snapshot", "done"]
    assert orjson.loads(frames[0].data)["text"] == text_of(model)
