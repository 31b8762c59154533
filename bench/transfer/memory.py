"""What all processes of a stack have of memory, looked at while something is done."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from bench import procfs
from bench.stack import Stack

_LOOK_SECONDS: Final = 0.1


@contextmanager
def watched(parley: Stack) -> Iterator[list[float]]:
    """The sum of all processes' memory at each look, but for that of files, MiB."""
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


def most_memory(parley: Stack, work: Callable[[], object]) -> float:
    """The most that all processes of the stack have together beyond what they had before, MiB."""
    with watched(parley) as seen:
        work()
    return max(seen) - seen[0]


def _memory(parley: Stack) -> float:
    total = 0
    for process in procfs.tree(parley.runner.pid):
        try:
            # Pages of programs are shared with whatever else runs here, and counted anew when that ends.
            total += procfs.pss_kib(process.pid) - procfs.pss_kib(process.pid, "Pss_File")
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            continue  # it has just ended
    return total / 1024
