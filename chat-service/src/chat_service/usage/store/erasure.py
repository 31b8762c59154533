"""What is taken away of the usage of a user who is gone, and what of it is old.

What the operator's connections have cost the tenant stays, as a sum of the day that has nobody's name, model or
connection in it: an operator has paid it, and a tenant's bill is not to grow less behind it.
"""

# ruff: noqa: S608 - all statements are made of constants

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database
from chassis.db.statement import Statement
from chassis.db.sweep import sweep
from chassis.repeated import Repeated
from chat_service.usage.store.ledger import COUNTED
from servicekit.erasure import BATCH, in_batches

#: Days for which it is kept: a year, and a month to look back at it.
KEPT_DAYS: Final = 400
_SWEEP_SECONDS: Final = 3600.0
_SWEEP_BATCH: Final = 1000

_SUMS: Final = ", ".join(f"sum({name})" for name in COUNTED)
_ADDED: Final = ", ".join(f"{name} = usage_of_erased.{name} + excluded.{name}" for name in COUNTED)
# In the order of the key: of two who are erased at once none waits for the other, who waits for it.
_FORGET = Statement(
    text(f"""
WITH gone AS (
    DELETE FROM usage_days WHERE ctid IN (
        SELECT ctid FROM usage_days WHERE user_id = :user_id ORDER BY user_id, day LIMIT :most)
    RETURNING tenant_id, day, currency, metered, {", ".join(COUNTED)}),
kept AS (
    INSERT INTO usage_of_erased (tenant_id, day, currency, {", ".join(COUNTED)})
    SELECT tenant_id, day, currency, {_SUMS} FROM gone WHERE metered
    GROUP BY tenant_id, day, currency ORDER BY tenant_id, day, currency
    ON CONFLICT (tenant_id, day, currency) DO UPDATE SET {_ADDED})
SELECT count(*) AS gone FROM gone
""")
)
# Of a release before the ledger.
_FORGET_OLDER = Statement(
    text(
        "DELETE FROM token_usage WHERE (user_id, key_id, day) IN ("
        "SELECT user_id, key_id, day FROM token_usage"
        " WHERE user_id = :user_id ORDER BY user_id, key_id, day LIMIT :most)"
    )
)


def _sweep(table: str) -> Statement:
    return Statement(
        text(
            f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table}"
            " WHERE day < (now() AT TIME ZONE 'UTC')::date - CAST(:kept_days AS integer)"
            " LIMIT :batch)"
        )
    )


_SWEEPS: Final = tuple(map(_sweep, ("usage_days", "usage_of_erased", "token_usage")))


async def _forget(connection: AsyncConnection, user_id: UUID) -> int:
    row = await _FORGET.first(connection, user_id=user_id, most=BATCH)
    older = await _FORGET_OLDER.run(connection, user_id=user_id, most=BATCH)
    return older + (0 if row is None else int(row.gone))


#: The step that deletes what a user has used, behind the one that ends what is being generated.
forget_usage: Final = in_batches(_forget)


class UsageSweep(Repeated):
    """Deletes in the worker role what is older than KEPT_DAYS; looks every hour."""

    def __init__(self, worker: Database) -> None:
        super().__init__("usage sweep", self.sweep, seconds=_SWEEP_SECONDS, unhurried=True)
        self._worker = worker

    async def sweep(self) -> None:
        """Look now. Raises DatabaseBusy or DatabaseUnavailable."""
        for statement in _SWEEPS:
            await sweep(self._worker, statement, batch=_SWEEP_BATCH, kept_days=KEPT_DAYS)
