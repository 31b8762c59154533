"""The steps of a stream, each within its time: a request that is taken, an answer that comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import grpc.aio

from chassis.grpc.errors import deadline_exceeded


@asynccontextmanager
async def within(seconds: float | None) -> AsyncIterator[None]:
    """For a block that waits for the other side and nothing else. Raises AppError if it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise deadline_exceeded() from None


class InTime:
    """The answers of a call, to be iterated. Raises AppError where one does not come in so many seconds."""

    def __init__(self, call: Any, seconds: float) -> None:
        self._answers = aiter(call)
        self._seconds = seconds

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        async with within(self._seconds):
            return await anext(self._answers)


async def write(call: Any, request: Any) -> bool:
    """Whether there is still somebody who hears it.

    gRPC's own ``write`` takes a call that is being answered for one that has failed by itself: the
    status that is on its way is replaced by INTERNAL, one time in five.
    """
    await call.wait_for_connection()
    if call.done():
        return False
    try:
        await call._cython_call.send_serialized_message(request.SerializeToString())  # noqa: SLF001
    except grpc.aio.InternalError:
        return False
    return True
