"""Follows what users set: looks every few seconds, and when somebody waits for it."""

import asyncio
from typing import Final

from prometheus_client import Counter

from chassis.db.engine import Database
from chassis.repeated import Repeated
from chassis.telemetry.logging import get_logger
from chat_service.user_settings.domain.settings import ListChanges
from chat_service.user_settings.store.copy import (
    begin_anew,
    forget_untold,
    read_cursor,
    take_changes,
)

_log = get_logger(__name__)

_LOOKS = Counter(
    "chat_user_settings_looks_total",
    "Looks at what users have set, by outcome: taken, failed. What was known before stays in force.",
    ["outcome"],
)

_EVERY_SECONDS: Final = 5.0
#: So long the copy counts as what users want: beyond, nothing is taken away because of it.
_FRESH_SECONDS: Final = 600.0


class FollowUserSettings(Repeated):
    """Takes the changes that auth-service tells, on `worker`. All replicas do so, and none waits for another."""

    def __init__(self, worker: Database, list_changes: ListChanges) -> None:
        super().__init__("following of users' settings", self.take, seconds=_EVERY_SECONDS)
        self._worker = worker
        self._list_changes = list_changes
        self._cursor: int | None = None
        # Whoever has begun anew may have been stopped before the end.
        self._may_have_untold = True
        self._one_at_a_time = asyncio.Lock()
        self._begun = self._done = 0
        self._fresh_until = 0.0

    @property
    def is_fresh(self) -> bool:
        """Whether the copy was what users want some minutes ago, or is newer."""
        return asyncio.get_running_loop().time() < self._fresh_until

    async def take(self) -> None:
        """Returns once everything that was set before the call holds here.

        Raises DatabaseBusy, DatabaseUnavailable, and what `list_changes` raises.
        """
        wanted = self._begun + 1
        async with self._one_at_a_time:
            if self._done >= wanted:
                # Somebody else has waited, too, and it began after this call.
                return
            self._begun = number = self._begun + 1
            began = asyncio.get_running_loop().time()
            try:
                await self._take_all()
            except Exception:
                _LOOKS.labels("failed").inc()
                # Perhaps it was committed.
                self._cursor = None
                raise
            _LOOKS.labels("taken").inc()
            self._done = number
            self._fresh_until = began + _FRESH_SECONDS

    async def _take_all(self) -> None:
        is_last = False
        while not is_last:
            cursor = self._cursor
            if cursor is None:
                async with self._worker.transaction() as connection:
                    cursor = await read_cursor(connection)
                self._cursor, self._may_have_untold = cursor, True
            changes = await self._list_changes(cursor)
            if changes.newest < cursor:
                _log.warning("user_settings.begun_anew", cursor=cursor, newest=changes.newest)
                async with self._worker.transaction() as connection:
                    await begin_anew(connection, changes.newest)
                self._cursor = None
                continue
            if changes.items:
                async with self._worker.transaction() as connection:
                    await take_changes(connection, changes.items)
                self._cursor = cursor = changes.items[-1].number
            is_last = changes.is_last
            if is_last and self._may_have_untold:
                async with self._worker.transaction() as connection:
                    await forget_untold(connection, cursor)
                self._may_have_untold = False
