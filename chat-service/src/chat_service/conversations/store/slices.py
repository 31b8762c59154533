"""Statements that write many messages, some at a time: so none is long, whatever the conversation is."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")

#: Messages that one statement writes.
MOST_AT_ONCE: Final = 2_000


def slices_of(items: Sequence[Item]) -> Iterator[tuple[int, list[Item]]]:
    """All of them in slices of MOST_AT_ONCE at most, each behind its place: how many come before it."""
    for first in range(0, len(items), MOST_AT_ONCE):
        yield first, list(items[first : first + MOST_AT_ONCE])


async def write_slices(write: Callable[[int], Awaitable[int]]) -> int:
    """Calls `write` with how many are written so far, until it writes fewer than MOST_AT_ONCE; how many in all."""
    written, some = 0, MOST_AT_ONCE
    while some == MOST_AT_ONCE:
        some = await write(written)
        written += some
    return written
