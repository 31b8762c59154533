"""Bodies that do not come, and clients that hang up: bounded memory, bounded time, no errors."""

import asyncio
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import httpx
import psutil
import pytest

from chassis.testing.eventually import eventually
from tests.client import SignUp, User
from tests.stack import Stack

pytestmark = pytest.mark.slow

_BODY = memoryview(b" " * 900_000)
_ENDED_SECONDS = 30.0
_MEMORY_MIB = 60
_PATIENCE_SECONDS = 120.0
_HEAD = (
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: parley\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000000\r\n\r\n"
)
_EXPECTING = _HEAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")


@dataclass
class Gateway:
    """One process of the stack's, and its ports."""

    process: psutil.Process
    port: int
    metrics_port: int

    def pss_mib(self) -> float:
        return float(self.process.memory_full_info().pss) / 2**20

    def metrics(self) -> str:
        return httpx.get(
            f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=30, verify=False
        ).text

    def answered(self, status: str) -> float:
        """Requests whose status begins so."""
        return sum(
            float(line.rpartition(" ")[2])
            for line in self.metrics().splitlines()
            if line.startswith("http_requests_total{") and f'status="{status}' in line
        )


@pytest.fixture
def gateway(stack: Stack) -> Gateway:
    for child in stack.children():
        with suppress(psutil.NoSuchProcess, KeyError):
            place = child.environ()
            if "gateway" in child.cmdline() and int(place["GATEWAY_PORT"]) == stack.port:
                return Gateway(child, stack.port, int(place["GATEWAY_METRICS_PORT"]))
    raise AssertionError("no gateway has the stack's port")


async def send_slowly(gateway: Gateway, source: str, *, drip: bool) -> tuple[bytes, float]:
    """The status that a body of 900 kB got which then does not go on, or drips; and after how long.

    b"" if the connection ended without one.
    """
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setblocking(False)
        client.bind((source, 0))
        await loop.sock_connect(client, ("127.0.0.1", gateway.port))
        began = time.monotonic()

        async def send() -> None:
            await loop.sock_sendall(client, _HEAD)
            await loop.sock_sendall(client, _BODY)
            while drip:
                await asyncio.sleep(1)
                await loop.sock_sendall(client, _BODY[:1000])

        sending = asyncio.create_task(send())
        told = b""
        with suppress(ConnectionError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while piece := await loop.sock_recv(client, 65536):
                    told += piece
        ended = time.monotonic() - began
        sending.cancel()
        await asyncio.wait((sending,))
        return told[9:12], ended


def posts(user: User, count: int) -> Iterator[float]:
    """Seconds of small POSTs, each of which has to succeed."""
    for number in range(count):
        began = time.monotonic()
        answer = user.http.post("/api/v1/notes", json={"title": f"n {number}", "content": "x"})
        assert answer.status_code == 201, answer.text
        yield time.monotonic() - began


async def flood(gateway: Gateway, user: User, sources: list[str], *, samples: int) -> None:
    """A slow body from each of these addresses, and what it costs the gateway and others."""
    quiet = sorted(await asyncio.to_thread(list, posts(user, samples)))
    before = most = await asyncio.to_thread(gateway.pss_mib)
    slow = [
        asyncio.create_task(send_slowly(gateway, source, drip=number % 2 == 0))
        for number, source in enumerate(sources)
    ]
    beside = asyncio.create_task(asyncio.to_thread(list, posts(user, samples)))
    while not all(task.done() for task in slow):
        most = max(most, await asyncio.to_thread(gateway.pss_mib))
        await asyncio.wait(slow, timeout=0.1)
    during = sorted(await beside)
    found = [task.result() for task in slow]
    statuses = {status: sum(s == status for s, _ in found) for status, _ in found}
    last = max(seconds for _, seconds in found)
    print(f"PSS {before:.0f} MiB, +{most - before:.0f}; {statuses}; the last after {last:.1f} s")
    for name, times in (("quiet", quiet), ("beside them", during)):
        p50, p99 = (times[round(share * (samples - 1))] * 1000 for share in (0.5, 0.99))
        print(f"small POST, {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    assert set(statuses) <= {b"408", b"429", b"503"}
    assert statuses[b"408"] > 0
    assert last <= _ENDED_SECONDS
    assert most - before <= _MEMORY_MIB


def sources(count: int, *, of: int) -> list[str]:
    """So many addresses, ``of`` of them different, and none of them the tests' own."""
    return [f"127.0.1.{1 + number % of}" for number in range(count)]


async def test_slow_bodies_cost_little_and_end(
    stack: Stack, gateway: Gateway, sign_up: SignUp
) -> None:
    await flood(gateway, sign_up(stack), sources(40, of=2), samples=20)


@pytest.mark.faults
@pytest.mark.parametrize("addresses", [1, 200])
async def test_four_hundred_slow_bodies_cost_little_and_end(
    stack: Stack, gateway: Gateway, sign_up: SignUp, addresses: int
) -> None:
    await flood(gateway, sign_up(stack), sources(400, of=addresses), samples=200)


async def hang_up(gateway: Gateway, *, reset: bool) -> None:
    """In mid-body, with an RST or a FIN."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", gateway.port))
        await loop.sock_sendall(client, _EXPECTING)
        # Its body is waited for from here on.
        assert (await loop.sock_recv(client, 100)).startswith(b"HTTP/1.1 100 ")
        await loop.sock_sendall(client, b"{")
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def hang_ups(stack: Stack, gateway: Gateway, count: int) -> None:
    failed, gone = gateway.answered("5"), gateway.answered("499")
    errors = stack.output.count('"level":"error"')
    cpu = sum(gateway.process.cpu_times()[:2])
    written = len(stack.output)
    limit = asyncio.Semaphore(10)

    async def one(number: int) -> None:
        async with limit:
            await hang_up(gateway, reset=number % 2 == 0)

    await asyncio.gather(*(one(number) for number in range(count)))
    await eventually(lambda: gateway.answered("499") - gone == count, timeout=_PATIENCE_SECONDS)
    each = (sum(gateway.process.cpu_times()[:2]) - cpu) / count * 1000
    print(f"{each:.2f} ms of CPU, {(len(stack.output) - written) / count:.0f} bytes of log each")
    assert gateway.answered("5") == failed
    assert stack.output.count('"level":"error"') == errors
    assert "http.unhandled" not in stack.output[written:]


async def test_hang_ups_in_mid_body_are_no_errors(stack: Stack, gateway: Gateway) -> None:
    await hang_ups(stack, gateway, 50)


@pytest.mark.faults
async def test_a_thousand_hang_ups_in_mid_body_are_no_errors(
    stack: Stack, gateway: Gateway
) -> None:
    await hang_ups(stack, gateway, 1000)
