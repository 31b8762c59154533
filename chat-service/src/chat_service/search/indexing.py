"""The background job that indexes texts."""

import asyncio
from typing import Final

from prometheus_client import Counter, Gauge

from chassis.repeated import Repeated
from chassis.telemetry.logging import get_logger
from chat_service.search.domain.pace import Pace
from chat_service.search.store.unindexed import Unindexed
from chat_service.search.usecases.index import Filtering, index_texts

_log = get_logger(__name__)

# Until then a search looks at the texts themselves.
_SECONDS: Final = 5.0
# How much is left, and what an earlier release has put in: that is looked for less often.
_LOOK_SECONDS: Final = 15.0
# Of a million it takes some tenths of a second.
_COUNT_SECONDS: Final = 60.0

_INDEXED = Counter("chat_indexed_texts_total", "Titles and messages that were indexed for search.")
_SESSIONS = Gauge(
    "chat_unindexed_sessions", "Conversations of which something is yet to be indexed for search."
)
_AGE = Gauge(
    "chat_unindexed_seconds",
    "Seconds since the first of these was last changed; old ones count from then after an upgrade.",
)
_UNFILTERED = Gauge(
    "chat_unfiltered_texts",
    "Texts that a search reads one by one, for an earlier release has put them in; counted once a minute.",
)


class Indexing(Repeated):
    """Indexes what was written, every 5 s, and what an earlier release has left, of which there may be hours
    of work: that has an eighth of a core. Replicas share the work.
    """

    def __init__(self, unindexed: Unindexed) -> None:
        super().__init__("search indexing", self.index, seconds=_SECONDS)
        self._unindexed = unindexed
        self._filtering = Filtering(unindexed, rest=self._rest_long)
        self._pace = Pace()
        self._looked_at = self._counted_at = self._unfiltered_at = float("-inf")
        self._left = 0

    async def index(self) -> None:
        """Index now. Raises DatabaseBusy or DatabaseUnavailable."""
        filtered = 0
        while True:
            began, self._pace = asyncio.get_running_loop().time(), Pace()
            if indexed := await index_texts(self._unindexed, rest=self._rest):
                _INDEXED.inc(indexed)
            if began < self._looked_at + _LOOK_SECONDS:
                if self._left:
                    await self._count()
                break
            # What was just written comes before what an upgrade has left.
            if not (given := await self._filtering.go_on(_SECONDS)):
                self._looked_at = began
                await self._count()
                await self._count_unfiltered()
                break
            filtered += given
            if began > self._unfiltered_at + _COUNT_SECONDS:
                left = await self._count_unfiltered()
                _log.info("search.filtering", texts=filtered, left=left)
        if filtered:
            _log.info("search.filtered", texts=filtered)

    async def _rest(self, seconds: float) -> None:
        await self._pause(self._pace.rest_behind(seconds))

    async def _rest_long(self, seconds: float) -> None:
        await self._pause(Pace(prompt_seconds=0.0).rest_behind(seconds))

    async def _pause(self, seconds: float) -> None:
        # What people look at is to be true meanwhile.
        if asyncio.get_running_loop().time() > self._counted_at + _LOOK_SECONDS:
            await self._count()
        await asyncio.sleep(seconds)

    async def _count(self) -> None:
        self._counted_at = asyncio.get_running_loop().time()
        sessions, seconds = await self._unindexed.pending()
        self._left = sessions
        _SESSIONS.set(sessions)
        _AGE.set(seconds)

    async def _count_unfiltered(self) -> int:
        self._unfiltered_at = asyncio.get_running_loop().time()
        left = await self._unindexed.count_unfiltered()
        _UNFILTERED.set(left)
        return left
