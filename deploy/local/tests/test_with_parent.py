import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chassis.embedded import free_port

STARTER = """
import subprocess, sys
runner = subprocess.Popen([sys.executable, "-m", "parley_local", "--with-parent"])
print(runner.pid, flush=True)
runner.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_the_runner_stops_in_order_when_make_is_killed(tmp_path: Path) -> None:
    environment = {"PARLEY_DATA": str(tmp_path / ".data"), "GATEWAY_PORT": str(free_port())}
    with subprocess.Popen(
        [sys.executable, "-c", STARTER],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        runner = int(starter.stdout.readline())
        said = ""
        while "starting postgres" not in said:
            said += starter.stdout.readline()
        starter.kill()
        said += starter.stdout.read()
    assert "SIGTERM: stopping everything" in said
    assert said.rstrip().endswith("stopped")
    deadline = time.monotonic() + 5
    while Path(f"/proc/{runner}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
