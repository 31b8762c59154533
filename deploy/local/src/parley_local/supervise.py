"""Starts again what dies, with patience that grows, and stops everything in order."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from parley_local.output import Terminal
from parley_local.parts import Part


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before a new start: doubling from ``first`` to ``longest``.

    Back at ``first`` once the process has run for ``healthy`` seconds.
    """

    first: float = 0.5
    longest: float = 30.0
    healthy: float = 10.0


class Supervisor:
    """Keeps one part running until it is told to stop."""

    def __init__(
        self,
        part: Part,
        terminal: Terminal,
        backoff: Backoff | None = None,
        refused: Callable[[], bool] = lambda: False,
    ) -> None:
        """``refused`` is told when the part refuses what it was told; whether that is the end."""
        self.part = part
        #: Whether it ended because it cannot work with what it was told.
        self.refuses = False
        #: How often it had to be started again.
        self.restarts = 0
        self._terminal = terminal
        self._backoff = backoff or Backoff()
        self._refused = refused
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the part for the first time; raises when that fails."""
        await self.part.start()
        self._watch = asyncio.create_task(self._keep_running(), name=f"watch {self.part.name}")

    async def stop(self) -> None:
        """Stop the part and do not start it again. Safe when it was never started."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
            self._watch = None
        code = await self.part.stop()
        # SIGTERM is what we sent: it had not come so far as to handle it.
        if code not in (None, 0, -signal.SIGTERM):
            self._terminal.say(
                f"{self.part.name} {describe(code)} when it stopped", level="warning"
            )

    async def _keep_running(self) -> None:
        name, delay = self.part.name, self._backoff.first
        while True:
            began = time.monotonic()
            code = await self.part.wait()
            outcome = describe(code)
            self.refuses = code == self.part.refusal
            if time.monotonic() - began >= self._backoff.healthy:
                delay = self._backoff.first
            if self.refuses:
                if self._refused():
                    return
                delay = self._backoff.longest
            while True:
                self._terminal.say(
                    f"{name} {outcome}; starting it again in {delay:g} s", level="warning"
                )
                await asyncio.sleep(delay)
                delay = min(delay * 2, self._backoff.longest)
                self.restarts += 1
                try:
                    await self.part.start()
                except Exception as error:  # noqa: BLE001 - said, and tried again
                    outcome = f"did not start: {error}"
                else:
                    self._terminal.say(f"{name} was started again (process {self.part.pid})")
                    break


class Stages:
    """Supervised parts in the order of their start; stopped in the reverse one."""

    def __init__(self, terminal: Terminal, backoff: Backoff | None = None) -> None:
        self._terminal = terminal
        self._backoff = backoff
        #: Set by a part that refuses what it was told before ``settled``.
        self.refused = asyncio.Event()
        #: Everything has worked once: what it was told then can work again.
        self.settled = False
        self._stages: list[list[Supervisor]] = []

    async def start(self, parts: Sequence[Part]) -> None:
        """Start ``parts`` together, after everything before; raises when one does not start."""
        stage = [Supervisor(part, self._terminal, self._backoff, self._refuse) for part in parts]
        # Noted first: what has started is stopped although another one failed.
        self._stages.append(stage)
        starts = (supervisor.start() for supervisor in stage)
        for outcome in await asyncio.gather(*starts, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    def _refuse(self) -> bool:
        if not self.settled:
            self.refused.set()
        return not self.settled

    async def stop(self) -> None:
        """Stop the last stage first; the parts of one stage together."""
        while self._stages:
            stage = self._stages[-1]
            names = ", ".join(supervisor.part.name for supervisor in stage)
            self._terminal.say(f"stopping {names}")
            await asyncio.gather(*(supervisor.stop() for supervisor in stage))
            self._stages.pop()

    def kill(self) -> None:
        """Everything at once, by force."""
        for stage in reversed(self._stages):
            for supervisor in stage:
                supervisor.part.kill()

    @property
    def supervisors(self) -> list[Supervisor]:
        return [supervisor for stage in self._stages for supervisor in stage]


def describe(code: int) -> str:
    """What an exit code means, as the end of a sentence that begins with a name."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
