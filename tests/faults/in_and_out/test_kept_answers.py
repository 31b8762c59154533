"""Answers that are kept, while what they were said in is deleted."""

import asyncio
import random
from typing import Any

import pytest

from chassis.ids import new_id
from chassis.testing.eventually import eventually
from tests.client import PASSWORD, User
from tests.faults.cluster import Cluster
from tests.traces import MEMORIALS, redis_keys, tables_about

from .client import ERASED_SECONDS, Client

pytestmark = pytest.mark.faults


async def test_no_kept_answer_outlives_what_it_was_said_in(
    cluster: Cluster, user: User, client: Client, draw: int
) -> None:
    chance = random.Random(draw)
    before = redis_keys(cluster)
    question = {"content": f"Once {new_id().hex}", "cache": True}

    async def ask(at: int) -> dict[str, Any]:
        answer = await client.ask("POST", "/chat/messages", at=at, json=question)
        return answer.json() if answer.status_code == 200 else {}

    first = await ask(0)
    assert first["run"]["cache"] == "miss"

    async def is_hit() -> bool:
        return bool((await ask(1))["run"]["cache"] == "hit")

    await eventually(is_hit, timeout=30)
    asking = [asyncio.create_task(ask(number % 2)) for number in range(6)]
    await asyncio.sleep(chance.random() * 0.3)
    if draw % 2:
        gone = await client.ask(
            "DELETE",
            f"/chat/sessions/{first['run']['session_id']}?permanent=true",
            at=draw // 2 % 2,
        )
        assert gone.status_code == 204, gone.text
        await asyncio.gather(*asking)
        assert (await ask(chance.randrange(2)))["run"]["cache"] == "miss"
    else:
        gone = await client.ask("DELETE", "/me", json={"password": PASSWORD})
        assert gone.status_code == 202, gone.text
        await asyncio.gather(*asking)
        await eventually(lambda: tables_about(cluster, user.id) <= MEMORIALS, ERASED_SECONDS)
        await eventually(lambda: not redis_keys(cluster) - before, ERASED_SECONDS)
