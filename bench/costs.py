"""CPU and memory of processes, and the cost of a turn and of a token out of two loads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench import procfs


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and all its children so far, ended ones included."""
    return sum(one.cpu for one in procfs.tree(pid))


def cpu_of(pids: Mapping[str, int]) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in pids.items()}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in before}


def pss_mib(pid: int) -> float:
    """Proportional set size of the process and its children in MiB: shared pages divided up."""
    return sum(procfs.pss_kib(one.pid) for one in procfs.tree(pid)) / 1024


@dataclass(frozen=True, slots=True)
class Load:
    """So much was answered, and so many seconds of CPU it took."""

    turns: int
    tokens: int
    cpu: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of CPU: cost = per_turn · turns + per_token · tokens."""

    per_turn: float
    per_token: float


def fit(loads: Iterable[Load]) -> Cost | None:
    """The least-squares cost; None where the loads do not tell turns from tokens."""
    rows = [load for load in loads if load.turns]
    uu = sum(row.turns * row.turns for row in rows)
    uv = sum(row.turns * row.tokens for row in rows)
    vv = sum(row.tokens * row.tokens for row in rows)
    uc = sum(row.turns * row.cpu for row in rows)
    vc = sum(row.tokens * row.cpu for row in rows)
    determinant = uu * vv - uv * uv
    # Answers of one length only: the columns are proportional.
    if determinant <= 1e-9 * uu * vv:
        return None
    return Cost((uc * vv - vc * uv) / determinant, (vc * uu - uc * uv) / determinant)
