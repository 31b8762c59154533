"""The health check of a container, against the port that it asks."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.embedded import free_port
from chassis.health import Check, HealthBook, OpsServer
from chassis.settings import ServiceSettings

READY = Path(__file__).resolve().parents[2] / "ready"


class Dependency:
    """Away when told."""

    def __init__(self) -> None:
        self.away = False

    async def probe(self) -> None:
        if self.away:
            raise ConnectionError


@pytest.fixture
def needed() -> Dependency:
    return Dependency()


@pytest.fixture
def useful() -> Dependency:
    return Dependency()


@pytest.fixture
def book(needed: Dependency, useful: Dependency) -> HealthBook:
    return HealthBook([Check("needed", needed.probe, critical=True), Check("useful", useful.probe)])


@pytest.fixture
async def server(book: HealthBook) -> AsyncIterator[OpsServer]:
    nowhere = Path("/")
    settings = ServiceSettings(tls_ca_file=nowhere, tls_cert_file=nowhere, tls_key_file=nowhere)
    server = OpsServer(book, settings)
    await server.start()
    yield server
    await server.stop()


async def ask(port: int | None) -> tuple[int, str]:
    """The exit status of the check, and what it said, with nothing else in its environment."""
    environment = {"PATH": os.defpath, "AUTH_METRICS_HOST": "0.0.0.0"}
    if port is not None:
        environment |= {"AUTH_METRICS_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        READY, env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_service_that_serves_is_ready(server: OpsServer, book: HealthBook) -> None:
    assert (await ask(server.port))[0] == 1
    book.serving = True
    assert await ask(server.port) == (0, "")
    book.serving = False
    assert (await ask(server.port))[0] == 1


async def test_a_service_is_not_ready_without_what_it_needs(
    server: OpsServer, book: HealthBook, needed: Dependency
) -> None:
    book.serving = needed.away = True
    assert (await ask(server.port))[0] == 1
    needed.away = False
    assert await ask(server.port) == (0, "")


async def test_a_degraded_service_is_ready(
    server: OpsServer, book: HealthBook, useful: Dependency
) -> None:
    book.serving = useful.away = True
    assert await ask(server.port) == (0, "")


async def test_where_nobody_listens_nothing_is_ready() -> None:
    status, said = await ask(free_port())
    assert status == 1
    assert "refused" in said


async def test_a_container_without_a_port_of_metrics_is_told_so() -> None:
    status, said = await ask(None)
    assert status != 0
    assert "_METRICS_PORT" in said


async def test_a_service_that_never_answers_is_not_ready() -> None:
    connected = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        # Until the other end has gone.
        while await reader.read(1024):
            pass
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        status, _ = await ask(server.sockets[0].getsockname()[1])
    assert connected.is_set()
    assert status == 1
