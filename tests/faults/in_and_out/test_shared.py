"""A share that is read everywhere while it is revoked."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import httpx
import pytest

from tests.client import User
from tests.faults.cluster import Cluster

from .client import API, Client

pytestmark = pytest.mark.faults

#: From its answer on a revoked share is gone everywhere.
_REVOKED_SECONDS = 1.0


async def test_a_share_is_there_at_once_and_gone_a_second_after_it_was_revoked(
    cluster: Cluster, user: User, client: Client, draw: int
) -> None:
    chance = random.Random(draw)
    session = user.create_session(title="Shown")
    user.ask(session, "What is shared?")
    made = (await client.ask("POST", f"/chat/sessions/{session}/shares", json={})).json()
    revoked_at = float("inf")
    reads = Counter[int]()

    async def read(number: int) -> None:
        # Who reads is somewhere else each time: an address may read so many in a minute.
        transport = httpx.HTTPTransport(local_address=f"127.0.{100 + draw}.{1 + number}")
        url = f"{cluster.gateways[number % 2]}{API}/shares/{made['token']}"
        with httpx.Client(transport=transport, timeout=60, verify=False) as reader:
            while time.monotonic() < revoked_at + _REVOKED_SECONDS + 0.5:
                await read_once(partial(reader.get, url))
                await asyncio.sleep(0.02)

    async def read_once(get: Callable[[], httpx.Response]) -> None:
        began = time.monotonic()
        status = (await asyncio.to_thread(get)).status_code
        reads[status] += 1
        if began > revoked_at + _REVOKED_SECONDS:
            assert status == 404
        elif time.monotonic() < asked_at:
            assert status == 200

    asked_at = float("inf")
    readers = [asyncio.create_task(read(number)) for number in range(4)]
    await asyncio.sleep(chance.random())
    asked_at = time.monotonic()
    every = chance.random() < 0.5
    path = "/chat/shares" if every else f"/chat/shares/{made['id']}"
    assert (await client.ask("DELETE", path, at=chance.randrange(2))).status_code == 204
    revoked_at = time.monotonic()
    await asyncio.gather(*readers)
    assert reads.keys() == {200, 404}
