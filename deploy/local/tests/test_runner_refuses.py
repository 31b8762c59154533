"""The runner as a process, where it must say why it does not start."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from chassis.embedded import free_port
from parley_local.state import State


def run(data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "parley_local"],
        env={**os.environ, "PARLEY_DATA": str(data), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
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
    assert "GATEWAY_PORT is not a port number" in ended.stdout
    ended = run(tmp_path / ".data", GATEWAY_PORT=str(free_port()), CHAT_DATABASE_URL="x")
    assert ended.returncode == 1
    assert "CHAT_OWNER_DATABASE_URL" in ended.stdout
