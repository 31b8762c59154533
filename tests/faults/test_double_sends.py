"""Two sends at once into one conversation: at least one is taken, and order has no gap."""

import asyncio
import json
from collections import Counter

import pytest

from tests.client import User

from .cluster import Cluster
from .reader import Refused
from .turn import Turn

pytestmark = pytest.mark.slow

REFUSED = "409 RUN_IN_PROGRESS"
_SESSIONS = 10
_ROUNDS = 10


async def send_twice(cluster: Cluster, turn: Turn, outcomes: Counter[str]) -> None:
    async def send(gateway: int) -> None:
        sent = turn.again(cluster)
        try:
            await sent.ask(gateway=gateway)
        except Refused as refused:
            outcomes[f"{refused.status} {json.loads(refused.body)['reason']}"] += 1
        else:
            assert sent.reader.end.data["status"] == "completed"
            outcomes["taken"] += 1

    before = outcomes["taken"]
    await asyncio.gather(send(0), send(1))
    assert outcomes["taken"] > before


async def converse(cluster: Cluster, turn: Turn) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for _ in range(_ROUNDS):
        await send_twice(cluster, turn, outcomes)
    return outcomes


async def test_a_hundred_double_sends_leave_orders_unique_and_gapless(
    cluster: Cluster, user: User
) -> None:
    # Slow enough that two sends meet, fast enough for ten rounds.
    turns = [Turn(cluster, user, "tokens-20-at-100") for _ in range(_SESSIONS)]
    for turn, outcomes in zip(
        turns, await asyncio.gather(*(converse(cluster, turn) for turn in turns)), strict=True
    ):
        assert outcomes[REFUSED], "no two sends met"
        assert outcomes["taken"] + outcomes[REFUSED] == 2 * _ROUNDS
        saved = cluster.query(
            'SELECT "order", role FROM messages WHERE session_id = %s ORDER BY "order"',
            turn.session_id,
        )
        roles = ("user", "assistant") * outcomes["taken"]
        assert saved == list(enumerate(roles, start=1))
        assert cluster.calls(turn.model) == outcomes["taken"]
