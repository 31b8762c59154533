"""The processes of a fork server, as the runner and the tests handle them."""

import asyncio
import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from .client import ForkServer
from .identity import roomy
from .order import Order


class Running:
    """A child, as asyncio's own subprocesses are to who handles them."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._ended = asyncio.Event()
        handle = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(handle, self._reap, handle)

    def _reap(self, handle: int) -> None:
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)
        _, status = os.waitpid(self.pid, 0)
        self.returncode = os.waitstatus_to_exitcode(status)
        self._ended.set()

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        # Until it is waited for the id is nobody else's.
        if self.returncode is None:
            os.kill(self.pid, number)


class Starter:
    """Starts the runner's parts in a fork server, in place of ``parley_local.parts.execute``."""

    def __init__(self, server: ForkServer) -> None:
        self._server = server

    async def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Running:
        order = Order(
            arguments, environment, str(Path.cwd()), os.getpid(), signal.SIGKILL, new_session=True
        )
        reading, writing = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        output = os.fdopen(reading, "rb", buffering=0)
        try:
            pid = self._server.start(order, nothing, writing, writing)
        except BaseException:
            output.close()
            raise
        finally:
            os.close(nothing)
            os.close(writing)
        stdout = asyncio.StreamReader()
        running = Running(pid, stdout)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stdout), output
        )
        return running


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    output: IO[bytes],
    *,
    death_signal: int = 0,
) -> psutil.Process:
    """``python`` with these arguments, as a child of this process; its output goes to ``output``."""
    order = Order(
        arguments, environment, str(Path.cwd()), os.getpid(), death_signal, new_session=True
    )
    with Path(os.devnull).open("rb") as nothing:
        written = output.fileno()
        return psutil.Process(_server().start(order, nothing.fileno(), written, written))


def run(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """``python`` with these arguments, to its end, with nothing on its standard input."""
    order = Order(
        arguments, environment, str(Path.cwd()), os.getpid(), signal.SIGKILL, new_session=False
    )
    with (
        Path(os.devnull).open("rb") as nothing,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        pid = _server().start(order, nothing.fileno(), output.fileno(), errors.fileno())
        _, status = os.waitpid(pid, 0)
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(
            [sys.executable, *arguments],
            os.waitstatus_to_exitcode(status),
            output.read().decode(),
            errors.read().decode(),
        )


def use(server: ForkServer) -> None:
    """Start processes by this one, and by no other."""
    _servers.append(server)
    atexit.register(server.close)


def _server() -> ForkServer:
    """This process's own, for as long as it runs."""
    if not _servers:
        _servers.append(_execute_a_server())
    return _servers[0]


_servers: list[ForkServer] = []


def _execute_a_server() -> ForkServer:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command, environment = roomy(["-m", "tests.forkserver", str(theirs.fileno())], os.environ)
    with theirs:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    server = ForkServer(ours)

    def end() -> None:
        server.close()
        process.wait()

    atexit.register(end)
    return server
