"""Model servers that stall, lie and break off: a typed end in bounded time and size."""

import asyncio
import time
from dataclasses import dataclass

import pytest

from chassis.testing.eventually import eventually
from tests.client import User

from .cluster import FIRST_TOKEN_SECONDS, IDLE_SECONDS, Cluster
from .judge import run_is_true
from .turn import Turn

pytestmark = pytest.mark.slow

# Beyond the bound that ends it: to notice, to save, to say so; on a machine with much to do.
_SLACK_SECONDS = 60
_MOST_TEXT = 1024 * 1024
# What one read may bring on top.
_SLACK_BYTES = 256 * 1024


@dataclass(frozen=True)
class Hostile:
    """A model, the status and reason its runs must end with, and its bounds."""

    model: str
    status: str
    reason: str | None = None
    seconds: float = 0.0
    # Whether text came, behind which nothing may be asked again.
    spoke: bool = True
    # What its broken bytes are shown as.
    broken: str = ""


HOSTILE = (
    Hostile("silent", "failed", "FIRST_TOKEN_TIMEOUT", FIRST_TOKEN_SECONDS, spoke=False),
    Hostile("stall-first", "failed", "FIRST_TOKEN_TIMEOUT", FIRST_TOKEN_SECONDS, spoke=False),
    Hostile(
        "stall-with-comments", "failed", "FIRST_TOKEN_TIMEOUT", FIRST_TOKEN_SECONDS, spoke=False
    ),
    Hostile("stall-after-5", "interrupted", "IDLE_TIMEOUT", IDLE_SECONDS),
    Hostile("garbage-after-5", "failed", "PROVIDER_GARBLED"),
    Hostile("half-character", "completed", broken="\ufffd"),
    Hostile("half-event", "interrupted", "PROVIDER_ENDED_EARLY"),
    Hostile("no-finish-reason", "interrupted", "PROVIDER_ENDED_EARLY"),
    Hostile("cut-after-5", "failed", "PROVIDER_BROKE"),
    Hostile("error-after-5", "failed", "PROVIDER_FAILED"),
    Hostile("duplicate-ids", "completed"),
    Hostile("html", "failed", "PROVIDER_GARBLED", spoke=False),
    Hostile("status-401", "failed", "PROVIDER_UNAUTHORIZED", spoke=False),
    Hostile("status-429", "failed", "PROVIDER_RATE_LIMITED", spoke=False),
    Hostile("status-500", "failed", "PROVIDER_FAILED", spoke=False),
    Hostile("redirect", "failed", "PROVIDER_REDIRECTED", spoke=False),
    Hostile("endless", "interrupted", "ANSWER_TOO_LARGE"),
)


async def ask_and_judge(cluster: Cluster, user: User, hostile: Hostile, gateway: int) -> None:
    turn = Turn(cluster, user, hostile.model)
    began = time.monotonic()
    await turn.ask_to_the_end(gateway=gateway)
    assert time.monotonic() - began < hostile.seconds + _SLACK_SECONDS
    reader, end = turn.reader, turn.reader.end
    ((reason,),) = cluster.query("SELECT reason FROM runs WHERE id = %s", reader.run_id)
    assert reason == hostile.reason
    run_is_true(cluster, turn, status=hostile.status, broken=hostile.broken)
    assert bool(reader.text) == hostile.spoke
    assert len(reader.text.encode()) < _MOST_TEXT + _SLACK_BYTES
    if hostile.status == "failed":
        assert end.data["problem"]["reason"] == hostile.reason
        assert turn.api_key not in str(end.data)
    # One further try at most, and only before the first token.
    calls = cluster.calls(turn.model)
    assert calls == 1 if hostile.spoke else calls in (1, 2)


async def ask_all(cluster: Cluster, user: User, times: int) -> None:
    """All of them ``times`` times at once."""
    await asyncio.gather(
        *(
            ask_and_judge(cluster, user, hostile, gateway)
            for gateway in range(times)
            for hostile in HOSTILE
        )
    )
    assert cluster.counters()["redirects_followed"] == 0
    await eventually(lambda: cluster.counters()["open"] == 0)


async def test_every_hostile_model_comes_to_its_typed_end(cluster: Cluster, user: User) -> None:
    await ask_all(cluster, user, 1)


@pytest.mark.faults
async def test_hostile_models_come_to_their_typed_ends_twenty_times(
    cluster: Cluster, user: User
) -> None:
    for _ in range(4):
        await ask_all(cluster, user, 5)
