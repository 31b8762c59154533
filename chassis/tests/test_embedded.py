import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chassis.embedded import (
    EmbeddedNats,
    EmbeddedPostgres,
    EmbeddedServer,
    EmbeddedValkey,
    ServerFailed,
    free_port,
)
from chassis.embedded.ports import is_free, problem_with

SERVERS = (EmbeddedPostgres, EmbeddedValkey, EmbeddedNats)


def make(kind: type[EmbeddedServer], directory: Path, port: int | None = None) -> EmbeddedServer:
    if kind is EmbeddedPostgres:
        return EmbeddedPostgres(directory, port=port, fast=True)
    return kind(directory, port=port)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


def command_lines(needle: str) -> list[str]:
    """Command lines, running processes only, that contain ``needle``."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if needle in line:
            found.append(line)
    return found


@pytest.fixture(params=SERVERS, ids=lambda kind: str(kind.name))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedServer]:
    made = make(request.param, tmp_path / "server")
    try:
        yield made
    finally:
        made.kill()


def test_a_port_is_asked_about_at_127_0_0_1_unless_another_host_is_named() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.2", port)):
        assert problem_with(port) is None
        assert is_free(port)
        assert not is_free(port, "127.0.0.2")
    with socket.create_server(("127.0.0.1", port)):
        problem = problem_with(port)
        assert problem is not None
        assert problem.errno == errno.EADDRINUSE
        assert not is_free(port)
        assert is_free(port, "127.0.0.2")


def test_a_server_starts_stops_and_starts_again_on_its_port(server: EmbeddedServer) -> None:
    server.start()
    port, first = server.port, server.pid
    assert first is not None
    assert not is_free(port)
    server.stop()
    assert server.pid is None
    assert is_free(port)
    server.start()
    assert server.port == port
    assert server.pid not in (None, first)


def test_a_server_does_not_hear_the_signals_of_the_terminal(server: EmbeddedServer) -> None:
    server.start()
    pid = server.pid
    assert pid is not None
    assert os.getsid(pid) == os.getpgid(pid) != os.getsid(0)
    server.stop()


def test_a_server_that_was_killed_starts_again_at_once(server: EmbeddedServer) -> None:
    server.start()
    server.kill()
    assert not server.running
    assert server.wait() == -signal.SIGKILL
    server.restart()
    assert server.running


def test_secrets_are_in_private_files_and_on_no_command_line(server: EmbeddedServer) -> None:
    server.start()
    assert len(server.secret) == 43
    assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700
    for path in server.directory.iterdir():
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert not command_lines(server.secret)
    assert server.secret not in server.log.read_text()


def test_a_taken_port_is_said_with_the_log(server: EmbeddedServer, tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        other = make(type(server), tmp_path / "other", port)
        with pytest.raises(ServerFailed, match=r"ended with .*\n.*"):
            other.start()


def test_postgres_asks_for_the_password_and_keeps_data_after_a_crash(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "pg", fast=True)
    postgres.start()
    try:
        with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
            collation = "SELECT datcollate FROM pg_database WHERE datname = 'postgres'"
            assert connection.execute(collation).fetchone() == ("C",)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(postgres.url("postgres", "wrong", "postgres"))
        with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        postgres.kill()
        postgres.restart()
        with psycopg.connect(postgres.admin_url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    finally:
        postgres.stop()


def test_postgres_waits_for_what_a_killed_one_has_left_running(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "pg", fast=True)
    postgres.start()
    data = tmp_path / "pg" / "data"
    try:
        backend = next(
            process
            for process in psutil.process_iter(["cwd", "cmdline"])
            if process.info["cwd"] == str(data)
            and "checkpointer" in " ".join(process.info["cmdline"] or ())
        )
        # Frozen, it does not notice that its postmaster is gone.
        backend.suspend()
        postgres.kill()
        waking = threading.Timer(1.0, backend.resume)
        waking.start()
        postgres.start()
        assert waking.finished.is_set()
        with psycopg.connect(postgres.admin_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        postgres.stop()


def test_postgres_starts_although_its_old_number_belongs_to_another_process(
    tmp_path: Path,
) -> None:
    postgres = EmbeddedPostgres(tmp_path / "pg", fast=True)
    postgres.start()
    lock = tmp_path / "pg" / "data" / "postmaster.pid"
    first_lines = lock.read_text().split("\n", 1)
    postgres.kill()
    lock.write_text(f"{os.getppid()}\n{first_lines[1]}")
    postgres.start()
    postgres.stop()


def test_valkey_keeps_what_it_acknowledged_and_asks_for_the_password(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path / "valkey")
    valkey.start()
    try:
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)).ping()
        with redis.Redis.from_url(valkey.url) as client:
            client.set("kept", "7")
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendfsync") == {"appendfsync": "always"}
        valkey.kill()
        valkey.restart()
        with redis.Redis.from_url(valkey.url) as client:
            assert client.get("kept") == b"7"
    finally:
        valkey.stop()


START_ALL_AND_SLEEP = """
import sys, threading
from pathlib import Path
from chassis.embedded import EmbeddedNats, EmbeddedPostgres, EmbeddedValkey

