"""What the repository's conftest.py makes of stacks that tests share."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = """
from collections.abc import Iterator

import pytest

@pytest.fixture(scope="session")
def stack() -> Iterator[str]:
    print("the stack starts")
    yield "a stack"
    print("the stack ends")

@pytest.fixture(scope="session")
def guest(stack) -> Iterator[str]:
    yield "a guest"
    print("the guest goes")
"""
TESTS = """
def test_first(stack): print("first")
def test_without(): print("without")
def test_last(guest): print("last")
def test_behind(): print("behind")
"""


@pytest.mark.slow
def test_a_stack_ends_behind_its_last_test_and_after_what_was_made_on_it(tmp_path: Path) -> None:
    shutil.copy(ROOT / "conftest.py", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text(FIXTURES)
    (tmp_path / "tests" / "test_all.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-s", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    said = [line.lstrip(".") for line in done.stdout.splitlines()]
    assert [line for line in said if line and "passed" not in line and "%" not in line] == [
        "the stack starts",
        "first",
        "without",
        "last",
        "the guest goes",
        "the stack ends",
        "behind",
    ]
