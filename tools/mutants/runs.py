"""Puts each mutant in, runs its tests, and keeps what came of it."""

import json
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import count
from pathlib import Path

from tools.mutants.copies import FOLDER, put_in, python
from tools.mutants.reach import TESTS, Reach, digest
from tools.mutants.sample import Mutant
from tools.mutants.typed import type_errors
from tools.mutants.watched import watch

_KEPT = FOLDER / "results.jsonl"
#: Seconds that a mutant's tests have beside five times what they take without it.
_GRACE = 45.0
#: So many times that long, when they have not ended in it.
_PATIENCE = 4.0
#: So long, as measured, the tests of a first and of a second look take, and so many they are.
_FIRST_SECONDS, _FIRST_TESTS = 15.0, 30
_SECOND_SECONDS, _SECOND_TESTS = 240.0, 400
#: Pytest's exit statuses where a test of that name is not to be found.
_NO_SUCH_TESTS = (4, 5)


class Outcome(StrEnum):
    """What noticed: a test that failed or hung, or the type checker; or that nothing did, of the
    tests that reach it, or that none does.
    """

    KILLED = "killed"
    TIMED_OUT = "timed out"
    ILL_TYPED = "ill-typed"
    SURVIVED = "survived"
    UNREACHED = "unreached"


NOTICED = frozenset({Outcome.KILLED, Outcome.TIMED_OUT, Outcome.ILL_TYPED})


@dataclass(frozen=True, slots=True)
class Result:
    """`tests` were run of the `reaching`; a kill's `output` says which test failed, and how."""

    id: str
    outcome: Outcome
    tests: int
    reaching: int
    seconds: float
    output: str
    #: Of the files of the tests that reach it: with others, a survivor may be killed.
    digest: str
    #: Whether it was looked at twice, or need not be.
    final: bool = False


Look = Callable[[Mutant, Reach, Path, Result | None], Result]


def run(mutants: list[Mutant], reach: Reach, copies: list[Path]) -> dict[str, Result]:
    """The result of each, by its id; those that are known already are not run again.

    What the fastest tests do not notice is looked at again when all have had their turn: by the
    type checker, which takes seconds, and then by the tests that are slower.
    """
    by_id = {mutant.id: mutant for mutant in mutants}
    results = {
        id_: result
        for id_, result in known(mutants).items()
        if result.outcome in NOTICED
        or result.digest == _digest(copies[0], reach.tests_of(by_id[id_]))
    }
    print(f"{len(results)} of {len(by_id)} mutants are known", flush=True)
    _work_off([m for id_, m in by_id.items() if id_ not in results], _look, reach, copies, results)
    for look in (_ask_again, _ask_type_checker, _ask_slower_tests):
        again = [m for id_, m in by_id.items() if not results[id_].final]
        print(f"looking again at {len(again)}", flush=True)
        _work_off(again, look, reach, copies, results)
    return results


def known(mutants: list[Mutant]) -> dict[str, Result]:
    """What earlier runs found, were it with tests that have changed since."""
    if not _KEPT.exists():
        return {}
    kept: dict[str, Result] = {}
    for line in map(json.loads, _KEPT.read_text().splitlines()):
        kept[line["id"]] = Result(**{**line, "outcome": Outcome(line["outcome"])})
    return {mutant.id: kept[mutant.id] for mutant in mutants if mutant.id in kept}


