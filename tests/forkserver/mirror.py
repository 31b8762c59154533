"""``python -m tests.forkserver.mirror WORDS…``: what a process finds itself to be, as JSON.

It then reads its standard input to the end, and exits with the status ``$ENDS_WITH``.
"""

import asyncio
import atexit
import json
import logging
import os
import random
import signal
import ssl
import sys
import threading
import uuid
from pathlib import Path

import psutil


def main() -> None:
    me = psutil.Process()
    found = {
        "arguments": sys.argv[1:],
        "blocked signals": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "command": me.cmdline(),
        "descriptors": _descriptors(),
        "directory": str(Path.cwd()),
        "environment": dict(os.environ),
        "group": os.getpgrp() == me.pid,
        "handlers of logs": len(logging.getLogger().handlers),
        "handlers of signals": {one.name: str(signal.getsignal(one)) for one in signal.Signals},
        "loop policy": type(asyncio.get_event_loop_policy()).__name__,
        "main module": sys.modules["__main__"].__name__,
        "name": me.name(),
        "parent": me.ppid(),
        "path": sys.path,
        "random": [random.random(), uuid.uuid4().hex, ssl.RAND_bytes(8).hex()],
        "session": os.getsid(0) == me.pid,
        "shown environment": me.environ(),
        "threads": threading.active_count(),
    }
    # At the end, and not flushed: that is done for a process that ends as it should.
    atexit.register(sys.stdout.write, json.dumps(found))
    sys.stderr.write(sys.stdin.read())
    sys.exit(int(os.environ["ENDS_WITH"]))


def _descriptors() -> list[int]:
    listed = [int(one.name) for one in Path("/proc/self/fd").iterdir()]
    # What the list was read from is closed by now.
    return sorted(number for number in listed if Path(f"/proc/self/fd/{number}").exists())


if __name__ == "__main__":
    main()
