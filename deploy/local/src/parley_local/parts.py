"""What the runner keeps running: service processes and embedded servers, handled alike."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from chassis.embedded import EmbeddedServer, child_command
from chassis.settings import UNUSABLE_STATUS

_LONGEST_LINE = 1 << 20

# Its threads wait for servers to end: they must not take those of asyncio.to_thread.
_waiters = ThreadPoolExecutor(max_workers=16, thread_name_prefix="server")


class Part(Protocol):
    """One process that can be started again and again.

    ``refusal`` is the exit code that says that this is no use; None if there is none.
    """

    refusal: int | None

    @property
    def name(self) -> str: ...

    @property
    def pid(self) -> int | None: ...

    async def start(self) -> None:
        """Returns when it runs; raises when it does not."""

    async def wait(self) -> int:
        """Its exit code once it has ended, negative for a signal."""

    async def stop(self) -> int | None:
        """Stop in good order, by force when it takes too long; its exit code."""

    def kill(self) -> None:
        """At once, without waiting."""


class Running(Protocol):
    """A child process, as asyncio has them; what it writes comes from ``stdout``."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    @property
    def stdout(self) -> asyncio.StreamReader | None: ...

    async def wait(self) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


#: Starts ``python`` with these arguments and this environment, as :func:`execute` does.
Start = Callable[[Sequence[str], Mapping[str, str]], Awaitable[Running]]


async def execute(arguments: Sequence[str], environment: Mapping[str, str]) -> Running:
    """``python`` as a child that ends with this process, in a session of its own.

    It reads nothing, and writes both streams to ``stdout``. To be called from the main thread,
    where the loop runs: the death signal is tied to the thread.
    """
    return await asyncio.create_subprocess_exec(
        *child_command([sys.executable, *arguments]),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(environment),
        # Ctrl-C in the terminal is for the runner alone.
        start_new_session=True,
    )


class ServicePart:
    """A Python process of ours; each line it writes goes to ``on_line``."""

    refusal: int | None

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[str, str], None],
        *,
        grace: float = 30.0,
        start: Start = execute,
    ) -> None:
        self.name = name
        self.refusal = UNUSABLE_STATUS
        self._arguments = arguments
        self._environment = environment
        self._on_line = on_line
        self._grace = grace
        self._start = start
        self._process: Running | None = None
        self._reader: asyncio.Task[None] | None = None
        #: What it said of settings that it cannot work with.
        self.complaints: list[str] = []

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        self._process = await self._start(self._arguments, self._environment)
        assert self._process.stdout is not None
        self._reader = asyncio.create_task(self._read(self._process.stdout))

    async def _read(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines.append(rest)
                rest = b""
            for line in lines:
                self._tell(line.decode(errors="replace").rstrip("\r"))
        if rest:
            self._tell(rest.decode(errors="replace"))

    def _tell(self, line: str) -> None:
        if line.startswith("settings: "):
            self.complaints.append(line)
        self._on_line(self.name, line)

    async def wait(self) -> int:
        assert self._process is not None
        code = await self._process.wait()
        if self._reader is not None:
            # Its last words; a grandchild that holds the pipe must not hold us.
            await asyncio.wait([self._reader], timeout=1.0)
        return code

    async def stop(self) -> int | None:
        process = self._process
        if process is None:
            return None
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(self._grace):
                    await process.wait()
            except TimeoutError:
                process.kill()
        return await self.wait()

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


class ServerPart:
    """One of the embedded servers."""

    refusal: int | None

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self.refusal = None
        self.name = server.name

    @property
    def pid(self) -> int | None:
        return self.server.pid

    async def start(self) -> None:
        await asyncio.get_running_loop().run_in_executor(_waiters, self.server.start)

    async def wait(self) -> int:
        return await asyncio.get_running_loop().run_in_executor(_waiters, self.server.wait)

    async def stop(self) -> int | None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(_waiters, self.server.stop)
        return None

    def kill(self) -> None:
        self.server.kill()
