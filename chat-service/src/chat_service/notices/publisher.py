"""Tells notices behind the request that made them: in batches, and never as an error of it.

What cannot be told, because Redis is away or too much waits, is not kept: its user's log is ended once
Redis listens, and whoever watches reads again.
"""

import asyncio
from collections import deque
from uuid import UUID

from prometheus_client import Counter

from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chat_service.notices.domain.notice import Notice
from chat_service.notices.log import NoticeLog
from chat_service.redis_client import REDIS_ERRORS

_log = get_logger(__name__)

_TOLD = Counter("chat_notices_told_total", "Notices told to users who are watched.")
_DROPPED = Counter("chat_notices_dropped_total", "Notices that could not be told.")

# Between two batches: one costs some 270 µs, and a notice in it 10.
_EVERY_SECONDS = 0.1
_BATCH = 500
_MOST_WAITING = 10_000
# Users of whom notices were lost; with more all logs are ended.
_MOST_LOST = 100_000
_AGAIN_SECONDS = 1.0


class Publisher(Component):
    """The port `Tell`, on ``log``.

    ``most_waiting`` notices wait at most, and more are lost. Whose they were is known of ``most_lost`` users;
    with more of them all users read again.
    """

    def __init__(
        self, log: NoticeLog, *, most_waiting: int = _MOST_WAITING, most_lost: int = _MOST_LOST
    ) -> None:
        self._notices = log
        self._most_waiting = most_waiting
        self._most_lost = most_lost
        self._waiting: deque[Notice] = deque()
        self._news = asyncio.Event()
        self._lost: set[UUID] = set()
        self._lost_all = False
        self._task: asyncio.Task[None] | None = None

    @property
    def held(self) -> dict[str, int]:
        """Of the notices that are to be told, and of users of whom some were lost: how many."""
        return {"notices": len(self._waiting), "users to restart": len(self._lost)}

    def tell(self, notice: Notice) -> None:
        """Returns at once; what becomes of it changes nothing for the caller."""
        if len(self._waiting) >= self._most_waiting:
            self._lose([notice])
        else:
            self._waiting.append(notice)
        self._news.set()

    def doubt(self) -> None:
        """Has everybody who watches read again: of anybody's a notice may be lost, with a replica that died."""
        self._lost_all = True
        self._news.set()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="notices")

    async def stop(self) -> None:
        """Everybody who tells has stopped: what they have said last goes out."""
        if self._task is not None:
            await end_task(self._task)
            self._task = None
        if not await self._tell_waiting():
            _log.warning("notices.not_told", users=len(self._lost))

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(_EVERY_SECONDS)
            self._news.clear()
            if not await self._tell_waiting():
                await asyncio.sleep(_AGAIN_SECONDS)
                self._news.set()

    async def _tell_waiting(self) -> bool:
        """Tell all there is; False: Redis is away."""
        batch: list[Notice] = []
        try:
            await self._restart_lost()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                _TOLD.inc(await self._notices.tell(batch))
                batch = []
        except REDIS_ERRORS as error:
            _log.warning("notices.delayed", error=type(error).__name__)
            self._lose([*batch, *self._waiting])
            self._waiting.clear()
            return False
        except asyncio.CancelledError:
            # Perhaps they were told: of the two, to read again is harmless.
            self._lose(batch)
            raise
        return True

    async def _restart_lost(self) -> None:
        """Before anything newer of these users is told. What is lost while Redis answers is for the next time."""
        if self._lost_all:
            self._lost_all = False
            try:
                self._lost.update(await self._notices.users())
            except BaseException:
                self._lost_all = True
                raise
        while self._lost:
            some = [user for user, _ in zip(self._lost, range(_BATCH), strict=False)]
            self._lost.difference_update(some)
            try:
                await self._notices.restart(some)
            except BaseException:
                self._lost.update(some)
                raise

    def _lose(self, notices: list[Notice]) -> None:
        _DROPPED.inc(len(notices))
        if len(self._lost) < self._most_lost:
            self._lost.update(notice.user_id for notice in notices)
        else:
            self._lost_all = True
