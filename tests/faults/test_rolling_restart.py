"""Every chat-service and gateway replaced, one after the other, under fifty streams."""

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from chassis.testing.eventually import eventually
from tests.client import User
from tests.members import Member

from .cluster import Cluster
from .judge import run_is_true
from .reader import Refused
from .turn import Turn, lasting

_STREAMS = 50
_EXIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.2
_MODEL = "tokens-100-at-20"
# What a client may be told while a process goes, all of it to be tried again: 409 is the question
# that was taken by a process whose answer did not arrive.
_RETRYABLE = (409, 429, 503)


@dataclass
class Load:
    """People who ask one question after the other, until they are told to stop."""

    cluster: Cluster
    user: User
    over: bool = False
    finished: list[Turn] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unanswered: int = 0
    live: int = 0

    async def person(self, number: int) -> None:
        conversation = Turn(self.cluster, self.user, _MODEL)
        while not self.over:
            turn = conversation.again(self.cluster)
            self.live += 1
            try:
                await turn.ask_to_the_end(gateway=number)
                self.finished.append(turn)
            except Refused as refused:
                self.refused.append(refused)
                await lasting(_PAUSE_SECONDS)
            except OSError:
                # No connection, or none any more before it answered: the next one is tried.
                self.unanswered += 1
                number += 1
                await lasting(_PAUSE_SECONDS)
            finally:
                self.live -= 1


async def restart(load: Load, member: Member) -> float:
    """SIGTERM in the middle of its streams; how long it took to go."""
    process = member.process
    await eventually(lambda: load.live > _STREAMS / 2)
    if member.module == "chat_service":
        assert member.metric("chat_live_runs") > 0
    began = time.monotonic()
    process.terminate()
    await asyncio.to_thread(process.wait, _EXIT_SECONDS)
    exit_seconds = round(time.monotonic() - began, 1)
    await eventually(member.is_fit, timeout=30)
    return exit_seconds


@pytest.mark.faults
async def test_a_rolling_restart_under_fifty_streams_loses_no_token(
    cluster: Cluster, user: User
) -> None:
    load = Load(cluster, user)
    people = [asyncio.create_task(load.person(number)) for number in range(_STREAMS)]
    await eventually(lambda: load.finished and load.live > _STREAMS / 2, timeout=60)
    exits = {}
    for member in (*cluster.members("chat_service"), *cluster.members("gateway")):
        exits[str(member)] = await restart(load, member)
    load.over = True
    await asyncio.gather(*people)
    breaks = sum(turn.reader.breaks for turn in load.finished)
    print(
        f"exits {exits} s; {len(load.finished)} answers, {breaks} reconnections,"
        f" {len(load.refused)} refusals, {load.unanswered} unanswered"
    )
    assert max(exits.values()) < _EXIT_SECONDS
    assert len(load.finished) > 2 * _STREAMS
    for turn in load.finished:
        run_is_true(cluster, turn, status="completed")
    refusals = load.refused + [r for turn in load.finished for r in turn.reader.refused]
    assert [refused for refused in refusals if refused.status not in _RETRYABLE] == []
