"""What metered connections have cost, by user and day: taken away with its user, or when it is old.

It is written where a run ends and looked at where one begins (see `statements.py`), and where a
connection is tried.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database
from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chassis.repeated import Repeated
from chat_service.runs.store.statements import TOKENS_USED
from chat_service.runs.store.values import utc_day
from servicekit.erasure import BATCH, in_batches

#: Days for which it is kept: a year, and a month to look back at it.
KEPT_DAYS: Final = 400
_SWEEP_SECONDS: Final = 3600.0
_SWEEP_BATCH: Final = 1000

_ADD = Statement(
    text(
        "INSERT INTO token_usage (tenant_id, user_id, key_id, day, tokens)"
        " VALUES (:tenant_id, :user_id, :key_id, :day, :tokens)"
        " ON CONFLICT (user_id, key_id, day)"
        " DO UPDATE SET tokens = token_usage.tokens + excluded.tokens"
    )
)
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


class TokenUsage:
    """What one user has used, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._scope = transaction.scope

    async def used(self, key_id: UUID, at: datetime) -> int:
        """Tokens of a connection on the day of `at`, in UTC."""
        row = await TOKENS_USED.first(
            self._connection,
            user_id=self._scope.user_id,
            connection_id=key_id,
            day=utc_day(at),
        )
        return 0 if row is None else int(row.tokens)

    async def add(self, key_id: UUID, at: datetime, tokens: int) -> None:
        """So many more."""
        await _ADD.run(
            self._connection,
            tenant_id=self._scope.tenant_id,
            user_id=self._scope.user_id,
            key_id=key_id,
            day=utc_day(at),
            tokens=tokens,
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
