"""The service as a process: its commands, its probes, its end."""

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable

import pytest

from chassis.embedded import free_port
from chassis.testing import eventually
from chassis.testing.operations import get_json
from chassis.testing.plugin import StartProcess
from chassis.testing.variables import variables_of
from chat_service.settings import Settings

Run = Callable[[str, dict[str, str]], Awaitable[Process]]


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, **variables_of(settings)}


@pytest.fixture
def run(start_process: StartProcess) -> Run:
    async def run(command: str, environment: dict[str, str]) -> Process:
        return await start_process(sys.executable, "-m", "chat_service", command, env=environment)

    return run


def _readiness(port: int) -> str:
    return str(get_json(port, "/readyz")[1]["status"])


async def test_it_serves_until_it_is_told_to_end(settings: Settings, run: Run) -> None:
    port = free_port()
    process = await run("serve", _environment(settings) | {"CHAT_METRICS_PORT": str(port)})

    async def is_ready() -> bool:
        assert process.returncode is None
        return await asyncio.to_thread(_readiness, port) == "ok"

    await eventually(is_ready, timeout=30, ignoring=(OSError,))
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    logs, _ = await process.communicate()
    assert process.returncode == 0
    assert time.monotonic() - began < 15
    assert all(json.loads(line) for line in logs.splitlines())


async def test_to_migrate_what_is_up_to_date_changes_nothing(settings: Settings, run: Run) -> None:
    process = await run("migrate", _environment(settings))
    await process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize("command", ["serve", "migrate"])
async def test_without_its_settings_it_says_what_is_missing(command: str, run: Run) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("CHAT_")}
    process = await run(command, bare)
    _, complaint = await process.communicate()
    assert process.returncode == 2
    assert b"CHAT_APIKEY_TARGET" in complaint


@pytest.mark.parametrize(
    "url",
    [
        "",
        *(
            pytest.param(url, marks=pytest.mark.slow)
            for url in ("redis://127.0.0.1:6379", "redis://name:@127.0.0.1:6379/0")
        ),
    ],
)
async def test_without_a_password_for_redis_it_does_not_start(
    settings: Settings, url: str, run: Run
) -> None:
    process = await run("serve", _environment(settings) | {"CHAT_REDIS_URL": url})
    _, complaint = await process.communicate()
    assert process.returncode == 2
    assert complaint.startswith(b"settings: CHAT_REDIS_URL: ")
