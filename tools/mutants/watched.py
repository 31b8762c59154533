"""Programs that are given so much time, and then ended with all that they have started."""

import atexit
import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

#: Leaders of the process groups that are at work just now.
_running: set[int] = set()


def watch(command: list[str], copy: Path, limit: float) -> tuple[int | None, str]:
    """The command's exit status, or None if it has not ended within `limit` seconds; its output."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            command,
            cwd=copy,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        _running.add(process.pid)
        status: int | None
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process.pid)
            process.wait()
            _running.discard(process.pid)
        output.seek(0)
        return status, output.read()


def _end(leader: int) -> None:
    """What a test has started goes as well; the kernel sees to the embedded servers."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


@atexit.register
def _end_all() -> None:
    for leader in list(_running):
        _end(leader)
