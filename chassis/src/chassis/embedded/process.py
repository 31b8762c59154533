"""Starting children that cannot outlive this process."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

_CHILD = Path(__file__).with_name("child.py")

_Order = tuple[Sequence[str], Path, Path, Future["subprocess.Popen[bytes]"]]


def child_command(
    command: Sequence[str],
    *,
    death_signal: signal.Signals = signal.SIGKILL,
    prefix: Sequence[str] = (),
) -> list[str]:
    """``command`` so wrapped that it gets ``death_signal`` when this process ends (Linux).

    ``prefix`` is a command that executes the rest with other credentials. The process id of
    the child is the program's own. Linux means the *thread* that starts the child when it
    speaks of a parent: start it from one that lives as long as the process.
    """
    shim = [sys.executable, "-I", "-S", str(_CHILD), str(os.getpid()), str(int(death_signal))]
    return [*prefix, *shim, *command]


class _Spawner:
    """One thread, living as long as the process, that starts all children.

    So a server may be started from a thread that ends before the server is stopped.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def spawn(self, command: Sequence[str], directory: Path, log: Path) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._thread is None:
                # A daemon: it is not joined, and so not ended, before the process itself ends.
                self._thread = threading.Thread(target=self._serve, name="spawner", daemon=True)
                self._thread.start()
        started: Future[subprocess.Popen[bytes]] = Future()
        self._orders.put((command, directory, log, started))
        return started.result()

    def _serve(self) -> None:
        while True:
            command, directory, log, started = self._orders.get()
            try:
                with os.fdopen(_open_private(log), "ab") as output:
                    process = subprocess.Popen(
                        command,
                        cwd=directory,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        # Ctrl-C in the terminal is for the parent alone.
                        start_new_session=True,
                        env=_environment(),
                    )
            except BaseException as error:  # noqa: BLE001 - handed to the caller
                started.set_exception(error)
            else:
                started.set_result(process)


def _open_private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT and the like of the user's own database must not reach ours.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_"))}
    return {**inherited, "LANG": "C", "TZ": "UTC"}


_spawner = _Spawner()


def spawn(
    command: Sequence[str],
    *,
    directory: Path,
    log: Path,
    death_signal: signal.Signals = signal.SIGKILL,
    prefix: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Start ``command`` in ``directory``, its output appended to ``log``; safe from any thread."""
    wrapped = child_command(command, death_signal=death_signal, prefix=prefix)
    return _spawner.spawn(wrapped, directory, log)
