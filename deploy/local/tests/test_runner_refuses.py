"""The runner as a process, where it must say why it does not start."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from chassis.embedded import free_port
from chassis.settings import UNUSABLE_STATUS
from parley_local.state import State


def run(data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "parley_local"],
        env={**os.environ, "PARLEY_DATA": str(data), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_taken_gateway_port_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", free_port()))
        squatter.listen()
        port = squatter.getsockname()[1]
        ended = run(tmp_path / ".data", GATEWAY_PORT=str(port))
    assert ended.returncode == 1
    assert f"port {port} of 127.0.0.1 is taken" in ended.stdout
    assert f"GATEWAY_PORT={port + 10} make run" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    assert not (tmp_path / ".data").exists()


def test_two_runners_in_one_folder_are_refused(tmp_path: Path) -> None:
    state = State(tmp_path / ".data")
    state.open()
    ended = run(tmp_path / ".data", GATEWAY_PORT=str(free_port()))
    state.close()
    assert ended.returncode == 1
    assert f"already runs in {tmp_path / '.data'}: process {os.getpid()}" in ended.stdout


def test_settings_that_make_no_sense_are_said(tmp_path: Path) -> None:
    ended = run(tmp_path / ".data", GATEWAY_PORT="http")
    assert ended.returncode == 1
    assert "settings: GATEWAY_PORT: not a port number" in ended.stdout
    ended = run(tmp_path / ".data", GATEWAY_PORT=str(free_port()), CHAT_DATABASE_URL="x")
    assert ended.returncode == 1
    assert "CHAT_OWNER_DATABASE_URL" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("GATEWAY_HOST", "no.such.host.invalid", "settings: GATEWAY_HOST: not an address"),
        ("GATEWAY_HOST", "192.0.2.1", "settings: GATEWAY_HOST: not an address"),
        ("GATEWAY_PORT", "\u00b2", "settings: GATEWAY_PORT: not a port number"),
        ("GATEWAY_PORT", "65536", "settings: GATEWAY_PORT: not a port number"),
        ("PARLEY_REPLICAS", "gateway=\u00b2", "PARLEY_REPLICAS: 'gateway=\u00b2' is not"),
        ("PARLEY_DATA", "/proc/parley", "/proc/parley cannot be made"),
        ("AUTH_NATS_URL", "nats://a:hunter2@127.0.0.1:4222", "AUTH_NATS_URL is set, so"),
        ("NOTES_EVENTS_PREFIX", "acme", "NOTES_EVENTS_PREFIX is acme"),
    ],
)
def test_what_the_runner_reads_itself_is_refused_in_a_line(
    variable: str, value: str, said: str, tmp_path: Path
) -> None:
    ended = run(tmp_path / ".data", **{"GATEWAY_PORT": str(free_port()), variable: value})
    assert ended.returncode == 1
    assert said in ended.stdout
    assert "hunter2" not in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    assert not (tmp_path / ".data").exists()


def test_several_processes_at_a_name_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    ended = run(
        tmp_path / ".data",
        GATEWAY_PORT=str(free_port()),
        PARLEY_REPLICAS="notes-service=2",
        NOTES_GRPC_HOST="notes.example",
    )
    assert ended.returncode == 1
    assert "settings: NOTES_GRPC_HOST: 'notes.example' is no address" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    assert not (tmp_path / ".data").exists()


def test_an_url_of_a_database_that_is_none_is_refused_in_a_line(tmp_path: Path) -> None:
    names = ("NOTES_DATABASE_URL", "NOTES_WORKER_DATABASE_URL", "NOTES_OWNER_DATABASE_URL")
    urls = dict.fromkeys(names, "postgresql://a:hunter2@127.0.0.1:5432/notes")
    ended = run(
        tmp_path / ".data",
        **{**urls, "NOTES_OWNER_DATABASE_URL": "postgresql://a:hunter2@127.0.0.1:port/notes"},
        GATEWAY_PORT=str(free_port()),
    )
    assert ended.returncode == 1
    assert "settings: NOTES_OWNER_DATABASE_URL: its port is none" in ended.stdout
    assert "hunter2" not in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_service_that_cannot_work_with_its_settings_ends_the_run_at_once(tmp_path: Path) -> None:
    ended = run(
        tmp_path / ".data",
        GATEWAY_PORT=str(free_port()),
        GATEWAY_TRUSTED_PROXIES="10.0.0.1,nonsense",
    )
    assert ended.returncode == UNUSABLE_STATUS
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "starting it again" not in ended.stdout
    *_, name, line = ended.stdout.splitlines()
    assert name == "parley         | gateway cannot work with what it was told"
    assert line.startswith(
        "parley         | settings: GATEWAY_TRUSTED_PROXIES: entry 2: not a network"
    )


def test_a_variable_that_stands_for_those_of_several_services_is_named_itself(
    tmp_path: Path,
) -> None:
    ended = run(
        tmp_path / ".data", GATEWAY_PORT=str(free_port()), REDIS_URL="redis://:hunter2@host:port/0"
    )
    assert ended.returncode == UNUSABLE_STATUS
    assert "settings: CHAT_REDIS_URL (from REDIS_URL): " in ended.stdout
    assert "hunter2" not in ended.stdout + ended.stderr