servers = [kind(Path(sys.argv[1]) / kind.name) for kind in
           (EmbeddedPostgres, EmbeddedValkey, EmbeddedNats)]
starters = [threading.Thread(target=server.start) for server in servers]
for starter in starters: starter.start()
for starter in starters: starter.join()
print(*(server.port for server in servers), flush=True)
sys.stdin.read()
for server in servers: server.stop()
"""


def start_all(directory: Path, **environment: str) -> tuple[subprocess.Popen[str], list[int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", START_ALL_AND_SLEEP, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    return process, [int(port) for port in process.stdout.readline().split()]


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_no_server_outlives_a_killed_parent_and_the_next_start_works(tmp_path: Path) -> None:
    for _ in range(2):
        parent, ports = start_all(tmp_path)
        assert len(ports) == 3
        # The threads that started the servers have ended by now; the servers live on.
        assert not any(is_free(port) for port in ports)
        with psycopg.connect(
            EmbeddedPostgres(tmp_path / "postgres", port=ports[0]).admin_url, autocommit=True
        ) as busy:
            # A backend that is busy computing does not look up by itself.
            busy.execute("SET statement_timeout = '60s'")
            killer = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -9 {parent.pid}"])
            with pytest.raises(psycopg.OperationalError):
                busy.execute("SELECT count(*) FROM generate_series(1, 100000000000)")
            killer.wait()
        assert parent.wait() == -signal.SIGKILL
        for pipe in (parent.stdin, parent.stdout):
            assert pipe is not None
            pipe.close()
        wait_until(lambda: not command_lines(str(tmp_path)))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root falls back")
def test_root_without_user_namespaces_runs_postgres_as_nobody(tmp_path: Path) -> None:
    # A PATH on which `unshare` fails, as it does where a container forbids it.
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (bin_folder / "unshare").chmod(0o755)
    data = tmp_path / "root-only" / "servers"
    data.mkdir(parents=True)
    data.parent.chmod(0o700)
    nobody = 65534
    usual = os.environ["PATH"]
    # And back: the same data, where user namespaces are allowed again.
    for path, owner in ((f"{bin_folder}:{usual}", nobody), (usual, 0)):
        parent, ports = start_all(data, PATH=path)
        assert len(ports) == 3
        assert (data / "postgres" / "data").stat().st_uid == owner
        parent.communicate("", timeout=30)
        assert parent.returncode == 0


def test_no_port_is_given_twice() -> None:
    ports = [free_port() for _ in range(500)]
    assert len(set(ports)) == 500


def test_no_port_is_given_to_two_processes_before_a_server_listens_there() -> None:
    """Both draw the same numbers: the second finds every port reserved that the first was given."""
    draw = (
        "import random, sys\n"
        "from chassis.embedded.ports import free_port\n"
        "random.seed(7)\n"
        "print(*(free_port() for _ in range(40)), flush=True)\n"
        "sys.stdin.read()\n"
    )
    given: list[list[int]] = []
    with ExitStack() as stack:
        for _ in range(2):
            drawing = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", draw],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert drawing.stdout is not None
            given.append([int(port) for port in drawing.stdout.readline().split()])
        first, second = given
        assert len(set(first)) == len(set(second)) == 40
        assert not set(first) & set(second)
        # A server of any process can have it all the same.
        with socket.create_server(("127.0.0.1", first[0])):
            pass
