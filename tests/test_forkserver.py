"""Forked processes of the tests are what executed ones are, but for what is written down."""

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from .forkserver.processes import start
from .stack import Stack

# Its worker has a fork server already.
pytestmark = pytest.mark.usefixtures("stack")

_ARGUMENTS = ["-m", "tests.forkserver.mirror", "two words", ""]
_ENVIRONMENT = {**os.environ, "ENDS_WITH": "3", "NOT_ASCII": "ü", "EMPTY": ""}
_PR_GET_CHILD_SUBREAPER = 37


def _forked(directory: Path, environment: dict[str, str] = _ENVIRONMENT) -> tuple[int | None, str]:
    """The exit code of a mirror, and what it has written."""
    with (directory / "output").open("w+b") as output:
        code = start(_ARGUMENTS, environment, output).wait(30)
        output.seek(0)
        return code, output.read().decode()


def test_a_forked_process_finds_itself_to_be_what_an_executed_one_is(tmp_path: Path) -> None:
    executed = subprocess.run(
        [sys.executable, *_ARGUMENTS],
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        check=False,
    )
    code, written = _forked(tmp_path)
    assert code == executed.returncode == 3
    assert executed.stderr == b""
    expected, found = json.loads(executed.stdout), json.loads(written)
    assert expected.pop("random") != found.pop("random")
    interpreter, option, room, *arguments = found["command"]
    assert (option, room.strip("-")) == ("-X", "room=")
    found["command"] = [interpreter, *arguments]
    assert found == expected
    assert found["parent"] == os.getpid()
    assert found["shown environment"] == _ENVIRONMENT


def test_a_worker_is_forked_from_one_that_has_imported_the_tests(worker_id: str) -> None:
    if worker_id == "master":
        pytest.skip("there are no workers")
    # By other ways it would work too, and cost ten seconds more.
    assert sys.orig_argv == [sys.executable, "-m", "tests.forkserver.worker"]


def test_no_two_forked_processes_draw_the_same_random_numbers(tmp_path: Path) -> None:
    one, other = (json.loads(_forked(tmp_path)[1])["random"] for _ in range(2))
    assert not set(one) & set(other)


def test_a_variable_without_effect_on_a_forked_process_is_refused(tmp_path: Path) -> None:
    code, written = _forked(tmp_path, {**_ENVIRONMENT, "GRPC_VERBOSITY": "debug"})
    assert code == 1
    assert written.endswith("EnvironmentReadAtStart: GRPC_VERBOSITY\n")


def test_a_forked_process_that_is_killed_has_its_signal_as_exit_code(tmp_path: Path) -> None:
    arguments = ["-m", "parley_local.model_server", "--port", "0"]
    with (tmp_path / "output").open("wb") as output:
        process = start(arguments, _ENVIRONMENT, output)
        assert process.ppid() == os.getpid()
        process.kill()
        assert process.wait(30) == -signal.SIGKILL


def test_who_has_started_processes_adopts_no_orphans_of_others(tmp_path: Path) -> None:
    _forked(tmp_path)
    adopts = ctypes.c_int(-1)
    ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(adopts), 0, 0, 0)
    assert adopts.value == 0


def _metrics(port: int) -> str:
    return httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30, verify=False).text


def test_forked_services_are_the_runners_children_and_have_metrics_of_their_own(
    stack: Stack,
) -> None:
    assert stack.process is not None
    assert stack.process.ppid() == os.getpid()
    own = {"gateway": "http_requests_total", "chat_service": "chat_live_runs"}
    found: dict[str, Any] = {}
    for module in own:
        for member in stack.members(module):
            assert psutil.Process(member.process.pid).ppid() == stack.process.pid
            told = _metrics(member.metrics_port)
            found[module] = {name for name in own.values() if f"# TYPE {name} " in told}
    assert found == {module: {name} for module, name in own.items()}
