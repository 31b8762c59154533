"""An owner that was frozen, lost its run and wakes: it writes nothing and shows nothing."""

import asyncio
import time

import psutil
import pytest
import redis

from chassis.testing.eventually import eventually
from tests.client import User
from tests.members import Member

from .cluster import Cluster
from .judge import TAKEOVER_SECONDS, run_is_true
from .reader import Reader, Shown
from .turn import Turn


def log_of(cluster: Cluster, run_id: str) -> list[object]:
    """The run's log in Redis, entry by entry."""
    with redis.Redis.from_url(cluster.redis_url) as client:
        (key,) = client.scan_iter(match=f"*:run:{run_id}", count=1000)
        entries: list[object] = list(client.xrange(key))
        return entries


def rows_of(cluster: Cluster, run_id: str) -> list[tuple[object, ...]]:
    """Everything that the database holds of the run."""
    return [
        row
        for table in ("runs", "messages")
        for row in cluster.query(
            f"SELECT t::text FROM {table} t WHERE {'id' if table == 'runs' else 'run_id'} = %s",
            run_id,
        )
    ]


async def freeze_and_judge(cluster: Cluster, user: User, seconds: float) -> None:
    """Freeze the owner for ``seconds``, and at least until its run was taken over."""
    frozen: list[tuple[Member, psutil.Process]] = []

    def freeze(reader: Reader, _shown: Shown) -> None:
        if reader.deltas == 10 and not frozen:
            owner = cluster.owner()
            process = owner.process
            assert cluster.status_of(reader.run_id) == "running"
            frozen.append((owner, process))
            process.suspend()

    turn = Turn(cluster, user, "endless-at-60", on_event=freeze)
    reading = asyncio.create_task(turn.ask_to_the_end())
    try:
        await eventually(lambda: frozen, timeout=20)
        began = time.monotonic()
        run_id = turn.reader.run_id
        await eventually(
            lambda: cluster.status_of(run_id) == "interrupted", timeout=TAKEOVER_SECONDS
        )
        # The taker writes the end behind its save.
        await eventually(lambda: b"interrupted" in repr(log_of(cluster, run_id)[-1]).encode())
        log, rows = log_of(cluster, run_id), rows_of(cluster, run_id)
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
    finally:
        for _, process in frozen:
            process.resume()
    # Awake, it still believes that the run is its own, and has the model's further text.
    ((owner, _),) = frozen
    await eventually(lambda: owner.is_fit() and owner.metric("chat_live_runs") == 0, timeout=20)
    await reading
    assert log_of(cluster, run_id) == log
    assert rows_of(cluster, run_id) == rows
    run_is_true(cluster, turn, status="interrupted")
    assert cluster.calls(turn.model) == 1
    # It has hung up on the model.
    await eventually(lambda: cluster.counters()["open"] == 0)


async def test_an_owner_frozen_until_its_run_was_taken_writes_nothing_more(
    cluster: Cluster, user: User
) -> None:
    await freeze_and_judge(cluster, user, 0)
    # What it tried to append was refused, rather than never tried.
    assert "run.fenced" in cluster.output


@pytest.mark.faults
async def test_an_owner_frozen_for_a_minute_writes_nothing_more(
    cluster: Cluster, user: User
) -> None:
    await freeze_and_judge(cluster, user, 60)
