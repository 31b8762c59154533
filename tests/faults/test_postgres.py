"""PostgreSQL down when an answer ends: it is readable, and saved once when the database is back."""

import asyncio
import time

import pytest
import redis

from chassis.testing.eventually import eventually
from tests.client import User

from .cluster import Cluster
from .judge import run_is_true
from .turn import Turn, lasting

_SAVED_SECONDS = 10.0


def expiry_of(cluster: Cluster, run_id: str) -> int:
    """Seconds until the run's log goes; -1: not before it is saved."""
    with redis.Redis.from_url(cluster.redis_url) as client:
        (key,) = client.scan_iter(match=f"*:run:{run_id}", count=1000)
        seconds: int = client.ttl(key)
        return seconds


async def end_without_a_database(cluster: Cluster, user: User, seconds: float) -> None:
    turn = Turn(cluster, user, "tokens-300-at-50")
    reading = asyncio.create_task(turn.ask_to_the_end())
    await turn.is_live(cluster, 10)
    shown = len(turn.reader.text)
    await asyncio.to_thread(cluster.servers.postgres.kill)
    began = time.monotonic()
    try:
        # Whoever connects again, here the gateway, reads on: the owner has the run in memory.
        hit = sum(edge.hit for edge in cluster.chat_edges)
        for edge in cluster.chat_edges:
            edge.drop()
        assert sum(edge.hit for edge in cluster.chat_edges) > hit
        await reading
        assert len(turn.reader.text) > shown
        assert turn.reader.end.data["saved"] is False
        await lasting(began + seconds - time.monotonic())
        assert expiry_of(cluster, turn.reader.run_id) == -1
    finally:
        await asyncio.to_thread(cluster.servers.start_again, cluster.servers.postgres)
    await eventually(
        lambda: cluster.status_of(turn.reader.run_id) != "running", timeout=_SAVED_SECONDS
    )
    run_is_true(cluster, turn, status="completed")
    assert cluster.calls(turn.model) == 1
    await eventually(lambda: expiry_of(cluster, turn.reader.run_id) > 0)


async def test_an_answer_that_ends_without_a_database_is_saved_once_it_is_back(
    cluster: Cluster, user: User
) -> None:
    await end_without_a_database(cluster, user, 6)


@pytest.mark.faults
async def test_an_answer_is_saved_after_a_minute_without_a_database(
    cluster: Cluster, user: User
) -> None:
    await end_without_a_database(cluster, user, 60)
