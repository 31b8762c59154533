"""The sweep: what was taken back, or expired long ago, is deleted with all that it shows."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database
from chassis.db.statement import Statement
from chassis.repeated import Repeated
from chat_service.shares.store.references import delete_files
from servicekit.counters import Counters
from servicekit.erasure import BATCH

_EVERY_SECONDS: Final = 60.0
#: Days for which its owner can still give one that has expired more time.
EXPIRED_DAYS: Final = 30
_SHARES: Final = 100

_END_EXPIRED = Statement(
    text("""
UPDATE shares SET state = 'gone' WHERE id IN (
    SELECT id FROM shares
    WHERE expires_at < now() - make_interval(days => CAST(:days AS integer)) AND state <> 'gone'
    ORDER BY expires_at LIMIT :most FOR UPDATE SKIP LOCKED)
""")
)
# Any number of replicas do it side by side: each leaves alone what another has locked.
_NEXT = Statement(
    text(
        "SELECT id FROM shares WHERE state = 'gone' ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED"
    )
)
_DELETE_MESSAGES = Statement(
    text("""
DELETE FROM share_messages WHERE (share_id, position) IN (
    SELECT found.share_id, found.position
    FROM unnest(CAST(:ids AS uuid[])) AS share (id) CROSS JOIN LATERAL (
        SELECT share_id, position FROM share_messages
        WHERE share_id = share.id ORDER BY position LIMIT :most) AS found
    LIMIT :most)
""")
)
_DELETE_FILES = Statement(text(delete_files("shares.id = any(CAST(:ids AS uuid[]))")))
_DELETE = Statement(text("DELETE FROM shares WHERE id = any(CAST(:ids AS uuid[]))"))


class ShareSweep(Repeated):
    """Looks every minute, and when woken; deletes counted guesses that matter no more as well."""

    def __init__(self, worker: Database) -> None:
        super().__init__("sweep of shares", self.sweep, seconds=_EVERY_SECONDS, unhurried=True)
        self._worker = worker

    async def sweep(self) -> None:
        """Look now. Raises DatabaseBusy or DatabaseUnavailable."""
        for step in (self._end_expired, self._delete, self._forget_guesses):
            is_more = True
            while is_more:
                async with self._worker.transaction() as connection:
                    is_more = await step(connection)

    async def _end_expired(self, connection: AsyncConnection) -> bool:
        return await _END_EXPIRED.run(connection, days=EXPIRED_DAYS, most=BATCH) == BATCH

    async def _delete(self, connection: AsyncConnection) -> bool:
        ids = [row.id for row in await _NEXT.all(connection, most=_SHARES)]
        if not ids:
            return False
        # A share's row outlives what it shows: a crash anywhere leaves what is to be deleted in sight.
        for statement in (_DELETE_FILES, _DELETE_MESSAGES):
            if await statement.run(connection, ids=ids, most=BATCH) == BATCH:
                return True
        await _DELETE.run(connection, ids=ids)
        return len(ids) == _SHARES

    async def _forget_guesses(self, connection: AsyncConnection) -> bool:
        return await Counters(connection).sweep(BATCH) == BATCH
