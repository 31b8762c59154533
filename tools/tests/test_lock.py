"""The guard over requirements.lock."""

from pathlib import Path

import pytest

from tools.lock import lines_with, versions
from tools.members import LOCK
from tools.setup import ADDRESS


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://pypi.example/simple",
        "-i https://pypi.example/simple",
        "--extra-index-url=file:///srv/simple",
        "--find-links /srv/wheels",
        "grpcio @ https://files.example/grpcio-1.85.1.whl",
        "grpcio @ ../grpcio",
        "# from http://mirror.example",
        "git+ssh://git@example/x.git",
    ],
)
def test_an_address_in_a_lock_is_found(line: str, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"grpcio==1.85.1 \\\n    --hash=sha256:00\n{line}\n")
    assert lines_with(ADDRESS, lock) == [3]


def test_the_lock_has_none() -> None:
    assert lines_with(ADDRESS, LOCK) == []


def test_locks_that_differ_in_hashes_alone_have_the_same_versions() -> None:
    assert versions("a==1 \\\n    --hash=sha256:00\n") == versions(
        "a==1 \\\n    --hash=sha256:11\n"
    )
    assert versions("a==1 \\\n") != versions("a==2 \\\n")


def test_every_version_in_the_lock_has_hashes() -> None:
    lines = LOCK.read_text().splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if "==" in line and not line.startswith("#"):
            assert following.strip().startswith("--hash=sha256:")
