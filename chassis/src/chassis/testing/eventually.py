"""Waiting for a condition: the only place in the tests that polls."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

Value = TypeVar("Value")

_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.1


@overload
async def eventually(
    predicate: Callable[[], Awaitable[Value]],
    timeout: float = 30.0,
    *,
    ignoring: tuple[type[Exception], ...] = ...,
) -> Value: ...
@overload
async def eventually(
    predicate: Callable[[], Value],
    timeout: float = 30.0,
    *,
    ignoring: tuple[type[Exception], ...] = ...,
) -> Value: ...
async def eventually(
    predicate: Callable[[], Any],
    timeout: float = 30.0,
    *,
    ignoring: tuple[type[Exception], ...] = (AssertionError,),
) -> Any:
    """Call ``predicate`` until it returns something true, and return that.

    Exceptions of the kinds in ``ignoring`` mean not yet. After ``timeout`` seconds the last of
    them is raised again, or AssertionError with the last value.
    """
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while True:
        failure: Exception | None = None
        value = None
        try:
            outcome = predicate()
            value = await outcome if inspect.isawaitable(outcome) else outcome
        except ignoring as error:
            failure = error
        if failure is None and value:
            return value
        if time.monotonic() >= deadline:
            if failure is not None:
                raise failure
            raise AssertionError(f"not within {timeout:g} s; the last value was {value!r}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
