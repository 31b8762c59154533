"""The ledger's row, which each answer adds to, and what is looked up in it before another one.

One row for each user, day in UTC, connection, model and purpose: an answer's tokens are added in the transaction
that ends its run, so that they are counted as often as it ends, which is once.
"""

# ruff: noqa: S608 - all statements are made of constants

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from chassis.db.statement import Statement
from chat_service.answer.domain.ending import RunStatus
from chat_service.usage.domain.periods import Period, utc_day
from chat_service.usage.domain.rules import Bounds
from chat_service.usage.domain.spent import NO_CONNECTION, Cost, Purpose, Tokens
from chat_service.usage.domain.standing import Used

_KEY: Final = "user_id, day, key_id, provider, model, purpose, currency"
_OUTCOMES: Final = ("completed", "cancelled", "interrupted", "failed")
_AMOUNTS: Final = (
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "estimated_tokens",
    "duration_ms",
    "cost",
)
#: All that grows.
COUNTED: Final = (*_OUTCOMES, *_AMOUNTS)
#: So many models of a user's day are told apart: what they are called is said by users and servers.
MOST_MODELS_A_DAY: Final = 100
#: The model of all others, as of those that are not known.
NO_MODEL: Final = ""
_OF_THE_DAY: Final = (
    "FROM usage_days AS known WHERE known.user_id = told.user_id AND known.day = told.day"
)
_MODEL: Final = f"""
CASE WHEN EXISTS (SELECT {_OF_THE_DAY} AND known.model = told.model)
       OR (SELECT count(DISTINCT known.model) {_OF_THE_DAY}) < {MOST_MODELS_A_DAY}
     THEN told.model ELSE '{NO_MODEL}' END
"""
_ADDED: Final = ", ".join(f"{name} = usage_days.{name} + excluded.{name}" for name in COUNTED)


def add_to_ledger(rows: str) -> str:
    """What adds `rows`: tenant and key as in the ledger, `metered`, then COUNTED.

    Models beyond MOST_MODELS_A_DAY are NO_MODEL: of a few more where answers end at once.
    """
    columns = f"tenant_id, {_KEY}, metered, {', '.join(COUNTED)}"
    kept = ", ".join(f"told.{name}" for name in columns.split(", ")).replace("told.model", _MODEL)
    return f"""
INSERT INTO usage_days ({columns})
SELECT {kept} FROM ({rows}) AS told ({columns})
ON CONFLICT ({_KEY}) DO UPDATE SET {_ADDED}
"""


#: What `values_of_answer` says, behind the row's key, as a list of SQL.
ANSWERS_COUNTS: Final = ", ".join(
    [f"CAST(:is_{outcome} AS bigint)" for outcome in _OUTCOMES]
    + [f"CAST(:used_{name} AS bigint)" for name in _AMOUNTS[:-1]]
    + ["CAST(:used_cost AS numeric)"]
)


def values_of_answer(
    status: RunStatus, tokens: Tokens, cost: Cost, *, seconds: float
) -> dict[str, Any]:
    """One answer for ANSWERS_COUNTS, and `currency`."""
    return {
        **{f"is_{outcome}": int(status.value == outcome) for outcome in _OUTCOMES},
        "used_prompt_tokens": tokens.prompt,
        "used_completion_tokens": tokens.completion,
        "used_cached_tokens": tokens.cached,
        "used_reasoning_tokens": tokens.reasoning,
        "used_estimated_tokens": tokens.estimated,
        "used_duration_ms": max(0, round(seconds * 1000)),
        "used_cost": cost.amount,
        "currency": cost.currency,
    }


_ADD = Statement(
    text(
        add_to_ledger(
            "SELECT CAST(:tenant_id AS uuid), CAST(:user_id AS uuid), CAST(:day AS date),"
            " CAST(:key_id AS uuid), CAST(:provider AS text), CAST(:model AS text),"
            " CAST(:purpose AS text), CAST(:currency AS text), CAST(:metered AS boolean),"
            f" {ANSWERS_COUNTS}"
        )
    )
)

# What counts for the bounds of one request: see `values_of_bounds`.
_USED: Final = """
SELECT
    coalesce(sum(tokens) FILTER (WHERE day = :day AND key_id = :connection_id), 0)::bigint
        AS connection_tokens,
    coalesce(sum(tokens) FILTER (WHERE day = :day AND (metered OR :day_own)), 0)::bigint
        AS day_tokens,
    coalesce(sum(cost) FILTER (
        WHERE day = :day AND (metered OR :day_own) AND currency = :of_currency), 0) AS day_cost,
    coalesce(sum(tokens) FILTER (WHERE metered OR :month_own), 0)::bigint AS month_tokens,
    coalesce(sum(cost) FILTER (
        WHERE (metered OR :month_own) AND currency = :of_currency), 0) AS month_cost
FROM (
    SELECT day, key_id, metered, currency, cost, prompt_tokens + completion_tokens AS tokens
    FROM usage_days
    WHERE user_id = :user_id AND day BETWEEN :since AND :day) AS days
"""
USED = Statement(text(_USED))

#: Behind a WHERE: whether something is left of all bounds. What is added meanwhile is not seen.
IS_LEFT: Final = (
    f"(SELECT coalesce(used.connection_tokens < CAST(:connection_tokens AS bigint), true)"
    f" AND coalesce(used.day_tokens < CAST(:most_day_tokens AS bigint), true)"
    f" AND coalesce(used.day_cost < CAST(:most_day_cost AS numeric), true)"
    f" AND coalesce(used.month_tokens < CAST(:most_month_tokens AS bigint), true)"
    f" AND coalesce(used.month_cost < CAST(:most_month_cost AS numeric), true)"
    f" FROM ({_USED}) AS used)"
)


def values_of_used(bounds: Bounds, key_id: UUID | None, at: datetime) -> dict[str, Any]:
    """What USED wants to know but the user."""
    day, month = bounds.of(Period.DAY), bounds.of(Period.MONTH)
    return {
        "connection_id": key_id or NO_CONNECTION,
        "day": utc_day(at),
        "since": (Period.DAY if month is None else Period.MONTH).begins(at),
        "day_own": day is not None and day.own,
        "month_own": month is not None and month.own,
        "of_currency": bounds.currency,
    }


def values_of_bounds(bounds: Bounds, key_id: UUID | None, at: datetime) -> dict[str, Any]:
    """What IS_LEFT wants to know but the user."""
    return {
        **values_of_used(bounds, key_id, at),
        "connection_tokens": bounds.connection_tokens,
        **_most(bounds, Period.DAY),
        **_most(bounds, Period.MONTH),
    }


def _most(bounds: Bounds, period: Period) -> dict[str, Any]:
    limit = bounds.of(period)
    tokens: Decimal | None = None if limit is None else limit.tokens.hard
    return {
        f"most_{period}_tokens": None if tokens is None else int(tokens),
        f"most_{period}_cost": None if limit is None else limit.cost.hard,
    }


def to_used(row: Any) -> Used:
    """A row of USED."""
    return Used(
        row.connection_tokens, row.day_tokens, row.day_cost, row.month_tokens, row.month_cost
    )


def values_of_row(
    key_id: UUID, at: datetime, *, provider: str, model: str, purpose: Purpose, metered: bool
) -> dict[str, Any]:
    """Which row of a user's, but for its currency."""
    return {
        "day": utc_day(at),
        "key_id": key_id,
        "provider": provider,
        "model": model,
        "purpose": purpose.value,
        "metered": metered,
    }


#: Adds one answer to a row.
ADD: Final = _ADD
