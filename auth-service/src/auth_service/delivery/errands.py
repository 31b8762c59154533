"""What is seen to behind the answer, and a while behind it: a short queue, and a few tasks that
work it off.
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import SystemRandom

from prometheus_client import Counter

from auth_service.usecases.code_ports import Errand
from auth_service.usecases.errors import TooBusy
from chassis.errors import AppError
from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_DONE = Counter("auth_code_errands_total", "Requests for codes, by what came of them.", ["outcome"])

_RETRY_SECONDS = 5
_random = SystemRandom()


class ErrandQueue(Component):
    """Runs ``run`` for each errand, ``workers`` at once, while at most ``size`` more wait.

    Each waits for a random part of ``delay`` seconds first: to send a mail takes time that there is
    none to send does not, and whoever could tell when to look would see it in what comes next.

    One that fails is logged, without what it was about, and is not tried again: whoever waits
    for a code asks for another. What was taken before the service drains is still done.
    """

    def __init__(
        self,
        run: Callable[[Errand], Awaitable[None]],
        *,
        workers: int,
        size: int,
        delay: float,
    ) -> None:
        self._run = run
        self._workers = workers
        self._size = size
        self._delay = delay
        self._queue: asyncio.Queue[Errand] = asyncio.Queue()
        self._waiting = 0
        self._none_waits = asyncio.Event()
        self._none_waits.set()
        self._tasks: list[asyncio.Task[None]] = []

    def take(self, errand: Errand) -> None:
        """Queue it. Raises TooBusy when the queue is full."""
        if self._waiting >= self._size:
            _DONE.labels("refused").inc()
            raise TooBusy(retry_after=_RETRY_SECONDS)
        self._waiting += 1
        self._none_waits.clear()
        delay = _random.uniform(0, self._delay)
        asyncio.get_running_loop().call_later(delay, self._queue.put_nowait, errand)

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._work(), name=f"errands {number}")
            for number in range(self._workers)
        ]

    async def drain(self) -> None:
        await self._none_waits.wait()
        await self._queue.join()

    async def stop(self) -> None:
        for task in self._tasks:
            await end_task(task)
        self._tasks.clear()

    async def _work(self) -> None:
        while True:
            errand = await self._queue.get()
            self._waiting -= 1
            if not self._waiting:
                self._none_waits.set()
            try:
                await self._run(errand)
            except AppError as error:
                _DONE.labels("failed").inc()
                _log.error("code.not_sent", reason=error.reason)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next one may succeed
                _DONE.labels("failed").inc()
                _log.error("code.not_sent", exc_info=error)
            else:
                _DONE.labels("done").inc()
            finally:
                self._queue.task_done()
