"""Small faults: where they are put in, which ones a seed draws, and that they stay in the copy."""

import sys
from pathlib import Path

import pytest

from tools.members import ROOT
from tools.mutants import runs
from tools.mutants.operators import places
from tools.mutants.reach import Reach
from tools.mutants.rooms import Room, rooms
from tools.mutants.runs import Outcome
from tools.mutants.sample import Mutant, draw

pytestmark = pytest.mark.slow

SOURCE = '''"""A module."""
LIMIT = 10


async def ask(self, size: int) -> bool:
    """Whether there is room."""
    if size > LIMIT:
        self._registry.forget(size)
        return False
    return await self.fetch(size, timeout=5)
'''


def _made(source: str) -> set[str]:
    """The lines that differ, as they become."""
    before = source.splitlines()
    made = set()
    for place in places(source):
        after = place.code().splitlines()
        made |= {line.strip() for line in after if line not in before}
    return made


def test_calls_are_left_out_conditions_turned_and_values_changed() -> None:
    made = _made(SOURCE)
    assert {
        "LIMIT = 11",
        "LIMIT = None",
        "if size >= LIMIT:",
        "if not (size > LIMIT):",
        "pass",
        "self._registry.forget(None)",
        "return True",
        "return None",
        "return await self.fetch(size, timeout=6)",
        "return await self.fetch(size, )",
    } <= made
    # A call that fits no signature fails wherever it is made.
    assert "return await self.fetch(timeout=5)" not in made


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        '_log = get_logger(__name__)\n_log.info("something.happened", size=1 + 2)',
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import b",
        'class NotFound(AppError):\n    detail = "There is no such thing."',
        "class Port(Protocol):\n    def ask(self, size: int = 3) -> bool: ...",
        '@dataclass(frozen=True, slots=True)\nclass Empty:\n    __slots__ = ("a", "b")',
        "def f(size: Literal[1] | None) -> None:\n    assert size is not None",
    ],
)
def test_what_only_people_and_the_type_checker_read_is_left_alone(source: str) -> None:
    assert _made(source) == set()


def test_every_fault_is_python() -> None:
    for room in rooms():
        for place in places((ROOT / room.sources[0]).read_text())[::7]:
            compile(place.code(), str(room.sources[0]), "exec")


def test_every_room_has_sources_and_tests_and_no_source_is_in_two() -> None:
    files = [file for room in rooms() for file in room.sources]
    assert len(files) == len(set(files))
    for room in rooms():
        assert room.sources
        assert all((ROOT / folder).is_dir() for folder in room.tests)


def test_a_seed_draws_the_same_again_from_different_lines() -> None:
    notes = [room for room in rooms() if room.name == "notes-service"]
    first = draw(notes, 20, seed=1)
    assert [mutant.id for mutant in draw(notes, 20, seed=1)] == [mutant.id for mutant in first]
    assert [mutant.id for mutant in draw(notes, 20, seed=2)] != [mutant.id for mutant in first]
    lines = {(mutant.file, mutant.place.line) for mutant in first}
    assert len(lines) == 20
    # As many as there are, each once.
    everything = draw(notes, 10_000, seed=1)
    assert 100 < len(everything) < 10_000
    assert [mutant.id for mutant in everything[:20]] == [mutant.id for mutant in first]


def test_of_the_tests_that_reach_a_line_the_fastest_of_each_file_come_first() -> None:
    reach = Reach()
    reach.add(
        {
            "a/tests/test_x.py::slow": {"seconds": 9.0, "lines": {"a/src/m.py": [2]}},
            "a/tests/test_x.py::fast": {"seconds": 1.0, "lines": {"a/src/m.py": [2, 3]}},
            "a/tests/test_y.py::fair": {"seconds": 2.0, "lines": {"a/src/m.py": [2]}},
            "b/tests/test_z.py::else": {"seconds": 0.1, "lines": {"a/src/m.py": [2]}},
        }
    )
    place = next(place for place in places("A = 1\nx.f()\n") if place.kind == "call_not_made")
    room = Room("a", (Path("a/src/m.py"),), ("a/tests",))
    reaching = reach.tests_of(Mutant(room, Path("a/src/m.py"), place))
    assert len(reaching) == 3
    ordered = ["a/tests/test_x.py::fast", "a/tests/test_y.py::fair", "a/tests/test_x.py::slow"]
    assert reach.chosen(reaching, seconds=60, most=9) == ordered
    assert reach.chosen(reaching, seconds=4, most=9) == ordered[:2]
    assert reach.chosen(reaching, seconds=0, most=9) == ordered[:1]


