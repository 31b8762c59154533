"""Imports while replicas are killed, and while their user is deleted."""

import asyncio
import random

import pytest

from chassis.ids import new_id
from chassis.testing.eventually import eventually
from tests.client import PASSWORD, User
from tests.faults.cluster import Cluster
from tests.traces import MEMORIALS, tables_about

from .client import ERASED_SECONDS, Client
from .exports import export_of, import_ended

pytestmark = pytest.mark.faults


async def test_an_import_goes_on_wherever_a_replica_is_killed(
    cluster: Cluster, user: User, client: Client, long_draw: int
) -> None:
    chance = random.Random(long_draw)
    file = export_of(400, new_id().hex)
    sending = asyncio.create_task(
        client.ask("POST", "/chat/import", files={"file": ("c.json", file)})
    )
    if chance.random() < 0.3:
        await asyncio.sleep(chance.random() * 0.1)
        cluster.members("chat_service")[chance.randrange(2)].process.kill()
    sent = await sending
    while sent.status_code != 202:
        assert sent.status_code in {429, 502, 503}, sent.text
        await cluster.settle()
        sent = await client.ask("POST", "/chat/import", files={"file": ("c.json", file)})
    for _ in range(2):
        await asyncio.sleep(chance.random() * 3)
        cluster.members("chat_service")[chance.randrange(2)].process.kill()
        await cluster.settle()
    told = await import_ended(client, sent.json()["id"])
    assert (told["state"], told["reason"], told["added"]) == ("completed", None, 400)
    assert cluster.query(
        "SELECT count(*), count(DISTINCT title), min(message_count), max(message_count) FROM sessions WHERE user_id = %s",
        user.id,
    ) == [(400, 400, 6, 6)]  # fmt: skip
    again = await client.ask("POST", "/chat/import", files={"file": ("c.json", file)}, at=1)
    told = await import_ended(client, again.json()["id"])
    assert (told["added"], told["existing"]) == (0, 400)

    def nothing_is_held() -> bool:
        return cluster.query("SELECT count(*) FROM import_pieces WHERE user_id = %s", user.id) == [
            (0,)
        ]

    await eventually(nothing_is_held, timeout=60)


async def test_of_an_import_nothing_outlives_its_user(
    cluster: Cluster, user: User, client: Client, draw: int
) -> None:
    chance = random.Random(draw)
    file = export_of(200, new_id().hex)
    sent = await client.ask("POST", "/chat/import", files={"file": ("c.json", file)}, at=1)
    assert sent.status_code == 202
    await asyncio.sleep(chance.random() * 2)
    gone = await client.ask("DELETE", "/me", json={"password": PASSWORD})
    assert gone.status_code == 202, gone.text
    erasure = gone.json()["erasure_id"]

    async def is_told() -> bool:
        told = (await client.ask("GET", f"/erasures/{erasure}")).json()
        return bool(all(one["erased_at"] for one in told["services"]))

    await eventually(is_told, timeout=ERASED_SECONDS)
    # From the receipt on nothing of it is there, nor comes.
    assert tables_about(cluster, user.id) <= MEMORIALS
