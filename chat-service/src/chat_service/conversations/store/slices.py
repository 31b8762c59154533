"""Statements that write many messages, some at a time: so none is long, whatever the conversation is."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")

#: Messages that one statement writes.
MOST_AT_ONCE: Final = 2_000


def slices_of(items: Sequence[Item], most: int | None = None) -> Iterator[tuple[int, list[Item]]]:
    """All of them in slices of `most` at most, None: MOST_AT_ONCE, each behind its place: how many come before it."""
    most = MOST_AT_ONCE if most is None else most
    for first in range(0, len(items), most):
        yield first, list(items[first : first + most])


async def write_slices(write: Callable[[int], Awaitable[int]], most: int) -> int:
    """Calls `write` with how many are written so far, until it writes fewer than `most`; how many in all."""
    written, some = 0, most
    while some == most:
        some = await write(written)
        written += some
    return written
