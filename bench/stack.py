"""A Parley of the bench's own, as `make run` starts it, with data of its own and on free ports."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import procfs
from bench.rest import Parley
from chassis.embedded import child_command, free_port

# Module names as they stand in the services' command lines, in the order of the table.
SERVICES = ("gateway", "auth_service", "apikey_service", "chat_service", "notes_service")
# What runs beside them, by the beginning of the program's name.
SERVERS = {"postgres": "PostgreSQL", "valkey": "Valkey", "redis": "Valkey", "nats": "NATS"}
_READY_SECONDS = 120.0
_STOP_SECONDS = 40.0


class StackError(Exception):
    """Parley did not start, or a part of it is missing."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running Parley."""

    parley: Parley
    ready_seconds: float
    runner: subprocess.Popen[bytes]

    def services(self) -> dict[str, int]:
        """Process ids of the five services, by module name."""
        found = {}
        for process in procfs.children(self.runner.pid):
            module = _module(procfs.command(process.pid))
            if module in SERVICES:
                found[module] = process.pid
        if missing := set(SERVICES) - found.keys():
            raise StackError(f"not running: {', '.join(sorted(missing))}")
        return {name: found[name] for name in SERVICES}

    def servers(self) -> dict[str, int]:
        """Process ids of the servers beside them: the tops of their trees."""
        found = {}
        for process in procfs.children(self.runner.pid):
            for prefix, name in SERVERS.items():
                if process.name.startswith(prefix):
                    found[name] = process.pid
        return found


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder for the stack's data beside `make run`'s own, on the same disk; removed at the end."""
    parent = Path(".data")
    parent.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix="bench-", dir=parent, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder).absolute()


@contextmanager
def stack(
    folder: Path, settings: Mapping[str, str] | None = None, *, python: Path = Path(sys.executable)
) -> Iterator[Stack]:
    """Parley with its data in the folder: ready on entry, stopped in good order on exit.

    ``settings`` are environment variables; its log is ``runner.log`` in the folder. ``python`` has it installed,
    which may be another release.
    """
    port = free_port()
    environment = {
        # A few users stand for many, and all of them are at one address.
        "AUTH_REGISTRATIONS_PER_HOUR": "100000",
        "AUTH_LOGINS_PER_HOUR": "100000",
        "CHAT_RUNS_PER_USER": "100000",
        "GATEWAY_EVENT_STREAMS_PER_USER": "100000",
        **_environment(),
        **(settings or {}),
        "GATEWAY_PORT": str(port),
        "PARLEY_DATA": str(folder / "data"),
    }
    log = folder / "runner.log"
    began = time.monotonic()
    with log.open("ab") as output:
        runner = subprocess.Popen(
            child_command(
                [str(python), "-m", "parley_local", "--json"], death_signal=signal.SIGTERM
            ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            # Ctrl-C is for the bench, which then stops the runner in good order.
            start_new_session=True,
        )
    try:
        parley = Parley(port)
        _wait_until_ready(parley, runner, began + _READY_SECONDS)
        yield Stack(parley, time.monotonic() - began, runner)
    except BaseException as error:
        error.add_note("\n".join(["Parley's last lines:", *_last_lines(log)]))
        raise
    finally:
        runner.send_signal(signal.SIGTERM)
        try:
            runner.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            runner.kill()
            runner.wait()


def _wait_until_ready(parley: Parley, runner: subprocess.Popen[bytes], deadline: float) -> None:
    while True:
        try:
            status, content = parley.request("GET", "/readyz")
        except OSError:
            status, content = 0, b"nothing listens"
        if status == 200 and b'"ok"' in content:
            return
        if runner.poll() is not None or time.monotonic() > deadline:
            raise StackError(f"Parley is not ready: {content[:500]!r}")
        time.sleep(0.05)


def _last_lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]


def _environment() -> dict[str, str]:
    """Ours, less what would move the stack to servers or ports of someone else's."""
    elsewhere = ("_URL", "_TARGET", "_PORT", "_HOST")
    return {name: value for name, value in os.environ.items() if not name.endswith(elsewhere)}


def _module(command: Sequence[str]) -> str:
    return command[command.index("-m") + 1] if "-m" in command[:-1] else ""
