"""The scripted model server of the repository, as a process of its own."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chassis.embedded import child_command


@dataclass(frozen=True)
class ModelServer:
    """Where it listens. Its behaviour is chosen by the model's name; see its own docstring."""

    port: int
    pid: int

    @property
    def base_url(self) -> str:
        """As a key's ``base_url``: ends in ``/v1``."""
        return f"http://127.0.0.1:{self.port}/v1"

    def counters(self) -> dict[str, Any]:
        """What it has counted since its start."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counters", timeout=5) as answer:
            counted: dict[str, Any] = json.load(answer)
        return counted


@contextmanager
def running_model_server() -> Iterator[ModelServer]:
    """Start it on a free port; stopped at the end, and with this process however it ends."""
    command = [sys.executable, "-m", "parley_local.model_server", "--port", "0"]
    process = subprocess.Popen(
        child_command(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the model server ended with {process.wait()} at its start")
        yield ModelServer(port=json.loads(line)["port"], pid=process.pid)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
