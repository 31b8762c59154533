"""Processes as Linux's /proc shows them (see `man 5 proc`)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment."""

    pid: int
    parent: int
    name: str
    # Seconds of user and system time, its own and of children that ended and were waited for.
    cpu: float


def process(pid: int) -> Process:
    """Raises OSError if there is none."""
    before, _, after = (_PROC / str(pid) / "stat").read_text().rpartition(")")
    fields = after.split()
    return Process(
        pid=pid,
        parent=int(fields[1]),
        name=before.partition("(")[2],
        cpu=sum(map(int, fields[11:15])) / _TICKS,
    )


def children(pid: int) -> list[Process]:
    """Those whose parent it is just now."""
    return [one for one in _all() if one.parent == pid]


def tree(pid: int) -> list[Process]:
    """The process and all its descendants."""
    everyone, family = _all(), [process(pid)]
    for member in family:
        family += [one for one in everyone if one.parent == member.pid]
    return family


def running(pids: Sequence[int]) -> float:
    """Seconds that the main threads of those that are still there have run, to the nanosecond."""
    total = 0
    for pid in pids:
        try:
            total += int((_PROC / str(pid) / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # a backend whose connection was closed
    return total / 1e9


def busy_seconds() -> float:
    """Seconds of CPU that anything at all has taken since the machine started, of all cores together; with what
    its host gave to other machines.
    """
    fields = (_PROC / "stat").read_text().split(maxsplit=10)[1:9]
    user, nice, system, _idle, _wait, irq, softirq, stolen = map(int, fields)
    return (user + nice + system + irq + softirq + stolen) / _TICKS


def command(pid: int) -> Sequence[str]:
    """Its command line, word by word; empty for one that is ending."""
    return (_PROC / str(pid) / "cmdline").read_text(errors="replace").split("\0")[:-1]


def pss_kib(pid: int, of: str = "Pss") -> int:
    """Proportional set size: what it shares with others is divided up between them. `Pss_File` is the part of it that
    is files.
    """
    lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{of}:"))


def cpu_model() -> str:
    lines = (_PROC / "cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")


def _all() -> list[Process]:
    found = []
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                found.append(process(int(folder.name)))
            except (FileNotFoundError, ProcessLookupError):
                # It ended while we looked.
                continue
    return found
