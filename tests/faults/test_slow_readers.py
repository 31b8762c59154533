"""Two hundred clients that do not read: their answers are saved, and cost little memory."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import pytest_asyncio

from chassis.testing.eventually import eventually
from tests.client import User

from .cluster import Cluster, running
from .turn import Turn

_CLIENTS = 200
_SAMPLES = 200
_MEMORY_MIB = 250
# No measure of anything: 200 MB take a busy machine a while.
_PATIENCE_SECONDS = 900
_MODEL = "bursts-100-of-10000"


@pytest_asyncio.fixture
async def patient_cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """With a model's usual time to begin: 200 MB flat out keep two cores busy for a while."""
    settings = {
        "CHAT_FIRST_TOKEN_SECONDS": "180",
        "CHAT_IDLE_SECONDS": "180",
        # One user stands for them all.
        "CHAT_RUNS_PER_USER": "1000",
        "GATEWAY_EVENT_STREAMS_PER_USER": "1000",
    }
    async with running(Cluster(tmp_path, settings=settings), readers=_CLIENTS) as cluster:
        yield cluster


def memory_mib(cluster: Cluster) -> dict[str, float]:
    """Proportional set sizes by program: what processes share is divided up between them."""
    sizes: dict[str, float] = {}
    for process in (*cluster.children(), psutil.Process(cluster.servers.redis.pid)):
        name = process.name() if process.name() != "python" else process.cmdline()[-2]
        sizes[name] = sizes.get(name, 0) + process.memory_full_info().pss / 2**20
    return sizes


def ask_without_reading(cluster: Cluster, turn: Turn, number: int) -> socket.socket:
    """A connection that has asked, was accepted, and reads nothing more, or every other pair of them 150 kB first.

    Two hundred at once are more than the database takes: who is refused for that asks again.
    """
    while True:
        client = _ask(cluster, turn, number)
        status = client.recv(12, socket.MSG_WAITALL)
        if status != b"HTTP/1.1 503":
            assert status == b"HTTP/1.1 200"
            if number % 4 > 1:
                client.recv(150_000, socket.MSG_WAITALL)
            return client
        client.close()


def _ask(cluster: Cluster, turn: Turn, number: int) -> socket.socket:
    place = urlsplit(cluster.gateways[number % 2])
    body = json.dumps({"content": "At length"}).encode()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    # A packet as on any line: by the loopback's of 64 KiB the kernel would take a whole answer for its part.
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
    client.connect((str(place.hostname), place.port))
    client.sendall(
        f"POST /api/v1/chat/sessions/{turn.session_id}/messages HTTP/1.1\r\n"
        f"Host: parley\r\nAuthorization: Bearer {turn.token}\r\n"
        "Accept: text/event-stream\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return client


async def first_token_seconds(cluster: Cluster, user: User) -> list[float]:
    """Of answers one after the other, sorted."""
    found = []
    for number in range(_SAMPLES):
        turn = Turn(cluster, user, "tokens-5")
        began = time.monotonic()
        await turn.ask(gateway=number)
        found.append(next(s.at for s in turn.reader.shown if s.event == "delta") - began)
    return sorted(found)


@pytest.mark.faults
async def test_two_hundred_clients_that_do_not_read_cost_little_memory(
    patient_cluster: Cluster,
) -> None:
    cluster = patient_cluster
    user = cluster.user()
    turns = [await asyncio.to_thread(Turn, cluster, user, _MODEL) for _ in range(_CLIENTS)]
    quiet = await first_token_seconds(cluster, user)
    before = memory_mib(cluster)

    def completed() -> int:
        ((count,),) = cluster.query(
            "SELECT count(*) FROM messages WHERE user_id = %s AND status = 'completed'"
            " AND length(content) = 1000000",
            user.id,
        )
        return int(count)

    with ExitStack() as clients:
        clients.callback(user.http.close)
        began = time.monotonic()
        asking = [
            asyncio.to_thread(ask_without_reading, cluster, turn, number)
            for number, turn in enumerate(turns)
        ]
        for client in asyncio.as_completed(asking):
            clients.enter_context(await client)
        most = before
        while completed() < _CLIENTS:
            assert time.monotonic() - began < _PATIENCE_SECONDS
            now = await asyncio.to_thread(memory_mib, cluster)
            most = {name: max(most.get(name, 0), now.get(name, 0)) for name in {*most, *now}}
        beside = await first_token_seconds(cluster, user)
        after = memory_mib(cluster)
    grown = {name: round(after[name] - before.get(name, 0)) for name in sorted(after)}
    peak = {name: round(most[name] - before.get(name, 0)) for name in sorted(most)}
    print(f"MiB at the end: +{sum(grown.values())} {grown}; at most: +{sum(peak.values())} {peak}")
    for name, found in (("quiet", quiet), ("beside them", beside)):
        p50, p99 = (found[round(share * (_SAMPLES - 1))] * 1000 for share in (0.5, 0.99))
        print(f"first token, {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    for kept in ("valkey-server", "postgres"):
        peak.pop(kept, None)  # keeping 200 MB of answers is what they are for
    assert sum(peak.values()) < _MEMORY_MIB
    await eventually(lambda: cluster.counters()["open"] == 0)
