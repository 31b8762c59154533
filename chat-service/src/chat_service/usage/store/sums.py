"""Sums of rows of the ledger, by whatever is told apart."""

# ruff: noqa: S608 - all statements are made of constants

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from chat_service.usage.domain.spent import Cost, Sums, Tokens
from chat_service.usage.store.ledger import COUNTED

_COUNTS: Final = [name for name in COUNTED if name != "cost"]
_SUMMED: Final = ", ".join(f"sum({name})::bigint AS {name}" for name in _COUNTS)


def sums_of(source: str, keys: Sequence[str]) -> str:
    """The query of what `source` has for each of its `keys`; amounts of money by currency, as text."""
    named = ", ".join(keys)
    return f"""
SELECT {named}, {_SUMMED},
       jsonb_object_agg(currency, cost::text) FILTER (WHERE currency <> '') AS costs,
       coalesce(sum(prompt_tokens + completion_tokens) FILTER (WHERE currency = ''), 0)::bigint
           AS unpriced_tokens,
       sum(prompt_tokens + completion_tokens)::bigint AS tokens
FROM (SELECT {named}, currency, {_SUMMED}, sum(cost) AS cost
      FROM ({source}) AS told GROUP BY {named}, currency) AS by_currency
GROUP BY {named}
"""


def to_sums(row: Any) -> Sums:
    """A row of such a query."""
    costs = row.costs or {}
    return Sums(
        completed=row.completed,
        cancelled=row.cancelled,
        interrupted=row.interrupted,
        failed=row.failed,
        tokens=Tokens(
            row.prompt_tokens,
            row.completion_tokens,
            row.cached_tokens,
            row.reasoning_tokens,
            row.estimated_tokens,
        ),
        duration_ms=row.duration_ms,
        costs=tuple(Cost(currency, Decimal(costs[currency])) for currency in sorted(costs)),
        unpriced_tokens=row.unpriced_tokens,
    )
