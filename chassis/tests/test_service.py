"""The life of a service, in a real process."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chassis.service import Component, Service
from chassis.settings import UNUSABLE_STATUS, ServiceSettings
from chassis.testing.operations import get_json

SCRIPT = """
import asyncio, os, sys
from pathlib import Path
from chassis.health import Check
from chassis.service import Component, Service
from chassis.settings import ServiceSettings, UnusableSetting

class Part(Component):
    def __init__(self, name): self.name = name
    async def start(self): print(f"start {self.name}", flush=True)
    async def drain(self):
        print(f"drain {self.name}", flush=True)
        if "slow" in sys.argv:
            await asyncio.sleep(60)
    async def stop(self):
        print(f"stop {self.name}", flush=True)
        if "stuck" in sys.argv and self.name == "b":
            await asyncio.Event().wait()
        if "broken" in sys.argv and self.name == "b":
            raise ValueError("broken")

class Misled(Component):
    async def start(self): raise UnusableSetting("TEST_NAME", "not what it should be")

class Unstartable(Component):
    async def start(self): raise ValueError("cannot")

async def away(): raise OSError("away")
async def critical():
    if os.environ["MARK"] and not Path(os.environ["MARK"]).exists(): raise OSError("away")

parts = [Part("a"), Part("b")] + ([Unstartable()] if "unstartable" in sys.argv else [])
parts += [Misled()] if "misled" in sys.argv else []
settings = ServiceSettings(tls_ca_file="/", tls_cert_file="/", tls_key_file="/",
                           drain_seconds=60 if "patient" in sys.argv else 0.3, metrics_host=os.environ.get("AT", "127.0.0.1"),
                           metrics_port=int(os.environ.get("ON", "0")))
Service("test-service", settings, components=parts,
        checks=[Check("cache", away), Check("database", critical, critical=True)]).run()
"""


class Process:
    def __init__(self, *arguments: str, mark: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "MARK": mark},
        )
        self.lines: list[str] = []

    def read_until(self, text: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if text in line:
                return json.loads(line) if line.startswith("{") else {}
        raise AssertionError(f"ended without {text!r}: {self.lines}")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=20)
        self.lines += [line.strip() for line in output.splitlines()]
        return self.process.returncode


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        assert one.process.stdout is not None
        one.process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_closes_in_reverse_and_exits_0(
    processes: list[Process], number: signal.Signals
) -> None:
    process = Process()
    processes.append(process)
    process.read_until("service.started")
    # Which is none to end at, also where there is no file to be read anew.
    process.process.send_signal(signal.SIGHUP)
    assert process.end(number) == 0
    said = [line for line in process.lines if not line.startswith("{")]
    assert said == ["start a", "start b", "drain b", "drain a", "stop b", "stop a"]


def test_a_drain_that_does_not_end_is_cut_short(processes: list[Process]) -> None:
    process = Process("slow")
    processes.append(process)
    process.read_until("service.started")
    assert process.end() == 0
    assert process.lines.count("stop a") == 1
    assert any("service.drain_cut_short" in line for line in process.lines)


def test_a_second_signal_ends_a_drain_at_once(processes: list[Process]) -> None:
    process = Process("slow", "patient")
    processes.append(process)
    process.read_until("service.started")
    process.process.send_signal(signal.SIGTERM)
    process.read_until("drain a")
    assert process.end() == 1
    assert not [line for line in process.lines if line.startswith("stop")]


@pytest.mark.parametrize("how", ["broken", "stuck"])
def test_a_part_that_fails_to_stop_or_never_does_keeps_no_other(
    processes: list[Process], how: str
) -> None:
    process = Process(how)
    processes.append(process)
    process.read_until("service.started")
    assert process.end() == 0
    assert "stop a" in process.lines
    assert any("service.stop_failed" in line for line in process.lines)


def test_a_part_that_cannot_start_stops_the_others_and_exits_1(processes: list[Process]) -> None:
    process = Process("unstartable")
    processes.append(process)
    output, _ = process.process.communicate(timeout=20)
    assert process.process.returncode == 1
    assert "stop a" in output.splitlines()
    assert "service.start_failed" in output


def refused(*arguments: str, **environment: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "MARK": "", **environment},
        check=False,
    )
    assert ended.returncode == UNUSABLE_STATUS
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "service.start_failed" not in ended.stdout
    return ended.stderr.splitlines()


def test_a_part_that_was_told_nonsense_is_one_line_and_a_status_of_its_own() -> None:
    assert refused("misled") == ["settings: TEST_NAME: not what it should be"]


def test_an_address_that_cannot_be_listened_on_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = str(squatter.getsockname()[1])
        assert refused(ON=port) == [
            f"settings: METRICS_PORT: port {port} is taken by another program"
        ]
    [line] = refused(AT="no.such.host.invalid")
    assert line.startswith("settings: METRICS_HOST: not an address to listen on here: ")
    # Of the documentation's network (RFC 5737): no interface of this machine has it.
    [line] = refused(AT="192.0.2.1")
    assert line.startswith("settings: METRICS_HOST: not an address to listen on here: ")


def test_readiness_tells_dependencies_apart(processes: list[Process], tmp_path: Path) -> None:
    mark = tmp_path / "database-is-here"
    process = Process(mark=str(mark))
    processes.append(process)
    port = process.read_until("service.started")["metrics_port"]
    status, health = get_json(port, "/readyz")
    assert (status, health["status"]) == (503, "down")
    assert health["checks"] == {"cache": "away", "database": "away"}
    mark.touch()
    status, health = get_json(port, "/readyz")
    assert (status, health["status"]) == (200, "degraded")
    assert get_json(port, "/healthz") == (200, {"status": "ok"})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        assert b"process_cpu_seconds_total" in answer.read()


def test_answers_bear_the_date_of_their_second_and_not_of_the_first_one(
    processes: list[Process], tmp_path: Path
) -> None:
    process = Process(mark=str(tmp_path / "none"))
    processes.append(process)
    port = process.read_until("service.started")["metrics_port"]
    dates: set[str] = set()
    deadline = time.monotonic() + 20
    while len(dates) < 3:
        assert time.monotonic() < deadline, dates
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as answer:
            dates.add(answer.headers["date"])


async def test_a_service_can_be_started_and_stopped_in_process() -> None:
    started = asyncio.Event()

    class Part(Component):
        async def start(self) -> None:
            started.set()

        async def stop(self) -> None:
            started.clear()

    settings = ServiceSettings(
        tls_ca_file=Path("/"), tls_cert_file=Path("/"), tls_key_file=Path("/")
    )
    service = Service("test-service", settings, components=[Part()])
    await service.start()
    assert started.is_set()
    assert service.metrics_port > 0
    await service.stop()
    assert not started.is_set()
