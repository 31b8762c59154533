"""The workers of pytest-xdist, forked from one process that has imported all tests.

A worker by itself takes ten seconds of CPU until it has imported them, of which the next one of the
same process takes two.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from execnet.gateway_base import ExecModel, Popen2IO

from .client import ForkServer, ForkServerEnded
from .identity import roomy
from .order import Order


class Collected:
    """The process that has imported the tests below ``paths``; workers that it has forked outlive it."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command, environment = roomy(
            ["-m", "tests.forkserver.collected", str(theirs.fileno()), *paths], os.environ
        )
        with theirs:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        # Nobody is adopted meanwhile: that is for no longer than a start takes.
        if not self._channel.recv(20):
            raise ForkServerEnded
        self._server = ForkServer(self._channel)

    def close(self) -> None:
        self._server.close()
        self._process.wait()

    def worker(self) -> Callable[..., "ForkedWorker"]:
        """In place of execnet's ``Popen2IOMaster``."""
        return lambda _arguments, execmodel: ForkedWorker(self._server, execmodel)


class ForkedWorker(Popen2IO):
    """What execnet starts and talks to; a child of this process."""

    def __init__(self, server: ForkServer, execmodel: ExecModel) -> None:
        # It ends when its standard input does, as execnet's own workers do.
        order = Order(
            ["-m", "tests.forkserver.worker"],
            dict(os.environ),
            str(Path.cwd()),
            os.getpid(),
            death_signal=0,
            new_session=False,
        )
        its_input, writing = os.pipe()
        reading, its_output = os.pipe()
        try:
            self.pid = server.start(order, its_input, its_output, 2)
        finally:
            os.close(its_input)
            os.close(its_output)
        super().__init__(os.fdopen(writing, "wb"), os.fdopen(reading, "rb"), execmodel)

    def wait(self) -> int | None:
        """Its exit code, once it has ended; None if that is known already."""
        with suppress(ChildProcessError):
            _, status = os.waitpid(self.pid, 0)
            return os.waitstatus_to_exitcode(status)
        return None

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
