"""Costs out of loads, and processes out of /proc."""

import os
import subprocess
import sys

import pytest

from bench import procfs
from bench.costs import Load, cpu_seconds, fit, pss_mib


def test_two_loads_tell_turns_from_tokens() -> None:
    def load(turns: int, tokens: int) -> Load:
        return Load(turns, tokens, 0.010 * turns + 100e-6 * tokens)

    cost = fit([load(300, 60_000), load(100, 200_000)])
    assert cost is not None
    assert cost.per_turn == pytest.approx(0.010)
    assert cost.per_token == pytest.approx(100e-6)


def test_answers_of_one_length_tell_nothing_apart() -> None:
    assert fit([]) is None
    assert fit([Load(10, 2000, 1.0)]) is None
    assert fit([Load(10, 2000, 1.0), Load(20, 4000, 2.0)]) is None
    assert fit([Load(0, 0, 0.1)]) is None


def test_a_childs_work_counts_as_its_parents() -> None:
    work = "import time\nwhile time.process_time() < 0.2: pass\n"
    parent = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {work!r}], check=True)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print('there', flush=True)\ninput()\nchild.communicate(b'x')\n"
    )
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        assert cpu_seconds(process.pid) >= 0.19
        alone = procfs.pss_kib(process.pid) / 1024
        assert pss_mib(process.pid) > alone > 0
        assert [child.parent for child in procfs.children(process.pid)] == [process.pid]
        assert process.communicate(b"\n")[0] == b""


def test_a_process_knows_its_own_line_and_name() -> None:
    me = procfs.process(os.getpid())
    assert me.parent == os.getppid()
    assert procfs.command(os.getpid())
    with pytest.raises(OSError, match="No such"):
        procfs.process(2**22 + 1)
