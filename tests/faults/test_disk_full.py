"""The disk of a database is full: what is written is refused, what is read goes on, all heals."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from chassis.testing.eventually import eventually
from tests.client import User

from .cluster import Cluster, running
from .judge import run_is_true
from .turn import Turn

_DISK_MIB = 48
_PAGE = 4096
# One page of rows is full long before.
_MOST_SESSIONS = 2000
_SAVED_SECONDS = 10.0


class Disk:
    """A small file system, and what fills it up."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ballast = directory / "ballast"

    def fill(self) -> None:
        """Until not one page is left."""
        with self._ballast.open("wb", buffering=0) as ballast:
            while shutil.disk_usage(self.directory).free:
                ballast.write(b"\0" * _PAGE)

    def clear(self) -> None:
        self._ballast.unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MIB}m", "tmpfs", str(place)], check=True
    )
    try:
        (place / "tables").mkdir(mode=0o700)
        yield Disk(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest_asyncio.fixture
async def cramped(tmp_path: Path, disk: Disk) -> AsyncIterator[Cluster]:
    """A cluster whose conversations have a small disk of their own."""
    alone = Cluster(tmp_path)
    alone.servers.disks["chat"] = disk.directory / "tables"
    async with running(alone) as cluster:
        yield cluster


def create_session(user: User) -> httpx.Response:
    return user.http.post("/api/v1/chat/sessions", json={"title": "t" * 200})


def refused(user: User) -> httpx.Response:
    """The first session that does not find room any more."""
    for _ in range(_MOST_SESSIONS):
        response = create_session(user)
        if response.status_code != 201:
            return response
    raise AssertionError("the disk is not full")


@pytest.mark.faults
async def test_a_full_disk_refuses_what_is_written_and_keeps_what_was_shown(
    cramped: Cluster, disk: Disk
) -> None:
    user = cramped.user()
    # More than a page can hold, and nothing as long was saved before.
    turn = Turn(cramped, user, "tokens-24000-at-4000")
    reading = asyncio.create_task(turn.ask_to_the_end())
    await turn.is_live(cramped, 3)
    disk.fill()

    response = await asyncio.to_thread(refused, user)
    assert response.status_code == 503, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["reason"] == "DATABASE_BUSY"
    assert int(response.headers["retry-after"]) >= 1
    await reading
    assert turn.reader.end.data["saved"] is False
    for path in ("/chat/sessions", f"/chat/sessions/{turn.session_id}/messages"):
        assert user.http.get(f"/api/v1{path}").json()["items"]
    recovered = user.http.get(f"/api/v1/chat/sessions/{turn.session_id}/recover").json()
    assert recovered["text"] == turn.reader.text
    assert cramped.status_of(turn.reader.run_id) == "running"

    disk.clear()
    await eventually(
        lambda: cramped.status_of(turn.reader.run_id) == "completed", timeout=_SAVED_SECONDS
    )
    run_is_true(cramped, turn, status="completed")
    assert create_session(user).status_code == 201
    assert cramped.calls(turn.model) == 1
    user.http.close()
