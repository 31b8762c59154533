"""What a PostgreSQL that was killed leaves behind."""

import os
import signal
import time
from pathlib import Path

from chassis.embedded.server import ServerFailed

_PATIENCE = 10.0
_HAS_PROC = Path("/proc/self").exists()


def _serves(pid: int, data: Path) -> bool:
    """Whether process ``pid`` is a PostgreSQL that works in ``data``."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except FileNotFoundError:
        if _HAS_PROC:
            return False
    except PermissionError:
        return False
    # Without /proc, only whether there is such a process: it is left to PostgreSQL to judge.
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def clear_stale(data: Path) -> None:
    """Remove the lock file of a server that is gone; end one that its runner left behind.

    The caller owns ``data``: no other runner uses it. PostgreSQL itself refuses to start while
    *any* process has the number in the file, and numbers come again.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text(encoding="ascii").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    deadline = time.monotonic() + _PATIENCE
    asked = False
    while _serves(pid, data):
        if not asked:
            os.kill(pid, signal.SIGQUIT)
            asked = True
        if time.monotonic() > deadline:
            raise ServerFailed(f"another PostgreSQL (process {pid}) works in {data}")
        time.sleep(0.02)
    # Its backends notice that it is gone, and hold its shared memory until they do.
    while any(_serves(pid, data) for pid in _processes()):
        if time.monotonic() > deadline:
            raise ServerFailed(f"processes of a PostgreSQL that is gone still work in {data}")
        time.sleep(0.02)
    lock.unlink(missing_ok=True)


def _processes() -> list[int]:
    """All that there are, where /proc tells."""
    if not _HAS_PROC:
        return []
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
