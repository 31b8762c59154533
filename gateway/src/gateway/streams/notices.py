"""Notices on their way to a user's sockets: one stream from chat-service for each user, for all of them.

A listener is one socket's part. What it does not take waits, up to a bound; with more it is told to
read again, in place of all that waited.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

from prometheus_client import Gauge

from chassis.caller import Caller
from chassis.errors import AppError, Unavailable
from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from gateway.clients import Peer
from parley.chat.v1 import chat_pb2 as pb
from parley.chat.v1.chat_pb2_grpc import NoticeServiceStub

_log = get_logger(__name__)

_OPEN = Gauge("notice_feeds_open", "Users whose notices are read from chat-service.")

#: The data of a notice in place of those that are not known.
READ_AGAIN = b'{"topic":"all","change":"read_again"}'

_MOST_WAITING = 64
# For chat-service to answer, and before a stream that has ended is begun again.
_OPEN_SECONDS = 5.0
_PAUSES = (0.1, 0.5, 1.0, 2.0)


class NoNotices(Unavailable):
    reason = "NOTICES_UNAVAILABLE"
    detail = "Notices are not to be had at the moment; ask again shortly."

    def __init__(self) -> None:
        super().__init__(retry_after=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """A JSON object, and the cursor behind it."""

    cursor: str
    data: bytes

    @property
    def is_reset(self) -> bool:
        return self.data is READ_AGAIN


@dataclass(frozen=True, slots=True)
class Missed:
    """Where a listener begins: ``cursor``, behind these notices."""

    cursor: str
    notices: list[Notice]


class Listener:
    """One socket that hears of its user; ``caller`` says who speaks on it at that moment."""

    def __init__(self, caller: Callable[[], Caller]) -> None:
        self.caller = caller
        self._waiting: deque[Notice] = deque()
        self._news = asyncio.Event()

    def take(self, notice: Notice) -> None:
        """To be called by the feed."""
        if notice.is_reset or len(self._waiting) >= _MOST_WAITING:
            self._waiting.clear()
            notice = Notice(notice.cursor, READ_AGAIN)
        self._waiting.append(notice)
        self._news.set()

    async def next_behind(self, cursor: str) -> list[Notice]:
        """The next notices that are not known to whoever knows all up to ``cursor``; at least one."""
        while True:
            await self._news.wait()
            self._news.clear()
            notices = list(self._waiting)
            self._waiting.clear()
            if new := [notice for notice in notices if _is_behind(notice, cursor)]:
                return new


class _Feed:
    """The stream of one user's notices, for as long as anybody listens."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.opened = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class NoticeFeeds(Component):
    """All feeds of this process. ``open_seconds`` is how long chat-service may take to answer; from then on it may be
    silent.
    """

    def __init__(
        self, service: Peer[NoticeServiceStub], *, open_seconds: float = _OPEN_SECONDS
    ) -> None:
        self._service = service
        self._open_seconds = open_seconds
        self._feeds: dict[str, _Feed] = {}

    @property
    def held(self) -> dict[str, int]:
        """Of the users whose notices are read: how many."""
        return {"notice feeds": len(self._feeds)}

    async def stop(self) -> None:
        for feed in list(self._feeds.values()):
            if feed.task is not None:
                await end_task(feed.task)

    @contextmanager
    def listen(self, user: str, listener: Listener) -> Iterator[None]:
        """The block hears the user's notices, from some moment on; see ``catch_up``."""
        feed = self._feeds.get(user)
        if feed is None:
            feed = self._feeds[user] = _Feed()
            feed.listeners.add(listener)
            feed.task = asyncio.create_task(self._read(feed), name="notice-feed")
        feed.listeners.add(listener)
        try:
            yield
        finally:
            feed.listeners.discard(listener)
            if not feed.listeners:
                del self._feeds[user]
                assert feed.task is not None
                feed.task.cancel()

    async def catch_up(self, user: str, caller: Caller, after: str | None) -> Missed:
        """What a listener of this user has missed behind ``after``, to what it hears. Raises AppError."""
        try:
            async with asyncio.timeout(self._open_seconds):
                # What is told between the answer and the moment that it hears would be missed.
                await self._feeds[user].opened.wait()
                request = pb.WatchNoticesRequest(after=after)
                async with aclosing(self._watch(request, caller)) as responses:
                    response = await anext(responses, None)
        except TimeoutError:
            raise NoNotices() from None
        if response is None:
            raise NoNotices()
        return Missed(response.cursor, _notices(response))

    def _watch(
        self, request: pb.WatchNoticesRequest, caller: Caller
    ) -> AsyncGenerator[pb.WatchNoticesResponse, None]:
        return self._service.follow(self._service.stub.WatchNotices, request, caller)

    async def _read(self, feed: _Feed) -> None:
        after: str | None = None
        breaks = 0
        with _OPEN.track_inprogress():
            while True:
                try:
                    # Of all who listen the one whose token lasts longest.
                    callers = [listener.caller() for listener in feed.listeners]
                    caller = max(callers, key=lambda one: one.expires_at)
                    request = pb.WatchNoticesRequest(after=after)
                    opening = asyncio.timeout(self._open_seconds)
                    async with aclosing(self._watch(request, caller)) as responses, opening:
                        async for response in responses:
                            opening.reschedule(None)
                            breaks = 0
                            for notice in _notices(response):
                                for listener in feed.listeners:
                                    listener.take(notice)
                            after = response.cursor
                            feed.opened.set()
                except (AppError, TimeoutError) as error:
                    _log.debug("notice_feed.broke", error=type(error).__name__)
                except Exception as error:  # noqa: BLE001 - whatever it was, the next try may succeed
                    _log.error("notice_feed.failed", exc_info=error)
                pause = _PAUSES[min(breaks, len(_PAUSES) - 1)]
                breaks += 1
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


def _notices(response: pb.WatchNoticesResponse) -> list[Notice]:
    if response.read_again:
        return [Notice(response.cursor, READ_AGAIN)]
    return [Notice(notice.cursor, notice.data) for notice in response.notices]


def _is_behind(notice: Notice, cursor: str) -> bool:
    """Cursors are ``<log>-<number>``. Those of another log are behind: it began when this one ended."""
    log, _, number = notice.cursor.partition("-")
    known_log, _, known = cursor.partition("-")
    return log != known_log or int(number) > int(known)
