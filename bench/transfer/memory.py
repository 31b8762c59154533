"""What all processes of a stack have of memory, looked at while something is done."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from bench import procfs
from bench.stack import SERVICES, Stack

_LOOK_SECONDS: Final = 0.1
_READER: Final = "chat_service.imports.reading"
_TOLD_MIB: Final = 1.0

#: KiB of memory that processes have by themselves, by what they are.
Memory = Counter[str]


@contextmanager
def watched(parley: Stack) -> Iterator[list[Memory]]:
    """All processes' memory at each look, but for that of files and for PostgreSQL's shared buffers."""
    over = threading.Event()
    seen = [_memory(parley)]

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            seen.append(_memory(parley))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def more_of(seen: Sequence[Memory]) -> float:
    """The most that all processes have together beyond what they had at first, MiB."""
    return (max(map(Memory.total, seen)) - seen[0].total()) / 1024


def tell(seen: Sequence[Memory]) -> None:
    """The most of each kind of process, from what at first; of all together in the first half and in the second."""
    kinds = sorted({kind for memory in seen for kind in memory})
    for kind in kinds:
        begin, most = seen[0][kind] / 1024, max(memory[kind] for memory in seen) / 1024
        if most - begin > _TOLD_MIB:
            print(f"    {kind:30} {begin:6.1f} -> {most:6.1f} MiB")
    middle = len(seen) // 2
    first, second = (more_of([seen[0], *half]) for half in (seen[:middle], seen[middle:]))
    print(f"    all, more: {first:.1f} MiB in the first half, {second:.1f} in the second")


def most_memory(parley: Stack, work: Callable[[], object]) -> float:
    """The most that all processes of the stack have together beyond what they had before, MiB."""
    with watched(parley) as seen:
        work()
    return more_of(seen)


def _memory(parley: Stack) -> Memory:
    found = Memory()
    for process in procfs.tree(parley.runner.pid):
        try:
            # Pages of programs are shared with whatever else runs here, and counted anew when that ends. Shared buffers
            # are set aside in the beginning, and become somebody's as they are first touched.
            found[_kind_of(process)] += procfs.pss_kib(process.pid, "Pss_Anon")
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            continue  # it has just ended
    return found


def _kind_of(process: procfs.Process) -> str:
    command = procfs.command(process.pid)
    for kind in (_READER, *SERVICES):
        if kind in command:
            return kind
    # PostgreSQL's say what they do, and for whom: `postgres: autovacuum worker`.
    title = command[0] if command else ""
    return " ".join(title.split()[:2]) if title.startswith("postgres: ") else process.name
