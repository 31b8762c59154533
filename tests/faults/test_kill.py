"""kill -9 in mid-stream: of a gateway, the run's owner, PostgreSQL, Redis and NATS, by seed."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from chassis.embedded import EmbeddedServer
from chassis.testing.eventually import eventually
from tests.client import User

from .cluster import Cluster
from .judge import TAKEOVER_SECONDS, run_is_true
from .plan import MODEL, Plan, plan_of
from .reader import Reader, Shown
from .turn import Turn


class Killer:
    """Kills a plan's victim at its moment, and proves that the run was live then."""

    def __init__(self, cluster: Cluster, plan: Plan) -> None:
        self.at = 0.0
        self.shown_before = 0
        self._cluster = cluster
        self._plan = plan
        self._mending: threading.Timer | None = None

    def __call__(self, reader: Reader, _shown: Shown) -> None:
        if self.at or reader.deltas < self._plan.deltas:
            return
        kill = self._aim(reader)
        assert self._cluster.status_of(reader.run_id) == "running"
        self.shown_before = len(reader.text)
        self.at = time.monotonic()
        kill()

    def _aim(self, reader: Reader) -> Callable[[], object]:
        servers = self._cluster.servers
        match self._plan.victim:
            case "gateway":
                return self._cluster.gateway(reader.gateway).process.kill
            case "chat-service":
                return self._cluster.owner().process.kill
            case "postgres":
                return lambda: self._kill(servers.postgres)
            case "redis":
                return lambda: self._kill(servers.redis)
            case _:
                return lambda: self._kill(servers.nats)

    def _kill(self, server: EmbeddedServer) -> None:
        server.kill()
        self._mending = threading.Timer(
            self._plan.away, self._cluster.servers.start_again, (server,)
        )
        self._mending.start()

    def mend(self) -> None:
        """Return when what was killed is on its way back."""
        if self._mending is not None:
            self._mending.join()


async def kill_and_judge(cluster: Cluster, user: User, seed: int) -> None:
    plan = plan_of(seed)
    killer = Killer(cluster, plan)
    turn = Turn(cluster, user, MODEL, on_event=killer)
    reader = turn.reader
    try:
        await turn.ask_to_the_end(gateway=plan.gateway)
    finally:
        await asyncio.to_thread(killer.mend)

    assert killer.shown_before, "the fault did not hit"
    lost_owner = plan.victim == "chat-service"
    if lost_owner:
        assert reader.end.at - killer.at < TAKEOVER_SECONDS
    else:
        assert len(reader.text) > killer.shown_before, "the stream had ended before the fault"
    # The loss of the owner is the gateway's business: it goes on reading elsewhere.
    assert bool(reader.breaks) == (plan.victim == "gateway")
    await eventually(lambda: cluster.status_of(reader.run_id) != "running", timeout=15)
    run_is_true(cluster, turn, status="interrupted" if lost_owner else "completed")
    assert cluster.calls(turn.model) == 1


async def test_a_kill_in_mid_stream_loses_nothing_that_was_shown(
    cluster: Cluster, user: User, seed: int
) -> None:
    await kill_and_judge(cluster, user, seed)


@pytest.mark.faults
async def test_two_hundred_kills_in_mid_stream_lose_nothing_that_was_shown(
    cluster: Cluster, user: User, seed: int
) -> None:
    await kill_and_judge(cluster, user, seed + 5)
