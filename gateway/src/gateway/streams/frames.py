"""A run's frames as they come, whatever brings them: batches in order, up to the terminal one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from typing import Protocol, TypeVar

#: The events that end a run.
TERMINAL = frozenset({"done", "error"})
_SLICE_BYTES = 64 * 1024


class FrameLike(Protocol):
    @property
    def seq(self) -> int: ...
    @property
    def event(self) -> str: ...
    @property
    def data(self) -> bytes: ...


class Batch(Protocol):
    """What StartRun and FollowRun answer with: some frames of a run, in order."""

    @property
    def frames(self) -> Iterable[FrameLike]: ...


AnyBatch = TypeVar("AnyBatch", bound=Batch)


class Batches(Protocol):
    """A run's frames as they come: iterate it, then close it whatever happens."""

    def __aiter__(self) -> AsyncIterator[Batch]: ...
    async def aclose(self) -> None: ...


def sliced(events: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The events in order, in slices of 64 KiB or one event: a history is not one write."""
    some: list[bytes] = []
    size = 0
    for event in events:
        some.append(event)
        size += len(event)
        if size >= _SLICE_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


async def begin(
    batches: AsyncGenerator[AnyBatch, None], *, patience: float
) -> asyncio.Task[AnyBatch | None]:
    """The read of the first answer: done, or still under way after ``patience`` seconds.

    So a refusal can still be a problem with its own status, and a run that is silent just now
    does not keep its follower waiting. Raises what the stream raises.
    """
    opening = asyncio.create_task(_next(batches), name="stream-opening")
    try:
        done, _ = await asyncio.wait((opening,), timeout=patience)
        if done:
            opening.result()
    except BaseException:
        opening.cancel()
        await asyncio.wait((opening,))
        await batches.aclose()
        raise
    return opening


async def _next(batches: AsyncGenerator[AnyBatch, None]) -> AnyBatch | None:
    return await anext(batches, None)