def test_what_only_other_rooms_tests_reach_is_reached_by_those() -> None:
    reach = Reach()
    seen = {"seconds": 1.0, "lines": {"a/src/m.py": [2]}}
    reach.add({"b/tests/test_z.py::it": seen})
    place = next(place for place in places("A = 1\nx.f()\n") if place.kind == "call_not_made")
    room = Room("a", (Path("a/src/m.py"),), ("a/tests",))
    mutant = Mutant(room, Path("a/src/m.py"), place)
    assert reach.tests_of(mutant) == {"b/tests/test_z.py::it"}
    reach.add({"a/tests/test_x.py::it": seen})
    assert reach.tests_of(mutant) == {"a/tests/test_x.py::it"}


def test_what_a_class_says_matters_to_who_reads_the_field_or_names_the_class() -> None:
    source = "class A:\n    size: int = 1\n    name = 2\nLIMIT = 3\n"
    assert {place.line: place.assigned for place in places(source)} == {
        2: (".size", "A"),
        3: ("A",),
        4: ("LIMIT",),
    }


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy with one module, and a test that hangs when the module does."""
    (tmp_path / "room.py").write_text("def ended(size):\n    return size < 3\n")
    (tmp_path / "test_room.py").write_text(
        "from room import ended\n\n\ndef test_it():\n"
        "    size = 0\n    while ended(size):\n        size += 1\n    assert size == 3\n"
    )
    binary = tmp_path / ".venv" / "bin"
    binary.mkdir(parents=True)
    (binary / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (binary / "python").chmod(0o755)
    return tmp_path


def _outcome(
    copy: Path,
    was: str,
    becomes: str,
    monkeypatch: pytest.MonkeyPatch,
    *tests: str,
    grace: float = 120.0,
) -> Outcome:
    tests = tests or ("test_room.py",)
    # pytest has to start in it, on a busy machine too.
    monkeypatch.setattr(runs, "_GRACE", grace)
    file = copy / "room.py"
    source = file.read_text()
    (place,) = (place for place in places(source) if place.code() == source.replace(was, becomes))
    mutant = Mutant(Room("room", (Path("room.py"),), ("",)), Path("room.py"), place)
    reach = Reach(dict.fromkeys(tests, 0.0))
    outcome, _, output = runs._try_out(mutant, reach, copy, list(tests))
    assert file.read_text() == source, output
    return outcome


@pytest.mark.parametrize(
    ("was", "becomes", "outcome"),
    [
        ("size < 3", "size <= 3", Outcome.KILLED),
        ("size < 3", "size < 4", Outcome.KILLED),
        ("return size < 3", "return None", Outcome.KILLED),
    ],
)
def test_a_fault_that_a_test_notices_is_killed_and_taken_out_again(
    copy: Path, was: str, becomes: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _outcome(copy, was, becomes, monkeypatch) is outcome


def test_a_fault_that_no_test_notices_survives(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy / "test_room.py").write_text("from room import ended\n\n\ndef test_it(): ended(1)\n")
    assert _outcome(copy, "size < 3", "size <= 3", monkeypatch) is Outcome.SURVIVED


def test_a_fault_that_changes_the_names_of_tests_is_no_kill_by_that(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy / "test_room.py").write_text(
        "import pytest\nfrom room import ended\n\n\n"
        "@pytest.mark.parametrize('size', [ended(3)])\ndef test_it(size): pass\n"
    )
    name = "test_room.py::test_it[False]"
    assert _outcome(copy, "size < 3", "size <= 3", monkeypatch, name) is Outcome.SURVIVED


def test_a_fault_that_hangs_is_told_apart(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy / "room.py").write_text("def ended(size):\n    return not size\n")
    (copy / "test_room.py").write_text(
        "from room import ended\n\n\ndef test_it():\n    while ended(1): pass\n"
    )
    assert _outcome(copy, "not size", "size", monkeypatch, grace=10.0) is Outcome.TIMED_OUT
