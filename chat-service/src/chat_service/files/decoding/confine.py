"""What a process that reads files gives up before it reads one.

A file may have been made to take over what reads it. So that process holds nothing: it can open no file,
reach no network and start no program; it has a share of memory and of time, and ends with its parent. What is
open when it begins, the file and where the results go, is all there is to it. That it signals nobody either,
Landlock sees to from its sixth version on (Linux 6.12); with an earlier kernel it can signal, and so end,
processes of the same user, the service among them, and learn nothing by it.
"""

import ctypes
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
# https://docs.kernel.org/userspace-api/landlock.html; the numbers are the same on every machine.
_LANDLOCK_CREATE_RULESET: Final = 444
_LANDLOCK_ADD_RULE: Final = 445
_LANDLOCK_RESTRICT_SELF: Final = 446
_LANDLOCK_PATH_BENEATH: Final = 1
# Files and folders read; and files made, written, cut short and taken away.
_READ: Final = 1 << 2 | 1 << 3
_WRITE: Final = _READ | 1 << 1 | 1 << 5 | 1 << 8 | 1 << 14
_LANDLOCK_VERSION: Final = 1
# What it can forbid of files, by its version, of networks since the fourth, and towards other processes since
# the sixth: so many rights each. Of a later version those of the latest here are asked for.
_FILE_RIGHTS: Final = (13, 14, 15, 15, 16)
_NETWORK_RIGHTS: Final = 2
_SCOPES: Final = 2
_NICENESS: Final = 10
_NOBODY: Final = 65534
_FIRST_TO_GO: Final = "1000"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one reading: bytes of address space, seconds of processor time, and bytes of each result."""

    memory_bytes: int
    cpu_seconds: int
    output_bytes: int


def confine(bounds: Bounds, parent: int) -> None:
    """Give it all up, and be killed when process `parent`, its parent, ends. Nothing can be imported, opened or
    started from here on.

    What only Linux has is left out elsewhere, and Landlock where the kernel has none: the limits hold
    everywhere.
    """
    give_way()
    if os.geteuid() == 0:
        # To whom some limits mean nothing. A container may have no other user: then the rest has to do.
        with suppress(OSError):
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
    if sys.platform == "linux":
        end_with_parent()
        forbid()
    if os.getppid() != parent:
        raise SystemExit("the parent has ended")
    limit(
        {
            resource.RLIMIT_AS: bounds.memory_bytes,
            resource.RLIMIT_CPU: bounds.cpu_seconds,
            resource.RLIMIT_FSIZE: bounds.output_bytes,
            # What is open stays so, and there is no number for another file or socket.
            resource.RLIMIT_NOFILE: 0,
        }
    )
    # A result that is too large is an error, which can be told; not a signal.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def give_way() -> None:
    """Let others have the processor first, and be what the kernel ends where memory runs out, not the service."""
    os.nice(_NICENESS)
    if sys.platform == "linux":
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)


def limit(most: Mapping[int, int]) -> None:
    """Have at most so much of each resource, or what less was allowed before, for good; leave no core, and start
    no process.
    """
    for resource_, bound in {**most, resource.RLIMIT_CORE: 0, resource.RLIMIT_NPROC: 0}.items():
        _, hard = resource.getrlimit(resource_)
        allowed = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(resource_, (allowed, allowed))


def end_with_parent() -> None:
    """Be killed when whoever started this process ends."""
    # A change of who one is would clear it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def forbid(readable: Iterable[Path] = (), writable: Iterable[Path] = ()) -> None:
    """Reach no network, signal nobody, start nothing, and open no file but those beneath these folders.

    Where the kernel has no Landlock it forbids nothing.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    if version < 1:
        return
    kinds = [_FILE_RIGHTS[min(version, len(_FILE_RIGHTS)) - 1]]
    if version >= 4:
        kinds.append(_NETWORK_RIGHTS)
    if version >= 6:
        kinds.append(_SCOPES)
    # What is asked for is forbidden wherever no rule allows it.
    asked = struct.pack(f"={len(kinds)}Q", *((1 << rights) - 1 for rights in kinds))
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, asked, len(asked), 0)
    known = (1 << kinds[0]) - 1
    is_done = ruleset >= 0 and all(
        _allow(libc, ruleset, folder, rights & known)
        for folders, rights in ((readable, _READ), (writable, _WRITE))
        for folder in folders
    )
    if not is_done or libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
        raise OSError(ctypes.get_errno(), "landlock")
    os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, folder: Path, rights: int) -> bool:
    opened = os.open(folder, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined,unused-ignore]
    try:
        rule = struct.pack("=Qi", rights, opened)
        done = libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_PATH_BENEATH, rule, 0)
    finally:
        os.close(opened)
    return bool(done == 0)
