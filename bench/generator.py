"""The load generator from the outside: started, loaded, started off, waited for."""

import subprocess
import sys
from collections.abc import Callable

import orjson

from bench.load import Outcome, Plan, outcome_from


class GeneratorError(Exception):
    """The generator process broke; its own words are on stderr."""


def put_load(plan: Plan, before: Callable[[], None], after: Callable[[], None]) -> Outcome:
    """Run the plan in a process of its own.

    `before` is called when all connections are open and nothing was asked, `after` when the last
    answer has ended; what the generator does outside that time is not part of any measurement.
    """
    command = [sys.executable, "-m", "bench.load"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(orjson.dumps(plan) + b"\n")
        process.stdin.flush()
        _expect(process.stdout.readline(), b"ready\n")
        before()
        process.stdin.write(b"\n")
        process.stdin.flush()
        _expect(process.stdout.readline(), b"finished\n")
        after()
        outcome = process.stdout.readline()
        _expect(outcome[-1:], b"\n")
        return outcome_from(outcome)


def _expect(line: bytes, expected: bytes) -> None:
    if line != expected:
        raise GeneratorError(f"said {line[:200]!r} for {expected!r}")
