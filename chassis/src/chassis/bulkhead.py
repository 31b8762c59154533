"""A bound on what goes on at once, and on who waits for it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from chassis.errors import AppError


class Bulkhead:
    """``at_once`` blocks run at once, or all where that is None, and ``of_one`` of those with one key; the others wait.

    They wait ``most_seconds`` each at most, and ``most_waiting`` together, or as many as come where that
    is None. Whoever finds that many waiting, or waits longer, gets a new error of ``refusal``.
    """

    def __init__(
        self,
        at_once: int | None,
        *,
        of_one: int = 1,
        most_seconds: float,
        refusal: Callable[[], AppError],
        most_waiting: int | None = None,
    ) -> None:
        self._all = None if at_once is None else asyncio.Semaphore(at_once)
        self._of_one = of_one
        self._keyed: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()
        self._most_seconds = most_seconds
        self._refusal = refusal
        self._most_waiting = most_waiting
        self._waiting = 0

    @asynccontextmanager
    async def enter(self, key: Hashable | None = None) -> AsyncIterator[None]:
        """The block runs within the bound. Raises what ``refusal`` makes."""
        if self._most_waiting is not None and self._waiting >= self._most_waiting:
            raise self._refusal()
        async with AsyncExitStack() as stack:
            self._waiting += 1
            try:
                async with asyncio.timeout(self._most_seconds):
                    if key is not None:
                        mine = self._keyed.setdefault(key, asyncio.Semaphore(self._of_one))
                        await stack.enter_async_context(mine)
                    if self._all is not None:
                        await stack.enter_async_context(self._all)
            except TimeoutError:
                raise self._refusal() from None
            finally:
                self._waiting -= 1
            yield
