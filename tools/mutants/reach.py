"""Which tests reach a line: measured once for each file of tests, and kept as long as it holds."""

import hashlib
import json
import os
import queue
import re
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tools.members import ROOT
from tools.mutants.copies import FOLDER, python
from tools.mutants.rooms import Room
from tools.mutants.sample import Mutant

_KEPT = FOLDER / "reach"
#: The tests that may notice, as `-m` has them: the slow ones too.
TESTS = "not faults and not interop"
#: Files of tests that are run by one pytest: so much is lost at most if it is interrupted.
_BATCH = 8


@dataclass(slots=True)
class Reach:
    """Tests by the lines they reach, and the seconds that each takes."""

    seconds: dict[str, float] = field(default_factory=dict)
    by_line: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    by_file: dict[str, set[str]] = field(default_factory=dict)

    def add(self, tests: dict[str, Any]) -> None:
        for test, seen in tests.items():
            self.seconds[test] = seen["seconds"]
            for file, lines in seen["lines"].items():
                self.by_file.setdefault(file, set()).add(test)
                for line in lines:
                    self.by_line.setdefault((file, line), set()).add(test)

    def tests_of(self, mutant: Mutant) -> set[str]:
        """Those that reach it. Of what is run by the import, those that reach who uses it: the
        import itself is reached by whichever test was the first to need it.

        Of the room's own tests, unless it is others' alone that reach it.
        """
        file, place = str(mutant.file), mutant.place
        found: set[str] = set()
        for name in place.assigned:
            found = found or self._of_lines(_lines_that_name(name))
        found = found or self._of_lines(
            (file, line) for line in range(place.line, place.last_line + 1)
        )
        found = found or self.by_file.get(file, set())
        return {test for test in found if test.startswith(mutant.room.tests)} or found

    def _of_lines(self, lines: Iterable[tuple[str, int]]) -> set[str]:
        return set().union(*(self.by_line.get(line, set()) for line in lines))

    def chosen(self, tests: set[str], *, seconds: float, most: int) -> list[str]:
        """Of each file's tests the fastest, then of each the next: `most`, and of any two or more
        so many as take `seconds`.
        """
        by_file: dict[str, list[str]] = {}
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            by_file.setdefault(test.partition("::")[0], []).append(test)
        ordered = [test for row in zip_longest(*by_file.values()) for test in row if test]
        taken: list[str] = []
        for test in ordered[:most]:
            seconds -= self.seconds[test]
            if taken and seconds < 0:
                break
            taken.append(test)
        return taken


@cache
def _lines_that_name(name: str) -> list[tuple[str, int]]:
    word = re.compile(
        rf"{re.escape(name)}\b" if name.startswith(".") else rf"\b{re.escape(name)}\b"
    )
    return [
        (str(file.relative_to(ROOT)), number)
        for file in ROOT.glob("*/src/**/*.py")
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if word.search(line)
    ]


def measure(rooms: list[Room], copies: list[Path]) -> Reach:
    """What the rooms' tests reach; only files of tests that changed, or what they reach, are run."""
    folders = {folder for room in rooms for folder in room.tests}
    files = sorted(
        file.relative_to(ROOT) for folder in folders for file in (ROOT / folder).rglob("test_*.py")
    )
    # The models of the protocol are run by `make faults`.
    files = [file for file in files if "protocol" not in file.parts]
    stale = [file for file in files if _kept(copies[0], file) is None]
    if stale:
        print(f"measuring what {len(stale)} files of tests reach", flush=True)
        batches = [stale[at : at + _BATCH] for at in range(0, len(stale), _BATCH)]
        free = queue.SimpleQueue[Path]()
        for copy in copies:
            free.put(copy)
        with ThreadPoolExecutor(len(copies)) as pool:
            list(pool.map(partial(_run, free), batches))
    reach = Reach()
    for file in files:
        kept = _kept(copies[0], file)
        if kept is None:
            print(f"{file}: changed while it was measured, or none of its tests passes")
        else:
            reach.add(kept["tests"])
    return reach


def _run(free: "queue.SimpleQueue[Path]", files: list[Path]) -> None:
    copy = free.get()
    try:
        _measure(copy, files)
    finally:
        free.put(copy)


def _measure(copy: Path, files: list[Path]) -> None:
    output = copy / ".reach.json"
    output.unlink(missing_ok=True)
    command = [str(python(copy)), "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    command += ["-m", TESTS, "-p", "tools.mutants.reach_plugin", *map(str, files)]
    done = subprocess.run(
        command,
        cwd=copy,
        env={**os.environ, "REACH_OUTPUT": str(output)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR "))]
    print("\n".join([*failed, *done.stdout.splitlines()[-1:]]), flush=True)
    if not output.exists():
        sys.exit(f"the tests could not be run in {copy}")
    seen = json.loads(output.read_text())
    _KEPT.mkdir(exist_ok=True)
    for file in files:
        tests = {t: s for t, s in seen["tests"].items() if t.partition("::")[0] == str(file)}
        reached = {source for test in tests.values() for source in test["lines"]}
        kept = {
            "file": digest(copy, *_with_conftests(file)),
            "reached": {source: digest(copy, Path(source)) for source in sorted(reached)},
            "tests": tests,
        }
        _keeps(file).write_text(json.dumps(kept))


def _kept(copy: Path, file: Path) -> dict[str, Any] | None:
    if not _keeps(file).exists():
        return None
    kept: dict[str, Any] = json.loads(_keeps(file).read_text())
    holds = kept["file"] == digest(copy, *_with_conftests(file)) and all(
        was == digest(copy, Path(source)) for source, was in kept["reached"].items()
    )
    return kept if holds else None


def _keeps(file: Path) -> Path:
    return _KEPT / f"{str(file).replace('/', '.')}.json"


def _with_conftests(file: Path) -> list[Path]:
    return [file, *(parent / "conftest.py" for parent in file.parents)]


def digest(root: Path, *files: Path) -> str:
    """Of what is in the files, of which some need not exist."""
    made = hashlib.sha256()
    for file in files:
        if (root / file).exists():
            made.update((root / file).read_bytes())
    return made.hexdigest()
