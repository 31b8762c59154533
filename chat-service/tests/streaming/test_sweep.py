"""What is of no more use goes by itself, and what is goes not."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest_asyncio
import redis.asyncio
from sqlalchemy import text

from chassis.caller import Caller
from chassis.ids import new_id
from chassis.testing import eventually
from chat_service.answer.domain.frame import Frame
from chat_service.streaming.domain import FallbackFrames
from chat_service.streaming.log.redis import Append
from chat_service.streaming.own.sweep import Sweep
from chat_service.streaming.store.replicas import Replicas
from chat_service.streaming.timings import SHIPPED, Timings

START = Frame(1, "start", b"{}")


@pytest_asyncio.fixture
async def swept(make_rig: Any, redis_url: str) -> AsyncIterator[list[str]]:
    """A sweep that takes many small steps, from now on; it notes each look that found somebody dead."""
    deaths: list[str] = []
    timings = Timings(sweep=0.02, swept_keys=2, swept_rows=2)
    rig = await make_rig(redis_url, timings=timings)
    sweeping = Sweep(
        rig.log,
        rig.fallback,
        Replicas(rig.chat.worker),
        on_death=partial(deaths.append, "dead"),
        timings=timings,
    )
    await sweeping.start()
    yield deaths
    await sweeping.stop()


async def test_a_log_expires_once_its_run_has_ended_whoever_forgot_to_say_so(
    rig: Any, chat: Any, caller: Caller, redis_url: str, redis_prefix: str, swept: None
) -> None:
    runs = [(await chat.accept(caller, None)).run for _ in range(12)]
    live, *ended = runs
    gone = new_id()
    for run_id in (*(run.id for run in runs), gone):
        await rig.log.append([Append(run_id, 1, [START])])
    for run in ended:
        assert await chat.finish(run)
    async with redis.asyncio.Redis.from_url(redis_url) as client:

        async def left(run_id: Any) -> int:
            seconds: int = await client.ttl(f"{{{redis_prefix}}}:run:{run_id}")
            return seconds

        for run_id in (*(run.id for run in ended), gone):

            async def expires(run_id: Any = run_id) -> bool:
                return 0 < await left(run_id) <= SHIPPED.log_kept

            await eventually(expires)
        assert await left(live.id) == -1
        assert await chat.finish(live)

        async def expires_too() -> bool:
            return 0 < await left(live.id) <= SHIPPED.log_kept

        await eventually(expires_too)


async def test_frames_of_ended_runs_go_and_those_of_live_ones_stay(
    rig: Any, chat: Any, caller: Caller, swept: None
) -> None:
    live, ended = [(await chat.accept(caller, None)).run for _ in range(2)]
    kept = [Frame(seq, "delta", b"{}") for seq in range(1, 8)]
    await rig.fallback.append([FallbackFrames(live.id, 1, kept), FallbackFrames(ended.id, 1, kept)])
    assert await chat.finish(ended)

    async def gone() -> bool:
        return bool(await rig.fallback.read(ended.id, 0) == [])

    await eventually(gone)
    assert await rig.fallback.read(live.id, 0) == kept


async def test_of_a_replica_that_was_silent_for_a_minute_it_is_said_once_that_it_died(
    chat: Any, swept: list[str]
) -> None:
    replicas = Replicas(chat.worker)
    for replica in ("killed", "slow", "said farewell"):
        await replicas.heartbeat(replica)
    await replicas.leave("said farewell")
    assert swept == []
    async with chat.worker.transaction() as connection:
        await connection.execute(
            text(
                "UPDATE replicas SET seen = now() - CASE id WHEN 'slow' THEN interval '10 s'"
                " ELSE interval '61 s' END"
            )
        )

    async def names() -> list[str]:
        async with chat.worker.transaction() as connection:
            return list(await connection.scalars(text("SELECT id FROM replicas")))

    await eventually(lambda: swept)
    assert await names() == ["slow"]
    # Frozen, it comes back, and is said to have died once more when it does.
    await replicas.heartbeat("killed")
    assert sorted(await names()) == ["killed", "slow"]
    assert swept == ["dead"]


async def test_a_replica_that_was_silent_and_has_a_heartbeat_again_stays_on_the_register(
    chat: Any,
) -> None:
    replicas = Replicas(chat.worker)
    await replicas.heartbeat("slow")
    async with chat.worker.transaction() as connection:
        silent = text("UPDATE replicas SET seen = now() - interval '61 s'")
        assert (await connection.execute(silent)).rowcount == 1
    await replicas.heartbeat("slow")
    assert await replicas.sweep() == 0
