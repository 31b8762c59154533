"""A replica whose clock is ten minutes ahead: order and ownership do not depend on it."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from chassis.embedded import free_port
from chassis.testing.eventually import eventually
from tests.members import Member

from .cluster import Cluster, running
from .judge import TAKEOVER_SECONDS, run_is_true
from .turn import Turn

_AHEAD = "+600s"
_TURNS = 8
# Longer than it takes until a run without an owner is taken over.
_LASTING = "tokens-1500-at-60"


@pytest.fixture
def fake_time() -> str:
    """The library that shifts a process's clock; Debian's package `faketime` brings it."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("libfaketime is not installed")
    return str(found[0])


@pytest_asyncio.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with running(Cluster(tmp_path), readers=32) as cluster:
        yield cluster


class Early:
    """A process of chat-service that is ahead of its time, in the place of the first one."""

    def __init__(self, cluster: Cluster, fake_time: str) -> None:
        process = cluster.members("chat_service")[0].process
        self.member = Member(cluster, "chat_service", free_port(), free_port())
        environment = {
            **process.environ(),
            "CHAT_GRPC_PORT": str(self.member.port),
            "CHAT_METRICS_PORT": str(self.member.metrics_port),
            "LD_PRELOAD": fake_time,
            "FAKETIME": _AHEAD,
            # Only the clock on the wall is wrong.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.log = cluster.directory / "early"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                process.cmdline(), env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self._cluster = cluster

    async def take_its_place(self) -> None:
        await eventually(self.member.is_fit, timeout=30)
        self._cluster.detours[0] = self.member.port
        self._cluster.chat_edges[0].drop()


@pytest_asyncio.fixture
async def early(cluster: Cluster, fake_time: str) -> AsyncIterator[Early]:
    early = Early(cluster, fake_time)
    try:
        await early.take_its_place()
        yield early
    finally:
        early.process.kill()
        early.process.wait()


@pytest.mark.faults
async def test_a_clock_ten_minutes_ahead_takes_no_run_and_loses_none(
    cluster: Cluster, early: Early
) -> None:
    user = cluster.user()
    other = cluster.members("chat_service")[1]
    turns = [Turn(cluster, user, _LASTING) for _ in range(_TURNS)]
    reading = [
        asyncio.create_task(turn.ask_to_the_end(gateway=number))
        for number, turn in enumerate(turns)
    ]
    for turn in turns:
        await turn.is_live(cluster, 3)
    assert early.member.metric("chat_live_runs") >= 1
    assert other.metric("chat_live_runs") >= 1
    await asyncio.gather(*reading)
    for turn in turns:
        run_is_true(cluster, turn, status="completed")
        assert cluster.calls(turn.model) == 1
    moments = cluster.query(
        "SELECT max(created_at) > now() + interval '9 minutes',"
        " min(created_at) < now() + interval '1 minute' FROM messages"
    )
    assert moments == [(True, True)], "both clocks have written"

    # The order of a conversation that both take part in is that of its questions.
    turn = Turn(cluster, user, "tokens-5")
    for number in range(_TURNS):
        await turn.ask_to_the_end(gateway=number)
        run_is_true(cluster, turn, status="completed")
        turn = turn.again(cluster)

    # Dead, it is found out as soon as any other.
    turns = [Turn(cluster, user, "endless-at-60") for _ in range(_TURNS)]
    reading = [
        asyncio.create_task(turn.ask_to_the_end(gateway=number))
        for number, turn in enumerate(turns)
    ]
    for turn in turns:
        await turn.is_live(cluster, 3)
    lost = early.member.metric("chat_live_runs")
    assert 1 <= lost < _TURNS
    early.process.kill()
    await eventually(
        lambda: (
            sum(cluster.status_of(turn.reader.run_id) == "interrupted" for turn in turns) >= lost
        ),
        timeout=TAKEOVER_SECONDS,
    )
    for turn in turns:
        if cluster.status_of(turn.reader.run_id) == "running":
            assert user.http.post(f"/api/v1/chat/runs/{turn.reader.run_id}/cancel").is_success
    await asyncio.gather(*reading)
    for turn in turns:
        run_is_true(cluster, turn)
    user.http.close()
