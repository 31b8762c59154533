"""A running service that tests share, one after the other, each finding it as good as new.

To start one, to connect it to its database, to NATS and to who calls it, and to end all that again costs
ten times what a plain test costs. What is shared runs on the event loop of the session, and so do
the tests of a room that shares (`on_one_loop`).
"""

import asyncio
import contextvars
import inspect
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from typing import Any, Final, Generic, Protocol, TypeVar

import pytest

from chassis.testing.databases import DatabaseFactory, DatabaseUrls

# The loop stands still while tests with loops of their own run. After this long a replica counts as
# frozen, streams have been cut and connections been missed: a new service costs less than to be sure. Seconds.
LONGEST_STANDSTILL: Final = 5.0
_PATIENCE: Final = 5.0

# What there is, and the loop that it runs on.
_kept_running: dict["KeptRunning", asyncio.AbstractEventLoop] = {}

_Tasks = weakref.WeakSet[asyncio.Task[Any]]
# Those that the test has begun, and they; a service began its own before.
_tasks_of_test = contextvars.ContextVar[_Tasks | None]("tasks_of_test", default=None)


class Running(Protocol):
    """What tests share has a database, and comes to rest."""

    @property
    def database(self) -> DatabaseUrls: ...

    async def settle(self) -> None:
        """Returns once it makes no more rows behind its answers; for who takes too long there is another one."""


Shared = TypeVar("Shared", bound=Running)


def on_one_loop(name: str, obj: object) -> None:
    """For a conftest.py's ``pytest_pycollect_makeitem``: its tests run on the loop of the session."""
    if name.startswith("test") and inspect.iscoroutinefunction(obj):
        pytest.mark.asyncio(loop_scope="session")(obj)


class KeptRunning:
    """What runs from one test of a room to the next.

    Beside those of another it would be heard in their logs, and counted in their metrics: it says that it was
    away while the loop stood still, for one.
    """

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def stop(self) -> None:
        """Ends what there is."""
        _kept_running.pop(self, None)
        await self._stack.aclose()

    def _keep(self) -> None:
        """From now on it is to be stopped when the tests go on in another room."""
        _kept_running[self] = asyncio.get_running_loop()


def stop_what_is_kept() -> None:
    """Between two tests: stop all that runs on in this process."""
    for one, loop in list(_kept_running.items()):
        loop.run_until_complete(one.stop())


class SharedService(KeptRunning, Generic[Shared]):
    """Starts one when a test first asks, and another where the one there is cannot be used again.

    ``open_one`` starts a service and stops it behind its block. What a test has begun, and what the service
    does behind it, may take ``patience`` seconds to its end once the test is over.
    """

    def __init__(
        self,
        databases: DatabaseFactory,
        open_one: Callable[[], AbstractAsyncContextManager[Shared]],
        *,
        patience: float = _PATIENCE,
    ) -> None:
        super().__init__()
        self._databases = databases
        self._open_one = open_one
        self._patience = patience
        self._running: Shared | None = None

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Shared]:
        """For one test, and as it was before behind it.

        Rows are put back; sequences go on, as what the service has read of them does. A database
        that was changed in any other way goes with its service. AssertionError if something of what
        the test began goes on.
        """
        if self._running is None:
            self._keep()
            self._running = await self._stack.enter_async_context(self._open_one())
        with _recording() as begun:
            yield self._running
        going_on = await _going_on(begun, self._patience)
        if going_on or not await self._is_as_new(self._running):
            await self.stop()
        assert not going_on, f"the test is over, and this goes on: {going_on}"

    async def stop(self) -> None:
        """Ends the one there is."""
        self._running = None
        await super().stop()

    async def _is_as_new(self, running: Shared) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                await running.settle()
        except TimeoutError:
            return False
        # In a thread: what the service has begun, and holds locks for, comes to its end meanwhile.
        return await asyncio.to_thread(self._databases.put_back, running.database)


@contextmanager
def _recording() -> Iterator[_Tasks]:
    tasks = _Tasks()
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(_recorded)
    token = _tasks_of_test.set(tasks)
    try:
        yield tasks
    finally:
        _tasks_of_test.reset(token)
        loop.set_task_factory(before)


def _recorded(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    *,
    context: contextvars.Context | None = None,
    **options: Any,
) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, context=context, **options)
    tasks = _tasks_of_test.get() if context is None else context.get(_tasks_of_test)
    if tasks is not None:
        tasks.add(task)
    return task


async def _going_on(begun: _Tasks, patience: float) -> list[str]:
    """What does not come to its end within ``patience`` seconds, which is cancelled."""
    this = asyncio.current_task()
    tasks = {task for task in begun if not task.done() and task is not this}
    if not tasks:
        return []
    _, tasks = await asyncio.wait(tasks, timeout=patience)
    for task in tasks:
        task.cancel()
    return [repr(task) for task in tasks]
