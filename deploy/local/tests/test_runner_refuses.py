"""The runner as a process, where it must say why it does not start."""

import os
import socket
import subprocess
import sys
from datetime import datetime
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
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        ended = run(tmp_path / ".data", GATEWAY_PORT=str(port))
    assert ended.returncode == 1
    assert f"port {port} of 127.0.0.1 is taken" in ended.stdout
    assert f"GATEWAY_PORT={port + 10} make run" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    assert not (tmp_path / ".data").exists()


@pytest.mark.parametrize("taken", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_two_runners_in_one_folder_are_refused_whatever_the_port(
    taken: bool, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        state = State(tmp_path / ".data", url=f"http://127.0.0.1:{port}")
        state.open()
        began = f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"
        ended = run(tmp_path / ".data", GATEWAY_PORT=str(port if taken else free_port()))
        state.close()
    assert ended.returncode == 1
    said = ended.stdout
    assert f"already runs in {tmp_path / '.data'}: process {os.getpid()}, since " in said
    # But for the midnight, or the minute, that may be in between.
    assert began[:13] in said
    assert f"at http://127.0.0.1:{port}." in said
    assert "Ctrl-C in its terminal stops it" in said
    assert "PARLEY_DATA=/some/folder GATEWAY_PORT=" in said
    # Nothing was begun, so nothing has stopped.
    assert "stopped" not in said
    assert "is taken" not in said


_UNSHARED = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
_IN_A_DISK = """
mount -t tmpfs -o size=$SIZE tmpfs "$1" && mkdir "$1/.data" && chmod 700 "$1/.data" || exit 99
[ "$READ_ONLY" ] && mount -o remount,ro "$1"
export PARLEY_DATA="$1/.data"
exec "$2" -m parley_local
"""


@pytest.mark.parametrize(
    ("size", "read_only", "problem"),
    [
        pytest.param(
            "16k", "", "No space left on device", marks=pytest.mark.slow
        ),  # certificates have no room
        ("2m", "", "No space left on device"),  # the database has none
        pytest.param("16k", "yes", "Read-only file system", marks=pytest.mark.slow),
    ],
)
def test_a_disk_that_takes_nothing_is_said_without_a_stack(
    size: str, read_only: str, problem: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [*_UNSHARED, _IN_A_DISK, "-", str(tmp_path), sys.executable],
        env={
            **os.environ,
            "SIZE": size,
            "READ_ONLY": read_only,
            "GATEWAY_PORT": str(free_port()),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if ended.returncode == 99 or "unshare" in ended.stderr:
        pytest.skip("no file systems can be mounted here")
    assert ended.returncode == 1
    assert problem in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


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
        pytest.param(
            "GATEWAY_HOST",
            "192.0.2.1",
            "settings: GATEWAY_HOST: not an address",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "GATEWAY_PORT",
            "\u00b2",
            "settings: GATEWAY_PORT: not a port number",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "GATEWAY_PORT",
            "65536",
            "settings: GATEWAY_PORT: not a port number",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "PARLEY_REPLICAS",
            "gateway=\u00b2",
            "PARLEY_REPLICAS: 'gateway=\u00b2' is not",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "PARLEY_DATA", "/proc/parley", "/proc/parley cannot be made", marks=pytest.mark.slow
        ),
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
    lines = ended.stdout.splitlines()
    at = lines.index("parley         | gateway cannot work with what it was told")
    assert lines[at + 1].startswith(
        "parley         | settings: GATEWAY_TRUSTED_PROXIES: entry 2: not a network"
    )
    # The reason first, then what follows from it.
    assert lines[at + 2].startswith("parley         | stopping gateway")
    assert lines[-1] == "parley         | stopped"


@pytest.mark.slow
def test_a_variable_that_stands_for_those_of_several_services_is_named_itself(
    tmp_path: Path,
) -> None:
    ended = run(
        tmp_path / ".data", GATEWAY_PORT=str(free_port()), REDIS_URL="redis://:hunter2@host:port/0"
    )
    assert ended.returncode == UNUSABLE_STATUS
    assert "settings: CHAT_REDIS_URL (from REDIS_URL): " in ended.stdout
    assert "hunter2" not in ended.stdout + ended.stderr
