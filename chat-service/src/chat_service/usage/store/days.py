"""One user's rows of the ledger, in one transaction."""

# ruff: noqa: S608 - all statements are made of constants

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.answer.domain.ending import RunStatus
from chat_service.usage.domain.periods import utc_day
from chat_service.usage.domain.report import By, Days, UsageRow
from chat_service.usage.domain.rules import Bounds
from chat_service.usage.domain.spent import Cost, Purpose, Tokens
from chat_service.usage.domain.standing import Used
from chat_service.usage.store.ledger import (
    ADD,
    COUNTED,
    USED,
    to_used,
    values_of_answer,
    values_of_row,
    values_of_used,
)
from chat_service.usage.store.sums import sums_of, to_sums

#: So many models are told apart, those of which most was used; the others are one.
MOST_MODELS: Final = 50
#: Of one report.
MOST_ROWS: Final = 10_000

# By what is not asked for, all is one.
_TOLD: Final = f"""
SELECT CASE WHEN :by_day THEN day END AS day,
       CASE WHEN :by_model THEN named.model END AS model,
       CASE WHEN :by_connection THEN key_id END AS key_id,
       CASE WHEN :by_connection THEN metered END AS metered,
       CASE WHEN :by_purpose THEN purpose END AS purpose,
       currency, {", ".join(COUNTED)}
FROM usage_days LEFT JOIN (
    SELECT of_it.model FROM usage_days AS of_it
    WHERE of_it.user_id = :user_id AND of_it.day BETWEEN :first AND :last AND :by_model
    GROUP BY of_it.model
    ORDER BY sum(of_it.prompt_tokens + of_it.completion_tokens) DESC, of_it.model
    LIMIT :most_models) AS named ON named.model = usage_days.model
WHERE user_id = :user_id AND day BETWEEN :first AND :last
"""
_REPORT = Statement(
    text(
        f"""
{sums_of(_TOLD, ("day", "model", "key_id", "metered", "purpose"))}
ORDER BY day DESC NULLS LAST, tokens DESC, model NULLS LAST, key_id, purpose
LIMIT :most
"""
    )
)

_BY_CONNECTION = Statement(
    text("""
SELECT key_id, sum(prompt_tokens + completion_tokens)::bigint AS tokens
FROM usage_days WHERE user_id = :user_id AND day = :day AND metered
GROUP BY key_id
""")
)


class UsageDays:
    """What one user has used."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._owner = transaction.owner

    async def used(self, bounds: Bounds, key_id: UUID | None, at: datetime) -> Used:
        """What counts by now for `bounds`, and of the connection today."""
        row = await USED.first(
            self._connection,
            user_id=self._owner.user_id,
            **values_of_used(bounds, key_id, at),
        )
        return Used() if row is None else to_used(row)

    async def add(
        self,
        key_id: UUID,
        at: datetime,
        *,
        provider: str,
        model: str,
        purpose: Purpose,
        metered: bool,
        status: RunStatus,
        tokens: Tokens,
        cost: Cost,
        seconds: float,
    ) -> None:
        """One answer more. The owner is locked."""
        await ADD.run(
            self._connection,
            tenant_id=self._owner.tenant_id,
            user_id=self._owner.user_id,
            **values_of_row(
                key_id, at, provider=provider, model=model, purpose=purpose, metered=metered
            ),
            **values_of_answer(status, tokens, cost, seconds=seconds),
        )

    async def report(self, days: Days, by: Collection[By]) -> list[UsageRow]:
        """What was used in these days, the newest first, one row more than MOST_ROWS at most."""
        rows = await _REPORT.all(
            self._connection,
            user_id=self._owner.user_id,
            first=days.first,
            last=days.last,
            most_models=MOST_MODELS,
            most=MOST_ROWS + 1,
            **{f"by_{one}": one in by for one in By},
        )
        return [_to_row(row) for row in rows]

    async def of_connections(self, at: datetime) -> dict[UUID, int]:
        """Today's tokens of each of the operator's connections."""
        rows = await _BY_CONNECTION.all(
            self._connection,
            user_id=self._owner.user_id,
            day=utc_day(at),
        )
        return {row.key_id: row.tokens for row in rows}


def _to_row(row: Any) -> UsageRow:
    return UsageRow(to_sums(row), row.day, row.model, row.key_id, row.metered, row.purpose)
