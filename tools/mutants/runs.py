"""Puts each mutant in, runs its tests, and keeps what came of it."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path

from tools.mutants.copies import FOLDER, python
from tools.mutants.reach import Reach, digest
from tools.mutants.sample import Mutant

_KEPT = FOLDER / "results.jsonl"
#: Seconds that a mutant's tests have beside five times what they take without it.
_GRACE = 45.0
#: Newer than each file of a copy, and never the same: bytecode of one mutant is not another's.
_MTIMES = count(int(time.time()) + 10)


class Outcome(StrEnum):
    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class Result:
    """`tests` were run of the `reaching`; a kill's `output` says which test failed, and how."""

    id: str
    outcome: Outcome
    tests: int
    reaching: int
    seconds: float
    output: str
    #: Of the tests: with others, a survivor may be killed.
    digest: str


def run(mutants: list[Mutant], reach: Reach, copies: list[Path]) -> dict[str, Result]:
    """The result of each, by its id; those that are known already are not run again."""
    kept = _kept()
    results: dict[str, Result] = {}
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in mutants:
        earlier = kept.get(mutant.id)
        if earlier is not None and _holds(earlier, copies[0], reach, mutant):
            results[mutant.id] = earlier
        else:
            waiting.put(mutant)
    print(
        f"{len(results)} of {len(mutants)} mutants are known, {waiting.qsize()} to run", flush=True
    )
    lock = threading.Lock()

    def work(copy: Path) -> None:
        while True:
            try:
                mutant = waiting.get_nowait()
            except queue.Empty:
                return
            result = _try_out(mutant, reach, copy)
            with lock:
                results[mutant.id] = result
                with _KEPT.open("a") as kept:
                    kept.write(json.dumps(asdict(result)) + "\n")
                print(
                    f"{len(results)}/{len(mutants)} {result.outcome} {mutant.file}:"
                    f"{mutant.place.line} {mutant.place.kind}"
                    f" ({result.tests} tests, {result.seconds} s)",
                    flush=True,
                )

    threads = [threading.Thread(target=work, args=(copy,), daemon=True) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(results) < len({mutant.id for mutant in mutants}):
        sys.exit("a worker failed; what was found is kept, run it again to go on")
    return results


def known(mutants: list[Mutant]) -> dict[str, Result]:
    """What earlier runs found, were it with tests that have changed since."""
    kept = _kept()
    return {mutant.id: kept[mutant.id] for mutant in mutants if mutant.id in kept}


def _kept() -> dict[str, Result]:
    if not _KEPT.exists():
        return {}
    lines = map(json.loads, _KEPT.read_text().splitlines())
    return {line["id"]: Result(**{**line, "outcome": Outcome(line["outcome"])}) for line in lines}


def _holds(result: Result, copy: Path, reach: Reach, mutant: Mutant) -> bool:
    if result.outcome is Outcome.KILLED or result.outcome is Outcome.TIMED_OUT:
        return True
    return result.digest == _digest(copy, reach.chosen(reach.tests_of(mutant)))


def _digest(copy: Path, tests: list[str]) -> str:
    return digest(copy, *(Path(file) for file in sorted({t.partition("::")[0] for t in tests})))


def _try_out(mutant: Mutant, reach: Reach, copy: Path) -> Result:
    reaching = reach.tests_of(mutant)
    tests = reach.chosen(reaching)
    files = _digest(copy, tests)
    if not tests:
        return Result(mutant.id, Outcome.UNREACHED, 0, 0, 0.0, "", files)
    limit = _GRACE + 5 * sum(reach.seconds[test] for test in tests)
    started = time.monotonic()
    with _put_in(mutant, copy):
        status, output = _test(copy, tests, limit)
    outcome = Outcome.TIMED_OUT if status is None else Outcome.KILLED
    if status == 0:
        outcome = Outcome.SURVIVED
    seconds = round(time.monotonic() - started, 1)
    return Result(mutant.id, outcome, len(tests), len(reaching), seconds, output[-4000:], files)


@contextmanager
def _put_in(mutant: Mutant, copy: Path) -> Iterator[None]:
    file = copy / mutant.file
    original, times = file.read_text(), file.stat()
    mtime = next(_MTIMES)
    file.write_text(mutant.place.code())
    os.utime(file, (mtime, mtime))
    try:
        yield
    finally:
        file.write_text(original)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def _test(copy: Path, tests: list[str], limit: float) -> tuple[int | None, str]:
    """Pytest's exit status, or None if it has not ended within `limit` seconds; what it said."""
    command = [str(python(copy)), "-m", "pytest", "-q", "-x", "-n", "0", "--tb=short"]
    with (
        tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as scratch,
        tempfile.TemporaryFile("w+", errors="replace") as output,
    ):
        process = subprocess.Popen(
            [*command, "-p", "no:cacheprovider", "--basetemp", f"{scratch}/tests", *tests],
            cwd=copy,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        status: int | None
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            # What a test has started goes as well; the kernel sees to the embedded servers.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return status, output.read()
