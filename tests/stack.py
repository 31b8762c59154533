"""A whole Parley in a folder of its own, as `python -m parley_local` runs it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg

from chassis.embedded import EmbeddedNats, EmbeddedPostgres, EmbeddedValkey, free_port
from chassis.testing.eventually import eventually

from .forkserver import processes as forked
from .members import Member, serving

# Without a word; and in all, before pytest gives the whole worker up.
_SILENT_SECONDS = 120.0
_READY_SECONDS = 270.0
_STOP_SECONDS = 60.0
_SETTLE_SECONDS = 60.0
# The runner's own lines, and a service's reason not to start.
_IS_SAID = re.compile(r'"service": "parley"|^settings: ')
# As cheap as argon2 goes: of a log-in, its hash is nearly all that it costs.
_CHEAP_PASSWORDS = {"AUTH_PASSWORD_MEMORY_KIB": "8", "AUTH_PASSWORD_ITERATIONS": "1"}


def _execute(
    arguments: Sequence[str], environment: Mapping[str, str], output: IO[bytes]
) -> psutil.Process:
    return psutil.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
    )


@dataclass
class Stack:
    """Started by :meth:`start`; what it says goes to ``output``, in the folder."""

    directory: Path
    port: int = field(default_factory=free_port)
    demo_port: int = field(default_factory=free_port)
    process: psutil.Process | None = None
    environment: dict[str, str] = field(default_factory=dict)
    #: Said to the runner beside what every stack says.
    arguments: tuple[str, ...] = ()
    #: Whether its processes are forked from one that has loaded them, rather than executed.
    forked: bool = True
    #: Where each gateway is, the first at ``url``; known once the stack has started.
    gateways: tuple[str, ...] = ()
    _members: list[Member] = field(default_factory=list)
    # How much of the output is old.
    _read: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def model_url(self) -> str:
        """Base URL of the scripted model server that the runner offers."""
        return f"http://127.0.0.1:{self.demo_port}/v1"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def output(self) -> str:
        return (self.directory / "output").read_text(errors="replace")

    @property
    def _complaints(self) -> str:
        """What the runner said, which may stand far above the end, and the end of the output."""
        said = [line for line in self.output.splitlines() if _IS_SAID.search(line)]
        return "\n".join([*said[-40:], "...", self.output[-4000:]])

    @property
    def news(self) -> str:
        """The output since the stack has last settled."""
        return (self.directory / "output").read_bytes()[self._read :].decode(errors="replace")

    def start(self) -> None:
        """Start, and return once every gateway and service is ready."""
        with (self.directory / "output").open("ab") as output:
            told_before = output.tell()
            environment = {
                **os.environ,
                # All users of the tests are at one address.
                "AUTH_REGISTRATIONS_PER_HOUR": "100000",
                **(_CHEAP_PASSWORDS if self.forked else {}),
                **self.environment,
                "PARLEY_DATA": str(self.data),
                "GATEWAY_PORT": str(self.port),
                "DEMO_MODEL_PORT": str(self.demo_port),
            }
            start = forked.start if self.forked else _execute
            module = "tests.forkserver.runner" if self.forked else "parley_local"
            arguments = ["-m", module, "--json", "--with-parent", *self.arguments]
            self.process = start(arguments, environment, output)
        began = heard = time.monotonic()
        size = told_before
        while not (urls := self._ready_at(told_before)):
            ended = not self.process.is_running() or self.process.status() == psutil.STATUS_ZOMBIE
            now = time.monotonic()
            if (told := (self.directory / "output").stat().st_size) > size:
                size, heard = told, now
            if ended or now - heard > _SILENT_SECONDS or now - began > _READY_SECONDS:
                raise AssertionError(f"the stack is not ready:\n{self._complaints}")
            time.sleep(0.05)
        self.gateways = urls
        self._members = [Member.of(self, process) for process in serving(self)]
        self._members.sort(key=lambda member: (member.module, member.port))

    async def settle(self) -> None:
        """Return when every process is up and calls itself fit, its fellows included."""
        for member in self._members:
            await eventually(member.is_fit, timeout=_SETTLE_SECONDS)
        self._read = (self.directory / "output").stat().st_size

    def members(self, module: str) -> list[Member]:
        """The places of a service; which process is there changes with each new start."""
        return [member for member in self._members if member.module == module]

    def _ready_at(self, told_before: int) -> tuple[str, ...]:
        told = (self.directory / "output").read_bytes()[told_before:].decode(errors="replace")
        ready = re.search(r'"gateways": \[([^]]*)\]', told)
        return tuple(re.findall(r'"(http[^"]+)"', ready[1])) if ready else ()

    def stop(self) -> int | None:
        """Ctrl-C; the runner's exit code once everything is down."""
        assert self.process is not None
        children = self.children()
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(_STOP_SECONDS)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            self.kill()
            raise AssertionError(f"the stack does not stop:\n{self._complaints}") from None
        psutil.wait_procs(children, timeout=10)
        self.process = None
        return code

    def kill(self) -> list[psutil.Process]:
        """Kill -9 the runner alone; the processes it had."""
        assert self.process is not None
        children = self.children()
        self.process.kill()
        self.process.wait()
        self.process = None
        return children

    def children(self) -> list[psutil.Process]:
        """Every process the runner has started, servers' own children included."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def service(self, module: str) -> psutil.Process:
        """The process of ``python -m <module> serve``."""
        for child in self.children():
            # One that was killed a moment ago has no command line any more.
            with suppress(psutil.NoSuchProcess):
                if {"-m", module, "serve"} <= set(child.cmdline()):
                    return child
        raise AssertionError(f"{module} does not run")

    def server(self, program: str) -> psutil.Process:
        """The embedded server whose program's file is called ``program``."""
        for child in self.children():
            with suppress(psutil.NoSuchProcess):
                if Path(child.exe()).name == program and "-m" not in child.cmdline():
                    return child
        raise AssertionError(f"{program} does not run")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A service's command, as a person types it: its name, then the command.

        It is forked where the processes of the stack are.
        """
        environment = {**os.environ, "PARLEY_DATA": str(self.data)}
        if self.forked:
            return forked.run(["-m", "tests.forkserver.command", *words], environment)
        return subprocess.run(
            [sys.executable, "-m", "parley_local.command", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    # Where the embedded servers are, for tests that look behind the API.

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of chat-service's database, past the proxies and every policy."""
        with psycopg.connect(
            self.database_url("chat"), autocommit=True, connect_timeout=5
        ) as connection:
            # The statements are the tests' own.
            return connection.execute(statement.encode(), values).fetchall()

    def status_of(self, run_id: str) -> str:
        """Of the run, as the database has it."""
        ((status,),) = self.query("SELECT status FROM runs WHERE id = %s", run_id)
        return str(status)

    def database_url(self, service: str) -> str:
        """The superuser's URL of the database of ``auth``, ``apikey``, ``chat`` or ``notes``."""
        port = int((self.data / "postgres/data/postmaster.pid").read_text().splitlines()[3])
        postgres = EmbeddedPostgres(self.data / "postgres", port=port)
        return re.sub(r"/[^/]*$", f"/parley_{service}", postgres.admin_url)

    @property
    def redis_url(self) -> str:
        port = re.search(
            r"^port (\d+)", (self.data / "valkey/valkey.conf").read_text(), re.MULTILINE
        )
        assert port is not None
        return EmbeddedValkey(self.data / "valkey", port=int(port[1])).url

    @property
    def nats_url(self) -> str:
        port = json.loads((self.data / "nats/nats.conf").read_text())["port"]
        return EmbeddedNats(self.data / "nats", port=port).url
