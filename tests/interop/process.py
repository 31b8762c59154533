"""A model server: a process of its own, on a free port of the loopback, ended by its number."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
import psutil

from chassis.embedded import ServerFailed, free_port
from chassis.embedded.process import spawn
from tools.members import ROOT

_READY_SECONDS = 180.0
_STOP_SECONDS = 20.0
_ASKING_SECONDS = 60.0
_LOG_TAIL = 3000


class ModelServer:
    """Keeps what it needs in ``directory``; dies with this process, however that ends."""

    #: Its name in the table, and the package that it comes from.
    name: ClassVar[str]
    package: ClassVar[str]
    #: Where it answers once it is ready, without a key.
    ready_path: ClassVar[str]
    #: What stands between its address and the paths of the two protocols.
    openai_path: ClassVar[str] = "/v1"
    anthropic_path: ClassVar[str] = ""
    key: ClassVar[str]

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        """What starts it, once its files are written."""
        raise NotImplementedError

    def set_up(self) -> None:
        """Tell it what to answer, once it is ready."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_url(self) -> str:
        """Base URL of its chat completions."""
        return f"{self.url}{self.openai_path}"

    @property
    def anthropic_url(self) -> str:
        """Base URL of its Messages API."""
        return f"{self.url}{self.anthropic_path}"

    @property
    def output(self) -> str:
        return (self.directory / "output").read_text(errors="replace")

    def start(self) -> None:
        """Start it, and return at once."""
        command = ["nice", "-n", "10", *self.command()]
        self._process = spawn(command, directory=ROOT, log=self.directory / "output")

    def wait(self) -> None:
        """Return once it answers; raises ServerFailed if it does not."""
        assert self._process is not None
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} is not ready:\n{self.output[-_LOG_TAIL:]}")
            time.sleep(0.05)
        self.set_up()

    def stop(self) -> None:
        if (process := self._process) is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    def get(self, path: str) -> Any:
        """What it says of itself at ``path``: JSON, or text that is none."""
        answer = httpx.get(
            f"{self.url}{path}", headers=self._headers(self.key), timeout=_ASKING_SECONDS
        )
        assert answer.status_code == 200, answer.text
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return answer.json() if is_json else answer.text

    def post(
        self, path: str, body: Any, *, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Its answer to a plain client, whatever its status."""
        return httpx.post(
            f"{self.url}{path}",
            json=body,
            headers={**self._headers(self.key), **(headers or {})},
            timeout=_ASKING_SECONDS,
        )

    def connections(self) -> int:
        """How many of its clients are connected to it."""
        assert self._process is not None
        everything = psutil.Process(self._process.pid).net_connections("tcp")
        return sum(
            one.status == psutil.CONN_ESTABLISHED and one.laddr.port == self.port
            for one in everything
        )

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}{self.ready_path}", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    @staticmethod
    def _headers(key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}", "x-api-key": key}
