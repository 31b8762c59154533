"""What a service says of itself, by what it depends on."""

import asyncio
from pathlib import Path

import pytest

from chassis import health
from chassis.embedded.ports import problem_with
from chassis.health import Check, HealthBook, OpsServer
from chassis.settings import GrpcServerSettings
from chassis.testing.rpc import tls_files


def _check(name: str, *, critical: bool, away: bool) -> Check:
    async def probe() -> None:
        if away:
            raise ConnectionError

    return Check(name, probe, critical=critical)


@pytest.mark.parametrize(
    ("serving", "database_away", "events_away", "status"),
    [
        (True, False, False, "ok"),
        (True, False, True, "degraded"),
        (True, True, False, "down"),
        (True, True, True, "down"),
        (False, False, False, "down"),
    ],
)
async def test_it_is_down_without_what_is_critical_or_when_it_does_not_serve(
    *, serving: bool, database_away: bool, events_away: bool, status: str
) -> None:
    book = HealthBook(
        [
            _check("database", critical=True, away=database_away),
            _check("events", critical=False, away=events_away),
        ]
    )
    book.serving = serving
    told = await book.ask()
    assert told.status == status
    assert told.checks == {
        "database": "away" if database_away else "ok",
        "events": "away" if events_away else "ok",
    }


async def test_a_probe_that_does_not_return_says_that_it_is_away_and_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "_PROBE_SECONDS", 0.1)

    async def hang() -> None:
        await asyncio.Event().wait()

    book = HealthBook([Check("auth-service", hang), _check("database", critical=True, away=False)])
    book.serving = True
    async with asyncio.timeout(10):
        told = await book.ask()
    assert told.checks == {"auth-service": "away", "database": "ok"}
    assert told.status == "degraded"


async def test_once_it_has_stopped_nothing_of_its_port_is_left(certificates: Path) -> None:
    settings = GrpcServerSettings(**tls_files(certificates, "tester"), metrics_port=0)
    ops = OpsServer(HealthBook([]), settings)
    before = asyncio.all_tasks()
    await ops.start()
    port = ops.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await ops.stop()
    assert asyncio.all_tasks() == before
    assert problem_with(port) is None
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    writer.close()
