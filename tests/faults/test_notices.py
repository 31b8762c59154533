"""What a second screen hears of the first, with two gateways and two of chat-service."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chassis.testing import eventually
from tests.client import User
from tests.sockets import Socket, socket_of

from .cluster import Cluster, running

pytestmark = pytest.mark.slow

# A minute's silence, a sweep and what is slow beside that.
_DEATH_SECONDS = 100.0


@pytest_asyncio.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """One in which no replica has died: a minute behind a death every screen is told to read again, in place of
    the notices that this test counts.
    """
    async with running(Cluster(tmp_path)) as cluster:
        yield cluster


async def _heard(socket: Socket, count: int) -> list[dict[str, Any]]:
    told = [await socket.hear() for _ in range(count)]
    assert {one["type"] for one in told} == {"notice"}
    return told


async def test_a_second_screen_hears_of_the_first_through_other_gateways_and_across_a_kill(
    cluster: Cluster, user: User
) -> None:
    user.create_key(cluster.model_url, "tokens-5")
    here, there = cluster.gateways
    async with socket_of(here, user) as first, socket_of(there, user) as second:
        begun = await second.ask(type="subscribe")
        accepted = await first.ask(type="send", content="Who hears of this?")
        made, started, ended = await _heard(second, 3)
    assert (made["topic"], made["change"]) == ("sessions", "created")
    assert {one["session_id"] for one in (made, started, ended)} == {accepted["session_id"]}
    assert (started["change"], started["run_id"]) == ("started", accepted["run_id"])
    assert (ended["change"], ended["status"]) == ("ended", "completed")
    async with socket_of(here, user) as again:
        assert (await again.ask(type="subscribe", after=begun["cursor"]))["type"] == "ack"
        assert await _heard(again, 3) == [made, started, ended]

    # The owner is killed: who takes its run over tells of the end.
    endless = user.create_key(cluster.model_url, "endless-at-10")["id"]
    async with socket_of(there, user) as screen:
        await screen.ask(type="subscribe", after=ended["cursor"])
        async with socket_of(here, user) as asker:
            accepted = await asker.ask(type="send", content="Who survives?", key_id=endless)
            made, started = await _heard(screen, 2)
            assert started["run_id"] == accepted["run_id"]
            cluster.owner().process.kill()
        notice: dict[str, Any] = {}
        while notice.get("change") != "ended":
            (notice,) = await _heard(screen, 1)
            assert notice["change"] != "read_again"
        assert (notice["run_id"], notice["status"]) == (accepted["run_id"], "interrupted")
        # With its owner there may have died what nobody was told.
        while notice["change"] != "read_again":
            notice = await screen.hear(within=_DEATH_SECONDS)
    await eventually(lambda: cluster.status_of(accepted["run_id"]) == "interrupted")
