"""The order in which deploy/compose/up does things, seen by a `docker` that writes it down."""

import os
import subprocess
from pathlib import Path

import pytest

from parley_compose.layout import SERVICES

UP = Path(__file__).resolve().parents[1] / "up"
MIGRATIONS = [f"{name.removesuffix('-service')}-migrate" for name in SERVICES[1:]]
DOCKER = """#!/bin/sh
echo "$*" >> "$RECORD"
case "$*" in *"$FAILS") echo "settings: wrong" >&2; exit 2;; esac
"""


def run_up(folder: Path, *arguments: str, fails: str = "nothing") -> tuple[int, list[str]]:
    """Its exit status, and the arguments of each call of ``docker``; one call may fail."""
    docker, record = folder / "docker", folder / "record"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    environment = {
        "PATH": f"{folder}:{os.defpath}",
        "RECORD": str(record),
        "FAILS": fails,
    }
    done = subprocess.run([UP, *arguments], env=environment, check=False, cwd=folder)
    return done.returncode, record.read_text().splitlines()


def place(calls: list[str], end: str) -> int:
    return next(number for number, call in enumerate(calls) if call.endswith(end))


def test_settings_are_read_before_migrations_and_these_before_anything_is_replaced(
    tmp_path: Path,
) -> None:
    status, calls = run_up(tmp_path, "--scale", "gateway=2")
    assert status == 0
    assert calls[0].startswith("compose build")
    assert calls[-1] == "compose up --detach --wait --scale gateway=2"
    assert [call for call in calls if call.startswith("compose up")] == [calls[-1]]
    checks = [place(calls, f"{name} check") for name in SERVICES]
    migrations = [place(calls, f" {name}") for name in MIGRATIONS]
    databases = place(calls, " databases")
    assert max(checks) < databases < min(migrations)


@pytest.mark.parametrize(
    "step",
    ["build --quiet", "secrets", *(f"{name} check" for name in SERVICES), "databases", *MIGRATIONS],
)
def test_a_step_that_fails_leaves_what_runs_alone(tmp_path: Path, step: str) -> None:
    status, calls = run_up(tmp_path, fails=step)
    assert status == 2
    assert not [call for call in calls if call.startswith("compose up")]
