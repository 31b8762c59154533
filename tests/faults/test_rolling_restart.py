"""Every chat-service and gateway replaced, one after the other, under fifty streams."""

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from chassis.testing.eventually import eventually
from tests.client import User

from .cluster import Cluster, Member
from .judge import run_is_true
from .reader import Refused
from .turn import Turn

_STREAMS = 50
_EXIT_SECONDS = 30.0
_MODEL = "tokens-100-at-20"
# What a client may be told while a process goes: all of it means try again.
_RETRYABLE = (429, 503)


@dataclass
class Load:
    """People who ask one question after the other, until they are told to stop."""

    cluster: Cluster
    user: User
    over: bool = False
    finished: list[Turn] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    live: int = 0

    async def person(self, number: int) -> None:
        while not self.over:
            turn = await asyncio.to_thread(Turn, self.cluster, self.user, _MODEL)
            try:
                self.live += 1
                await turn.ask_to_the_end(gateway=number)
                self.finished.append(turn)
            except Refused as refused:
                self.refused.append(refused)
            except OSError:
                assert not turn.reader.shown  # the question was never taken
            finally:
                self.live -= 1


async def restart(load: Load, member: Member) -> float:
    """SIGTERM in the middle of its streams; how long it took to go."""
    process, live = member.process, load.live
    assert live > _STREAMS / 2
    began = time.monotonic()
    process.terminate()
    await asyncio.to_thread(process.wait, _EXIT_SECONDS)
    exit_seconds = time.monotonic() - began
    await eventually(member.is_fit, timeout=30)
    return exit_seconds


@pytest.mark.faults
async def test_a_rolling_restart_under_fifty_streams_loses_no_token(
    cluster: Cluster, user: User
) -> None:
    load = Load(cluster, user)
    people = [asyncio.create_task(load.person(number)) for number in range(_STREAMS)]
    await eventually(lambda: load.finished, timeout=60)
    exits = {}
    for member in (*cluster.members("chat_service"), *cluster.members("gateway")):
        exits[f"{member.module}:{member.port}"] = await restart(load, member)
    load.over = True
    await asyncio.gather(*people)
    print(
        f"exits {exits}; {len(load.finished)} answers, {len(load.refused)} refusals,"
        f" {sum(turn.reader.breaks for turn in load.finished)} reconnections"
    )
    assert max(exits.values()) < _EXIT_SECONDS
    assert len(load.finished) > _STREAMS
    for turn in load.finished:
        run_is_true(cluster, turn, status="completed")
        assert cluster.calls(turn.model) == 1
    retryable = [refused for refused in load.refused if refused.status in _RETRYABLE]
    assert retryable == load.refused