def _work_off(
    mutants: list[Mutant], look: Look, reach: Reach, copies: list[Path], results: dict[str, Result]
) -> None:
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in mutants:
        waiting.put(mutant)
    lock = threading.Lock()
    done = count(1)

    def work(copy: Path) -> None:
        while True:
            try:
                mutant = waiting.get_nowait()
            except queue.Empty:
                return
            result = look(mutant, reach, copy, results.get(mutant.id))
            with lock:
                results[mutant.id] = result
                with _KEPT.open("a") as kept:
                    kept.write(json.dumps(asdict(result)) + "\n")
                print(
                    f"{next(done)}/{len(mutants)} {result.outcome} {mutant.file}:"
                    f"{mutant.place.line} {mutant.place.kind}"
                    f" ({result.tests} tests, {result.seconds} s)",
                    flush=True,
                )

    threads = [threading.Thread(target=work, args=(copy,), daemon=True) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not waiting.empty():
        sys.exit("the workers failed; what was found is kept, run it again to go on")


def _look(mutant: Mutant, reach: Reach, copy: Path, _: Result | None) -> Result:
    reaching = reach.tests_of(mutant)
    tests = reach.chosen(reaching, seconds=_FIRST_SECONDS, most=_FIRST_TESTS)
    files = _digest(copy, reaching)
    if not tests:
        return Result(mutant.id, Outcome.UNREACHED, 0, 0, 0.0, "", files)
    outcome, seconds, output = _try_out(mutant, reach, copy, tests)
    killed = outcome is Outcome.KILLED
    return Result(mutant.id, outcome, len(tests), len(reaching), seconds, output, files, killed)


def _ask_again(mutant: Mutant, reach: Reach, copy: Path, first: Result | None) -> Result:
    """Whether what did not end in time hangs, or the machine had too much else to do."""
    assert first is not None
    if first.outcome is not Outcome.TIMED_OUT:
        return first
    tests = reach.chosen(reach.tests_of(mutant), seconds=_FIRST_SECONDS, most=_FIRST_TESTS)
    outcome, seconds, output = _try_out(mutant, reach, copy, tests, patience=_PATIENCE)
    final = outcome in NOTICED
    return replace(first, outcome=outcome, seconds=seconds, output=output, final=final)


def _ask_type_checker(mutant: Mutant, _: Reach, copy: Path, first: Result | None) -> Result:
    assert first is not None
    if said := type_errors(mutant, copy):
        return replace(first, outcome=Outcome.ILL_TYPED, output=said, final=True)
    return first


def _ask_slower_tests(mutant: Mutant, reach: Reach, copy: Path, first: Result | None) -> Result:
    assert first is not None
    reaching = reach.tests_of(mutant)
    tried = reach.chosen(reaching, seconds=_FIRST_SECONDS, most=_FIRST_TESTS)
    tests = reach.chosen(reaching - set(tried), seconds=_SECOND_SECONDS, most=_SECOND_TESTS)
    if not tests:
        return replace(first, final=True)
    outcome, seconds, output = _try_out(mutant, reach, copy, tests)
    total = first.tests + len(tests)
    return replace(first, outcome=outcome, tests=total, seconds=seconds, output=output, final=True)


def _digest(copy: Path, tests: set[str]) -> str:
    return digest(copy, *(Path(file) for file in sorted({t.partition("::")[0] for t in tests})))


def _try_out(
    mutant: Mutant, reach: Reach, copy: Path, tests: list[str], *, patience: float = 1.0
) -> tuple[Outcome, float, str]:
    limit = patience * (_GRACE + 5 * sum(reach.seconds[test] for test in tests))
    command = [str(python(copy)), "-m", "pytest", "-q", "-x", "-n", "0", "--tb=short", "-m", TESTS]
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as scratch,
        put_in(mutant, copy),
    ):
        command += ["-p", "no:cacheprovider", "--basetemp", f"{scratch}/tests"]
        status, output = watch([*command, *tests], copy, limit)
        if status in _NO_SUCH_TESTS:
            # Their parameters are made of what was changed.
            files = dict.fromkeys(test.partition("::")[0] for test in tests)
            status, output = watch([*command, *files], copy, limit + 5 * _SECOND_SECONDS)
    outcome = Outcome.TIMED_OUT if status is None else Outcome.KILLED
    if status == 0:
        outcome = Outcome.SURVIVED
    return outcome, round(time.monotonic() - started, 1), output[-4000:]
