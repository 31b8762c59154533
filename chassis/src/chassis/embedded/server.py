"""What the three embedded servers have in common: a folder, a secret, a port, a process."""

import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from chassis.embedded.ports import free_port, is_free
from chassis.embedded.process import spawn

_POLL = 0.01
_LOG_TAIL = 2000


class ServerFailed(RuntimeError):
    """A server did not start; the message ends with the last lines of its log."""


class NotReady(Exception):
    """The server does not answer yet."""


class EmbeddedServer:
    """One server process that keeps everything in ``directory`` (made, mode 0700).

    Methods block and may be called from any thread (``asyncio.to_thread(server.start)``), but
    by one caller at a time. The process dies with this one, however this one ends (Linux).
    The port is chosen at the first start unless given, and kept by the following ones. The
    password is made at the first start ever and kept in ``directory/secret``, mode 0600; it
    is on no command line.
    """

    name: str
    #: What asks for an orderly stop.
    stop_signal = signal.SIGTERM
    #: What the process gets when its parent ends.
    death_signal = signal.SIGKILL

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        self.directory = directory.absolute()
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        # Held by a start; a stop from another thread cuts that short and waits for it.
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    # --- what each server says about itself

    def _prepare(self) -> None:
        """Write configuration; called before each start, the port being known."""
        raise NotImplementedError

    def _command(self) -> Sequence[str]:
        raise NotImplementedError

    def _prefix(self) -> Sequence[str]:
        return ()

    def _probe(self) -> None:
        """Make a real connection; raises NotReady or OSError while the server is not ready."""
        raise NotImplementedError

    # --- life

    def start(self, timeout: float = 60.0) -> None:
        """Start, and return when it answers.

        Raises ServerFailed after ``timeout`` seconds, or when the process ends before it answers.
        """
        with self._lock:
            self._stopping.clear()
            if self.running:
                raise ServerFailed(f"{self.name} is already running")
            chosen = self._port is not None
            for last_attempt in (chosen, chosen, True):
                if not chosen:
                    self._port = free_port()
                try:
                    self._start(timeout)
                except ServerFailed:
                    # Somebody else may have taken the port between the choice and the start.
                    if last_attempt or is_free(self.port):
                        raise
                else:
                    return

    def _start(self, timeout: float) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._prepare()
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        process = spawn(
            self._command(),
            directory=self.directory,
            log=self.log,
            death_signal=self.death_signal,
            prefix=self._prefix(),
        )
        self._process = process
        deadline = time.monotonic() + timeout
        while True:
            if (code := process.poll()) is not None:
                raise ServerFailed(f"{self.name} ended with {code} at its start\n{self.log_tail}")
            try:
                self._probe()
            except (NotReady, OSError) as error:
                if self._stopping.is_set():
                    self.kill()
                    raise ServerFailed(f"{self.name} was stopped while it started") from None
                if time.monotonic() > deadline:
                    self.kill()
                    raise ServerFailed(
                        f"{self.name} did not answer within {timeout:g} s: {error}\n{self.log_tail}"
                    ) from None
                time.sleep(_POLL)
            else:
                return

    def stop(self, timeout: float = 20.0) -> None:
        """Stop in good order; after ``timeout`` seconds by force. Nothing if it is not running."""
        self._stopping.set()
        with self._lock:
            process = self._process
            if process is None or process.poll() is not None:
                return
            process.send_signal(signal.SIGCONT)
            process.send_signal(self.stop_signal)
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL, as in a crash; returns when the process is gone. Data stays for a restart."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def restart(self, timeout: float = 60.0) -> None:
        """Stop if it runs, then start on the same port with the same data."""
        self.stop()
        self.start(timeout)

    def wait(self) -> int:
        """Block until the process has ended; its exit code, negative for a signal."""
        if self._process is None:
            raise ServerFailed(f"{self.name} was never started")
        return self._process.wait()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Of the running process; None when there is none."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def port(self) -> int:
        if self._port is None:
            raise ServerFailed(f"{self.name} has no port before its first start")
        return self._port

    # --- files

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @property
    def log_tail(self) -> str:
        try:
            return self.log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:].strip()
        except FileNotFoundError:
            return ""

    @property
    def secret(self) -> str:
        """The superuser's password or token: 43 characters of letters, digits, - and _."""
        path = self.directory / "secret"
        try:
            return path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, secrets.token_urlsafe(32) + "\n")
            return path.read_text(encoding="ascii").strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
