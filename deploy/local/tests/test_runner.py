"""The whole runner, as a process: everything it starts is real."""

import asyncio
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.js.errors import NotFoundError

from chassis.embedded import free_port
from chassis.nats_accounts import OPERATOR
from parley.events.rights import CONSUMES
from parley_local.topology import SERVICES

# Who says it, and what: the runner in words, everybody else an event that is no alarm.
ONE_LINE = re.compile(r"parley +\| (info )?\w.*|[a-z-]+ +\| (info|debug) [a-z_.]+( [a-z_]+=.*)*")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Run:
    """A runner, and what it has said so far."""

    def __init__(self, data: Path, port: int, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "parley_local"],
            env={
                **os.environ,
                **environment,
                "PARLEY_DATA": str(data),
                "GATEWAY_PORT": str(port),
                "STARTED_FOR": str(data),  # a mark that every process inherits
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def end(self) -> None:
        """By force; returns when the last of its words have been read."""
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def until(self, words: str, silence: float = 120.0) -> str:
        """The next line with ``words`` in it; given up when nothing at all was said for so many seconds.

        How long a start takes is the machine's matter: while steps of it are told, it goes on.
        """
        while True:
            try:
                line = self._lines.get(timeout=silence)
            except queue.Empty:
                line = None
            if line is None:
                pytest.fail(f"{words!r} was not said:\n" + "\n".join(self.said))
            self.said.append(line)
            if words in line:
                return line

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def call(self, method: str, path: str, body: object = None, token: str = "") -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Bearer {token}"} if token else {}),
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            # Else its socket is found open by some later test.
            error.close()
            raise


@contextmanager
def running(data: Path, port: int, **environment: str) -> Iterator[Run]:
    run = Run(data, port, **environment)
    try:
        yield run
    finally:
        run.end()
        wait_until(lambda: not processes_of(data))


def processes_of(data: Path) -> list[str]:
    """The processes that have anything to do with this data folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                # Servers that rename themselves overwrite their environment.
                traces = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                traces += bytes((entry / "cwd").readlink())
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if str(data).encode() in traces and state != "Z":
                found.append(entry.name)
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def pid_of(data: Path, module: str) -> int:
    """Of the one process that runs ``module`` on this data."""
    found = []
    for pid in processes_of(data):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if f"\0-m\0{module}\0".encode() in command:
                found.append(int(pid))
    assert len(found) == 1, found
    return found[0]


def test_it_comes_up_keeps_things_up_and_keeps_what_it_was_told(tmp_path: Path) -> None:
    data, port = tmp_path / ".data", free_port()
    ada = {"username": "ada", "email": "ada@example.org", "password": "a long enough secret"}
    connections = tmp_path / "connections.toml"
    connections.write_text("connections = []")
    with running(data, port, APIKEY_CONNECTIONS_FILE=str(connections)) as run:
        run.until("ready in")
        assert len(run.said) <= 25, "\n".join(run.said)
        assert [line for line in run.said if not ONE_LINE.fullmatch(line)] == []
        assert run.call("GET", "/readyz")["status"] == "ok"
        registered = run.call("POST", "/api/v1/auth/register", ada)
        token = registered["access_token"]
        note = run.call("POST", "/api/v1/notes", {"title": "kept", "content": "this"}, token)

        # A service that is killed comes back, and works.
        os.kill(pid_of(data, "notes_service"), signal.SIGKILL)
        run.until("notes-service was killed by SIGKILL; starting it again in 0.5 s")
        run.until("notes-service was started again")
        path = f"/api/v1/notes/{note['id']}"
        wait_until(lambda: answers(run, path, token))
        assert run.call("GET", path, token=token)["title"] == "kept"

        # So does a server.
        postgres = int((data / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(postgres, signal.SIGKILL)
        run.until("postgres was started again")
        wait_until(lambda: answers(run, path, token))

        # What it was told in between is no reason to give up who has worked.
        connections.write_text("[[connections")
        os.kill(pid_of(data, "apikey_service"), signal.SIGKILL)
        run.until("apikey-service was killed by SIGKILL")
        assert "apikey-service" in run.until("starting it again in 30 s")

        # Killed itself, nothing is left running.
        assert len(processes_of(data)) > 8
        run.process.kill()
        run.process.wait()
        wait_until(lambda: not processes_of(data))

    with running(data, port) as run:
        run.until("ready in")
        log_in = {"username": "ada", "password": ada["password"]}
        token = run.call("POST", "/api/v1/auth/login", log_in)["access_token"]
        assert run.call("GET", path, token=token)["title"] == "kept"
        assert run.stop() == 0
        assert not processes_of(data)
        run.until("stopping gateway")
        run.until("stopping auth-service, apikey-service, chat-service, notes-service")
        run.until("stopping postgres, valkey, nats")
        run.until("stopped")
        said = "\n".join(run.said)
        assert "when it stopped" not in said
        assert "Traceback" not in said


def answers(run: Run, path: str, token: str) -> bool:
    try:
        run.call("GET", path, token=token)
    except (urllib.error.HTTPError, OSError):
        return False
    return True


@pytest.mark.slow
def test_interrupted_while_it_starts_it_stops_cleanly(tmp_path: Path) -> None:
    data = tmp_path / ".data"
    with running(data, free_port()) as run:
        run.until("starting postgres")
        assert run.stop() == 0
        run.until("stopped")
        assert not processes_of(data)


@pytest.mark.slow
def test_a_second_signal_forces(tmp_path: Path) -> None:
    data = tmp_path / ".data"
    with running(data, free_port()) as run:
        run.until("starting gateway")
        wait_until(lambda: (pid := find(data, "gateway")) is not None and frozen(pid))
        run.process.send_signal(signal.SIGTERM)
        run.until("SIGTERM: stopping everything")
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(10) == 128 + signal.SIGTERM
        wait_until(lambda: not processes_of(data))


def find(data: Path, module: str) -> int | None:
    try:
        return pid_of(data, module)
    except AssertionError:
        return None


def frozen(pid: int) -> bool:
    """Stop it where it is, so that it does not heed a friendly request."""
    os.kill(pid, signal.SIGSTOP)
    return True


@pytest.mark.slow
def test_a_prefix_of_events_that_all_services_have_is_the_one_that_nats_lets_them_use(
    tmp_path: Path,
) -> None:
    data = tmp_path / ".data"
    prefixes = {f"{member.prefix}EVENTS_PREFIX": "acme" for member in SERVICES}

    async def consumers() -> set[str]:
        port = json.loads((data / "nats" / "nats.conf").read_text())["port"]
        password = (data / "nats" / "users" / OPERATOR).read_text().strip()
        client = await nats.connect(f"nats://{OPERATOR}:{password}@127.0.0.1:{port}")
        try:
            found = await client.jetstream().consumers_info("acme_events")
        except NotFoundError:
            return set()
        finally:
            await client.close()
        return {one.name for one in found}

    wanted = {durable for durables in CONSUMES.values() for durable in durables}
    with running(data, free_port(), **prefixes) as run:
        run.until("ready in")
        wait_until(lambda: asyncio.run(consumers()) >= wanted)
        assert run.stop() == 0
