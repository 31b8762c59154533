import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.embedded import EmbeddedValkey
from chassis.settings import UNUSABLE_STATUS
from chassis.testing import eventually
from parley_local.output import Terminal
from parley_local.parts import ServerPart, ServicePart
from parley_local.supervise import Backoff, Stages, Supervisor, describe

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEP
QUICK = Backoff(first=0.05, longest=0.2, healthy=60)


class Lines:
    """What the parts wrote."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.seen.append((name, line))

    def part(self, script: str, name: str = "child", grace: float = 10.0) -> ServicePart:
        return ServicePart(name, ["-c", script], os.environ, self, grace=grace)


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
async def terminal(screen: io.StringIO) -> AsyncIterator[Terminal]:
    terminal = Terminal(screen, colour=False)
    yield terminal
    terminal.close()


async def test_a_process_that_is_killed_is_started_again_and_the_log_says_so(
    lines: Lines, terminal: Terminal, screen: io.StringIO
) -> None:
    supervisor = Supervisor(lines.part(SLEEP), terminal, QUICK)
    await supervisor.start()
    first = supervisor.part.pid
    assert first is not None
    await eventually(lambda: lines.seen == [("child", "up")])
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: lines.seen == [("child", "up")] * 2)
    second = supervisor.part.pid
    assert second not in (None, first)
    await supervisor.stop()
    terminal.close()
    assert "child was killed by SIGKILL; starting it again in 0.05 s" in screen.getvalue()
    assert f"child was started again (process {second})" in screen.getvalue()


async def test_a_process_does_not_hear_the_signals_of_the_terminal(lines: Lines) -> None:
    part = lines.part(SLEEP)
    await part.start()
    assert part.pid is not None
    assert os.getsid(part.pid) == os.getpgid(part.pid) != os.getsid(0)
    await part.stop()


async def test_a_process_that_cannot_live_is_tried_with_growing_pauses(
    lines: Lines, terminal: Terminal, screen: io.StringIO
) -> None:
    supervisor = Supervisor(lines.part("raise SystemExit(3)"), terminal, QUICK)
    await supervisor.start()
    await eventually(lambda: supervisor.restarts >= 4)
    await supervisor.stop()
    terminal.close()
    said = [line for line in screen.getvalue().splitlines() if "exit code 3" in line]
    pauses = [line.rsplit(" ", 2)[1] for line in said]
    assert pauses[:4] == ["0.05", "0.1", "0.2", "0.2"]


REFUSING = f"print('settings: NAME: wrong'); raise SystemExit({UNUSABLE_STATUS})"


async def test_a_process_that_refuses_what_it_was_told_is_not_started_again(
    lines: Lines, terminal: Terminal, screen: io.StringIO
) -> None:
    stages = Stages(terminal, QUICK)
    part = lines.part(REFUSING)
    await stages.start([part, lines.part(SLEEP, "another")])
    async with asyncio.timeout(30):
        await stages.refused.wait()
    [supervisor, another] = stages.supervisors
    assert (supervisor.refuses, supervisor.restarts) == (True, 0)
    assert (another.refuses, another.restarts) == (False, 0)
    assert part.complaints == ["settings: NAME: wrong"]
    await stages.stop()
    terminal.close()
    assert "starting it again" not in screen.getvalue()


async def test_what_has_worked_once_is_tried_again_after_the_longest_pause(
    lines: Lines, terminal: Terminal, screen: io.StringIO
) -> None:
    stages = Stages(terminal, QUICK)
    stages.settled = True
    await stages.start([lines.part(REFUSING)])
    await eventually(lambda: stages.supervisors[0].restarts >= 2, timeout=30)
    assert not stages.refused.is_set()
    await stages.stop()
    terminal.close()
    said = [line for line in screen.getvalue().splitlines() if "starting it again" in line]
    assert all(line.endswith("again in 0.2 s") for line in said)


async def test_a_process_that_was_healthy_is_started_again_quickly(
    lines: Lines, terminal: Terminal, screen: io.StringIO
) -> None:
    patience = Backoff(first=0.01, longest=10, healthy=0.0)
    supervisor = Supervisor(lines.part("raise SystemExit(3)"), terminal, patience)
    await supervisor.start()
    await eventually(lambda: supervisor.restarts >= 3)
    await supervisor.stop()
    terminal.close()
    assert "again in 0.02 s" not in screen.getvalue()


async def test_a_stopped_process_stays_stopped_and_one_that_will_not_is_killed(
    lines: Lines, terminal: Terminal, screen: io.StringIO
) -> None:
    willing = Supervisor(lines.part(SLEEP, "willing"), terminal, QUICK)
    stubborn = Supervisor(lines.part(STUBBORN, "stubborn", grace=0.2), terminal, QUICK)
    for supervisor in (willing, stubborn):
        await supervisor.start()
    await eventually(lambda: len(lines.seen) == 2)
    for supervisor in (willing, stubborn):
        await supervisor.stop()
        assert supervisor.part.pid is None
        assert supervisor.restarts == 0
    terminal.close()
    assert "stubborn was killed by SIGKILL when it stopped" in screen.getvalue()


async def test_stages_stop_in_the_reverse_order_also_when_one_did_not_start(
    lines: Lines, terminal: Terminal, screen: io.StringIO, tmp_path: Path
) -> None:
    stages = Stages(terminal, QUICK)
    await stages.start([lines.part(SLEEP, "first")])
    missing = ServicePart("missing", ["-c", SLEEP], {"PATH": "\0"}, lines)
    with pytest.raises(ValueError, match="null byte"):
        await stages.start([lines.part(SLEEP, "second"), missing])
    second = stages.supervisors[1].part.pid
    await stages.stop()
    terminal.close()
    stopped = [line for line in screen.getvalue().splitlines() if "| stopping " in line]
    assert [line.rsplit("stopping ")[1] for line in stopped] == ["second, missing", "first"]
    assert second is not None
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


async def test_a_server_is_supervised_like_a_service(
    terminal: Terminal, screen: io.StringIO, tmp_path: Path
) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    supervisor = Supervisor(ServerPart(server), terminal, QUICK)
    await supervisor.start()
    port, first = server.port, server.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: server.pid not in (None, first))
    await eventually(lambda: "valkey was started again" in screen.getvalue())
    assert server.port == port
    await supervisor.stop()
    assert not server.running


async def test_long_lines_and_last_words_arrive(lines: Lines) -> None:
    script = "print('x' * 3_000_000); print('last', end='')"
    part = lines.part(script)
    await part.start()
    assert await part.wait() == 0
    text = [line for _, line in lines.seen]
    assert text[-1] == "last"
    assert sum(len(line) for line in text[:-1]) == 3_000_000


def test_exit_codes_are_said_in_words() -> None:
    assert describe(0) == "ended with exit code 0"
    assert describe(-9) == "was killed by SIGKILL"
    assert describe(-250) == "was killed by signal 250"


PARENT = """
import asyncio, os, sys
from parley_local.parts import ServicePart

async def main():
    part = ServicePart("child", ["-c", "import time; time.sleep(600)"], os.environ, print)
    await part.start()
    print(part.pid, flush=True)
    await part.wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_no_service_outlives_a_killed_runner() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 5
    while _alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_stopping_during_the_pause_before_a_restart_ends_it(
    lines: Lines, terminal: Terminal
) -> None:
    supervisor = Supervisor(lines.part("raise SystemExit(3)"), terminal, Backoff(first=600))
    await supervisor.start()
    assert await supervisor.part.wait() == 3
    async with asyncio.timeout(30):
        await supervisor.stop()
    assert supervisor.restarts == 0
