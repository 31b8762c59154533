"""What metered connections have cost, by user and day: taken away with its user, or when it is old.

It is written where a run ends and looked at where one begins: see `statements.py`.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database
from chassis.db.statement import Statement
from chassis.repeated import Repeated
from servicekit.erasure import BATCH, in_batches

#: Days for which it is kept: a year, and a month to look back at it.
KEPT_DAYS: Final = 400
_SWEEP_SECONDS: Final = 3600.0
_SWEEP_BATCH: Final = 1000

_FORGET = Statement(
    text(
        "DELETE FROM token_usage WHERE (user_id, key_id, day) IN ("
        "SELECT user_id, key_id, day FROM token_usage"
        " WHERE user_id = :user_id ORDER BY user_id, key_id, day LIMIT :most)"
    )
)
_SWEEP = Statement(
    text(
        "DELETE FROM token_usage WHERE (user_id, key_id, day) IN ("
        "SELECT user_id, key_id, day FROM token_usage"
        " WHERE day < (now() AT TIME ZONE 'UTC')::date - CAST(:kept_days AS integer)"
        " LIMIT :batch)"
    )
)


async def _forget(connection: AsyncConnection, user_id: UUID) -> int:
    return await _FORGET.run(connection, user_id=user_id, most=BATCH)


#: The step that deletes what a user has spent, behind the one that ends what is being generated.
forget_token_usage: Final = in_batches(_forget)


class TokenUsageSweep(Repeated):
    """Deletes in the worker role what is older than KEPT_DAYS; looks every hour."""

    def __init__(self, worker: Database) -> None:
        super().__init__("token usage sweep", self.sweep, seconds=_SWEEP_SECONDS)
        self._worker = worker

    async def sweep(self) -> None:
        """Look now. Raises DatabaseBusy or DatabaseUnavailable."""
        swept = _SWEEP_BATCH
        while swept == _SWEEP_BATCH:
            async with self._worker.transaction() as connection:
                swept = await _SWEEP.run(connection, kept_days=KEPT_DAYS, batch=_SWEEP_BATCH)
