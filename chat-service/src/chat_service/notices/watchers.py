"""Watching notices: every replica hears of what any replica tells, and hands it to those who watch."""

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from prometheus_client import Gauge

from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chat_service.notices.domain.errors import NoticesUnavailable
from chat_service.notices.log import KEPT_SECONDS, Cursor, Entry, Look, NoticeLog, Standing
from chat_service.redis_client import REDIS_ERRORS

_log = get_logger(__name__)

_WATCHERS = Gauge("chat_notice_watchers", "Streams of notices that are open.")

_CURSOR = re.compile(r"[0-9]{1,16}-[0-9]{1,15}", re.ASCII)
# A place that no log has.
_NOWHERE = "0-0"
# Entries that wait for one watcher; with more it looks for them.
_MOST_WAITING = 64
# It keeps the stream, and finds what was not heard.
_LOOK_SECONDS = KEPT_SECONDS / 3
_AGAIN_SECONDS = 1.0
_LISTEN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class News:
    """Where the notices stand behind these entries; ``read_again``: instead of some."""

    cursor: Cursor
    entries: list[Entry]
    read_again: bool = False


class _Watcher:
    """One who watches, and what was heard for them."""

    def __init__(self) -> None:
        self.heard: deque[Entry] = deque()
        # Whether something may have been missed, or does not wait.
        self.doubt = False
        self.ended = False
        self.wake = asyncio.Event()

    def hear(self, entry: Entry) -> None:
        if not entry.cursor or len(self.heard) >= _MOST_WAITING:
            self.look()
        elif not self.doubt:
            self.heard.append(entry)
            self.wake.set()

    def look(self) -> None:
        self.heard.clear()
        self.doubt = True
        self.wake.set()

    def end(self) -> None:
        self.ended = True
        self.wake.set()


class Watchers(Component):
    """All who watch at this replica; who has heard nothing for ``look_seconds`` looks."""

    def __init__(self, log: NoticeLog, *, look_seconds: float = _LOOK_SECONDS) -> None:
        self._notices = log
        self._look_seconds = look_seconds
        self._of: dict[str, set[_Watcher]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._hears = asyncio.Event()
        self._draining = False

    @property
    def held(self) -> dict[str, int]:
        """Of the users who are watched: how many."""
        return {"watched users": len(self._of)}

    async def start(self) -> None:
        self._listening = asyncio.create_task(self._listen(), name="notices-heard")

    async def drain(self) -> None:
        """End what would not end by itself: it goes on at another replica."""
        self._draining = True
        for watcher in self._all():
            watcher.end()

    async def stop(self) -> None:
        if self._listening is not None:
            await end_task(self._listening)
            self._listening = None

    async def watch(self, user_id: UUID, after: Cursor | None) -> AsyncGenerator[News, None]:
        """At once what is behind ``after``, then each notice; it ends when the replica drains.

        Each notice once and in order, or once ``read_again`` where that is not known. While Redis
        is away it is silent. Raises NoticesUnavailable when it is away at the beginning.
        """
        user = str(user_id)
        if after is not None and not _CURSOR.fullmatch(after):
            after = _NOWHERE
        with self._watching(user) as watcher:
            look = await self._look_first(user, after or "")
            while look.standing is not Standing.ERASED and not watcher.ended:
                unknown = look.standing is Standing.UNKNOWN
                yield News(look.newest, list(look.entries), unknown)
                last = look.newest
                while not (watcher.doubt or watcher.ended):
                    if entries := _take(watcher, last):
                        last = entries[-1].cursor
                        yield News(last, entries)
                    else:
                        await self._wait(watcher)
                look = await self._look_again(user, last, watcher)

    @contextmanager
    def _watching(self, user: str) -> Iterator[_Watcher]:
        watcher = _Watcher()
        watcher.ended = self._draining
        watchers = self._of.setdefault(user, set())
        watchers.add(watcher)
        try:
            with _WATCHERS.track_inprogress():
                yield watcher
        finally:
            watchers.discard(watcher)
            if not watchers and self._of.get(user) is watchers:
                del self._of[user]

    async def _look_first(self, user: str, after: Cursor) -> Look:
        try:
            # What is told between the look and the moment that one hears would be missed.
            async with asyncio.timeout(_LISTEN_SECONDS):
                await self._hears.wait()
            return await self._notices.look(user, after)
        except REDIS_ERRORS:
            raise NoticesUnavailable() from None

    async def _look_again(self, user: str, last: Cursor, watcher: _Watcher) -> Look:
        while not watcher.ended:
            watcher.doubt = False
            try:
                return await self._notices.look(user, last)
            except REDIS_ERRORS as error:
                _log.debug("notices.look_failed", error=type(error).__name__)
                await asyncio.sleep(_AGAIN_SECONDS)
        return Look(Standing.ERASED, "")

    async def _listen(self) -> None:
        while True:
            try:
                async for entries in self._notices.news():
                    if entries is None:
                        self._hears.set()
                        for watcher in self._all():
                            watcher.look()
                        continue
                    for entry in entries:
                        for watcher in self._of.get(entry.user, ()):
                            watcher.hear(entry)
            except REDIS_ERRORS as error:
                _log.warning("notices.not_heard", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next try may succeed
                _log.error("notices.listening_broke", exc_info=error)
            self._hears.clear()
            await asyncio.sleep(_AGAIN_SECONDS)

    def _all(self) -> list[_Watcher]:
        return [watcher for watchers in self._of.values() for watcher in watchers]

    async def _wait(self, watcher: _Watcher) -> None:
        watcher.wake.clear()
        if watcher.heard or watcher.doubt or watcher.ended:
            return
        try:
            async with asyncio.timeout(self._look_seconds):
                await watcher.wake.wait()
        except TimeoutError:
            watcher.look()


def _take(watcher: _Watcher, last: Cursor) -> list[Entry]:
    """What was heard behind ``last``; if it does not begin there, there is something to look for."""
    taken: list[Entry] = []
    log, _, number = last.partition("-")
    seen = int(number)
    while watcher.heard:
        entry = watcher.heard.popleft()
        its_log, _, its_number = entry.cursor.partition("-")
        if its_log != log or int(its_number) > seen + 1:
            watcher.look()
            break
        if int(its_number) == seen + 1:
            seen += 1
            taken.append(entry)
    return taken
