"""The order in which deploy/compose/up does things, seen by a `docker` that writes it down."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from parley_compose.layout import SERVICES

UP = Path(__file__).resolve().parents[1] / "up"
SERVERS = ("postgres", "redis", "nats")
# It is chatty, as compose is, and answers what is asked of it; one call may fail.
DOCKER = """#!/bin/sh
echo "$*" >> "$RECORD"
case "$*" in
    "compose config --hash"*) cat "$FOLDER/hashes";;
    "compose ps"*) cat "$FOLDER/containers";;
    *) for line in 1 2 3 4 5 6 7 8 9 10; do echo "#$line of $*"; done;;
esac
case "$*" in *"$FAILS") echo "settings: wrong" >&2; exit 2;; esac
"""


@dataclass(frozen=True)
class Run:
    """What a run of the script did and said."""

    status: int
    calls: list[str]
    output: str
    errors: str

    def place(self, end: str) -> int:
        return next(number for number, call in enumerate(self.calls) if call.endswith(end))

    @property
    def checked(self) -> set[str]:
        return {call.split()[-2] for call in self.calls if call.endswith(" check")}

    @property
    def started(self) -> bool:
        return any(call.startswith("compose up") for call in self.calls)


def running(*names: str, **differs: str) -> str:
    """Lines of `docker compose ps`: each as its image and the configuration are, but one."""
    columns = {"hash": "hash-of-{}", "image": "parley-{}", "health": "healthy"} | differs
    row = "found {} " + " ".join(columns.values())
    return "".join(row.format(*[name] * row.count("{}")) + "\n" for name in names)


def run_up(folder: Path, *arguments: str, containers: str = "", fails: str = "nothing") -> Run:
    docker, record = folder / "docker", folder / "record"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    (folder / "containers").write_text(containers)
    hashes = (f"{name} hash-of-{name}\n" for name in (*SERVICES, *SERVERS, "secrets", "databases"))
    (folder / "hashes").write_text("".join(hashes))
    environment = {
        "PATH": f"{folder}:{os.defpath}",
        "RECORD": str(record),
        "FOLDER": str(folder),
        "FAILS": fails,
        "TMPDIR": str(folder / "tmp"),
    }
    (folder / "tmp").mkdir()
    done = subprocess.run(
        [UP, *arguments], env=environment, check=False, cwd=folder, capture_output=True, text=True
    )
    return Run(done.returncode, record.read_text().splitlines(), done.stdout, done.stderr)


def test_settings_are_read_before_migrations_and_these_before_anything_is_replaced(
    tmp_path: Path,
) -> None:
    up = run_up(tmp_path, "--scale", "gateway=2")
    assert up.status == 0
    assert up.calls[0] == "compose build"
    assert up.calls[-1] == "compose up --detach --wait --scale gateway=2"
    assert [call for call in up.calls if call.startswith("compose up")] == [up.calls[-1]]
    checks = [up.place(f"{name} check") for name in SERVICES]
    assert up.place(" secrets") < min(checks)
    assert max(checks) < up.place(" databases")


def test_it_builds_once(tmp_path: Path) -> None:
    builds = [call for call in run_up(tmp_path).calls if "build" in call]
    assert builds == ["compose build"]


def test_it_says_what_it_does_in_a_line_each(tmp_path: Path) -> None:
    up = run_up(tmp_path)
    assert up.errors == ""
    assert up.output.splitlines() == [
        "Building what has changed.",
        f"Checking the settings of {' '.join(SERVICES)}.",
        "Bringing the databases to their newest revision.",
        "Starting what has changed, and waiting until everything is ready.",
        "Everything is ready.",
    ]


def test_where_everything_runs_as_it_is_wanted_nothing_is_done_twice(tmp_path: Path) -> None:
    up = run_up(tmp_path, containers=running(*SERVICES, *SERVERS))
    assert up.status == 0
    assert not [call for call in up.calls if " run " in call]
    assert up.calls[-1] == "compose up --detach --wait"


@pytest.mark.parametrize(
    ("column", "value"),
    [("hash", "of-other-settings"), ("image", "sha256:0f3e"), ("health", "starting")],
)
def test_what_will_be_replaced_is_checked_and_nothing_else(
    column: str, value: str, tmp_path: Path
) -> None:
    containers = running(*SERVICES, *SERVERS) + running("gateway", **{column: value})
    up = run_up(tmp_path, containers=containers)
    assert up.checked == {"gateway"}
    assert up.place("gateway check") < up.place(" databases")
    assert up.started


def test_a_service_of_which_nothing_runs_is_checked(tmp_path: Path) -> None:
    assert run_up(tmp_path, containers=running(*SERVICES[1:])).checked == {"gateway"}


def test_a_container_that_says_nothing_of_its_health_is_checked(tmp_path: Path) -> None:
    up = run_up(tmp_path, containers=running(*SERVICES[1:]) + running("gateway", health=""))
    assert up.checked == {"gateway"}


@pytest.mark.parametrize(
    "step", ["build", "secrets", *(f"{name} check" for name in SERVICES), "databases"]
)
def test_a_step_that_fails_leaves_what_runs_alone_and_is_shown_whole(
    tmp_path: Path, step: str
) -> None:
    up = run_up(tmp_path, fails=step)
    assert up.status == 2
    assert not up.started
    shown = [line for line in up.errors.splitlines() if line.startswith("#")]
    assert len(shown) == 10
    assert all(line.endswith(step) for line in shown)
    assert up.errors.endswith("settings: wrong\n")


def test_a_question_that_docker_does_not_answer_ends_it(tmp_path: Path) -> None:
    up = run_up(tmp_path, fails="compose config --hash *")
    assert up.status == 2
    assert not up.started


@pytest.mark.parametrize("fails", ["nothing", "build"])
def test_nothing_of_a_run_is_left_behind(tmp_path: Path, fails: str) -> None:
    run_up(tmp_path, fails=fails)
    assert list((tmp_path / "tmp").iterdir()) == []
