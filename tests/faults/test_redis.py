"""Redis away, emptied or refusing in mid-stream: little stalls, nothing that was shown is lost."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
import redis

from tests.client import User

from .cluster import Cluster
from .judge import run_is_true
from .turn import Turn, lasting

STALL_SECONDS = 5.0
_RATE = 25

Fault = Callable[[Cluster], AbstractAsyncContextManager[None]]
SHORT, LONG = 8.0, 60.0


@asynccontextmanager
async def black_holed(cluster: Cluster) -> AsyncIterator[None]:
    edge = cluster.servers.edges["redis"]
    hit = edge.hit
    with edge.black_hole():
        yield
        assert edge.hit > hit


@asynccontextmanager
async def cut(cluster: Cluster) -> AsyncIterator[None]:
    edge = cluster.servers.edges["redis"]
    hit = edge.hit
    with edge.cut():
        yield
        assert edge.hit > hit


@asynccontextmanager
async def refusing_writes(cluster: Cluster) -> AsyncIterator[None]:
    with redis.Redis.from_url(cluster.redis_url) as client:
        client.config_set("maxmemory", 1)
        try:
            yield
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                client.set("refused", "1")
        finally:
            client.config_set("maxmemory", 0)


@asynccontextmanager
async def emptied(cluster: Cluster) -> AsyncIterator[None]:
    """Killed, and started again with nothing; what lasts is the emptiness."""
    server = cluster.servers.redis
    await asyncio.to_thread(server.kill)
    shutil.rmtree(server.directory / "data")
    await asyncio.to_thread(cluster.servers.start_again, server)
    yield


async def stream_through(cluster: Cluster, user: User, fault: Fault, seconds: float) -> None:
    turn = Turn(cluster, user, f"tokens-{int((seconds + 6) * _RATE)}-at-{_RATE}")
    reading = asyncio.create_task(turn.ask_to_the_end(within=seconds + 60))
    try:
        await turn.is_live(cluster, 10)
        async with fault(cluster):
            await lasting(seconds)
            assert cluster.status_of(turn.reader.run_id) == "running"
            shown = turn.reader.deltas
        await reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
    assert turn.reader.deltas > shown
    run_is_true(cluster, turn, status="completed")
    assert cluster.calls(turn.model) == 1
    assert turn.reader.longest_stall() < STALL_SECONDS


async def test_redis_emptied_in_mid_stream_loses_nothing(cluster: Cluster, user: User) -> None:
    await stream_through(cluster, user, emptied, 1)


async def test_redis_black_holed_in_mid_stream_stalls_for_less_than_5_s(
    cluster: Cluster, user: User
) -> None:
    await stream_through(cluster, user, black_holed, SHORT)


@pytest.mark.faults
@pytest.mark.parametrize("fault", [black_holed, cut, refusing_writes])
async def test_a_minute_without_redis_stalls_for_less_than_5_s(
    cluster: Cluster, user: User, fault: Fault
) -> None:
    await stream_through(cluster, user, fault, LONG)


async def lose_the_owner_too(cluster: Cluster, user: User, fault: Fault, seconds: float) -> None:
    turn = Turn(cluster, user, f"endless-at-{_RATE}")
    reading = asyncio.create_task(turn.ask_to_the_end(within=seconds + 60))
    try:
        await turn.is_live(cluster, 10)
        async with fault(cluster):
            before = turn.reader.deltas
            await lasting(STALL_SECONDS)
            assert cluster.status_of(turn.reader.run_id) == "running"
            assert turn.reader.deltas > before, "nothing was shown between the two faults"
            cluster.owner().process.kill()
            await lasting(seconds)
        await reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
    run_is_true(cluster, turn, status="interrupted")
    assert cluster.calls(turn.model) == 1


@pytest.mark.faults
@pytest.mark.parametrize("fault", [black_holed, cut, refusing_writes])
async def test_what_was_shown_without_redis_outlives_its_owner(
    cluster: Cluster, user: User, fault: Fault
) -> None:
    await lose_the_owner_too(cluster, user, fault, 25)
