"""The job queue of codes: jobs run after the answer and a random delay, in a few tasks.

It is in memory and bounded.
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import SystemRandom

from prometheus_client import Counter

from auth_service.usecases.ports import CodeJob
from chassis.errors import AppError
from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from servicekit.argon2_passwords import TooBusy

_log = get_logger(__name__)

_JOBS = Counter("auth_code_jobs_total", "Requests for codes, by what came of them.", ["outcome"])

_RETRY_SECONDS = 5
_random = SystemRandom()


class JobQueue(Component):
    """Runs ``run`` for each job, ``workers`` at once, while at most ``size`` more wait.

    Each job waits for a random part of ``delay`` seconds first. Sending a mail takes time, and
    sending none does not: who knew when a job runs could see that in the time of the next answer.

    A job that fails is logged without its address, and is not tried again: whoever waits for a code
    asks for another. Jobs that were added before the service stops are still done: those that come
    while it drains, of calls that were under way, wait for no delay any more.
    """

    def __init__(
        self,
        run: Callable[[CodeJob], Awaitable[None]],
        *,
        workers: int,
        size: int,
        delay: float,
    ) -> None:
        self._run = run
        self._workers = workers
        self._size = size
        self._delay = delay
        self._queue: asyncio.Queue[CodeJob] = asyncio.Queue()
        self._waiting = 0
        self._no_job_waits = asyncio.Event()
        self._no_job_waits.set()
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, job: CodeJob) -> None:
        """Queue it. Raises TooBusy when the queue is full."""
        if self._waiting >= self._size:
            _JOBS.labels("refused").inc()
            raise TooBusy(retry_after=_RETRY_SECONDS)
        self._waiting += 1
        self._no_job_waits.clear()
        delay = _random.uniform(0, self._delay)
        asyncio.get_running_loop().call_later(delay, self._queue.put_nowait, job)

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._work(), name=f"code jobs {number}")
            for number in range(self._workers)
        ]

    async def drain(self) -> None:
        self._delay = 0
        await self._all_done()

    async def stop(self) -> None:
        try:
            # The server has stopped by now, and nothing is added any more.
            if self._tasks:
                await self._all_done()
        finally:
            for task in self._tasks:
                await end_task(task)
            self._tasks.clear()
            for _ in range(self._waiting):
                _not_sent("STOPPED")
            self._waiting = 0

    async def _all_done(self) -> None:
        await self._no_job_waits.wait()
        await self._queue.join()

    async def _work(self) -> None:
        while True:
            job = await self._queue.get()
            self._waiting -= 1
            if not self._waiting:
                self._no_job_waits.set()
            try:
                await self._run(job)
            except AppError as error:
                _not_sent(error.reason)
            except asyncio.CancelledError:
                _not_sent("STOPPED")
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was, the next one may succeed
                _JOBS.labels("failed").inc()
                _log.error("code.not_sent", exc_info=error)
            else:
                _JOBS.labels("done").inc()
            finally:
                self._queue.task_done()


def _not_sent(reason: str) -> None:
    _JOBS.labels("failed").inc()
    _log.error("code.not_sent", reason=reason)
