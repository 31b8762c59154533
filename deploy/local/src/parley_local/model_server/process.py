"""The model server as a child process, for tests, bench and the runner's demo."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from chassis.embedded import child_command


@dataclass(frozen=True, slots=True)
class ModelServerProcess:
    """A running model server."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What a key's `base_url` is set to."""
        return f"{self.url}/v1"


def command(*options: str) -> Sequence[str]:
    """The command line that starts it, with this interpreter; it ends when its starter does.

    On Linux the starter is the thread: one that lives as long as the server shall.
    """
    return child_command([sys.executable, "-m", "parley_local.model_server", *options])


@contextmanager
def model_server(*options: str) -> Iterator[ModelServerProcess]:
    """Started on a free port of loopback, listening on entry, gone on exit."""
    with subprocess.Popen(command(*options), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = json.loads(process.stdout.readline())["port"]
            yield ModelServerProcess(port, process.pid)
        finally:
            process.terminate()
