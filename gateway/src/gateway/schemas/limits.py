"""How much of models may be used, and what is left of it."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from gateway.schemas.base import Resource, example, moment
from parley.chat.v1 import usage_pb2 as pb

LimitPeriod = Literal["day", "month"]
LimitState = Literal["ok", "soft", "used_up"]
Counted = Literal["operator", "all", "one"]

_PERIODS: dict[int, LimitPeriod] = {
    pb.LIMIT_PERIOD_DAY: "day",
    pb.LIMIT_PERIOD_MONTH: "month",
}
_STATES: dict[int, LimitState] = {
    pb.LIMIT_STATE_OK: "ok",
    pb.LIMIT_STATE_SOFT: "soft",
    pb.LIMIT_STATE_USED_UP: "used_up",
}
_STATE = "`soft`: so much is used that it is to be said. `used_up`: no more is answered until `resets_at`."
_SOFT = "From here on the state is `soft`; null: it is not said."
_ALLOWED = "From here on nothing is answered; null: as much as one likes."
_LEFT = "Null: as much as one likes."


class LimitedTokens(Resource):
    used: int
    soft: int | None = Field(description=_SOFT)
    allowed: int | None = Field(description=_ALLOWED)
    left: int | None = Field(description=_LEFT)
    state: LimitState = Field(description=_STATE)

    @classmethod
    def of(cls, tokens: pb.LimitedTokens) -> "LimitedTokens":
        allowed = tokens.allowed if tokens.HasField("allowed") else None
        return cls(
            used=tokens.used,
            soft=tokens.soft if tokens.HasField("soft") else None,
            allowed=allowed,
            left=None if allowed is None else max(0, allowed - tokens.used),
            state=_STATES[tokens.state],
        )


class LimitedCost(Resource):
    currency: str = Field(description="Three capital letters.")
    used: str = Field(description="A decimal number, such as 0.00031.")
    soft: str | None = Field(description=_SOFT)
    allowed: str | None = Field(description=_ALLOWED)
    left: str | None = Field(description=_LEFT)
    state: LimitState = Field(description=_STATE)

    @classmethod
    def of(cls, cost: pb.LimitedCost) -> "LimitedCost":
        allowed = cost.allowed if cost.HasField("allowed") else None
        return cls(
            currency=cost.currency,
            used=cost.used,
            soft=cost.soft if cost.HasField("soft") else None,
            allowed=allowed,
            left=None if allowed is None else _left(allowed, cost.used),
            state=_STATES[cost.state],
        )


def _left(allowed: str, used: str) -> str:
    return f"{max(Decimal(0), Decimal(allowed) - Decimal(used)):f}"


_A_LIMIT: dict[str, Any] = {
    "period": "day",
    "connections": "operator",
    "key_id": None,
    "key_name": None,
    "resets_at": "2026-11-28T00:00:00Z",
    "tokens": {
        "used": 170_000,
        "soft": 160_000,
        "allowed": 200_000,
        "left": 30_000,
        "state": "soft",
    },
    "cost": None,
}


class UsageLimit(Resource):
    model_config = example(**_A_LIMIT)

    period: LimitPeriod = Field(description="Both begin at 00:00 UTC.")
    connections: Counted = Field(
        description="What counts, and is refused: the operator's connections, `all` with one's own, or the"
        " `one` that `key_id` names."
    )
    key_id: str | None
    key_name: str | None
    resets_at: datetime = Field(description="When nothing of it is used again.")
    tokens: LimitedTokens | None = Field(description="Null: not limited by tokens.")
    cost: LimitedCost | None = Field(description="Null: not limited by cost.")

    @classmethod
    def of(cls, limit: pb.UsageLimit) -> "UsageLimit":
        counted: Counted = "all" if limit.own else "operator"
        return cls(
            period=_PERIODS[limit.period],
            connections="one" if limit.HasField("key_id") else counted,
            key_id=limit.key_id if limit.HasField("key_id") else None,
            key_name=limit.key_name if limit.HasField("key_name") else None,
            resets_at=moment(limit.resets_at),
            tokens=LimitedTokens.of(limit.tokens) if limit.HasField("tokens") else None,
            cost=LimitedCost.of(limit.cost) if limit.HasField("cost") else None,
        )


class UsageLimits(Resource):
    model_config = example(items=[_A_LIMIT], answers_kept_hours=24)

    items: list[UsageLimit] = Field(
        description="One's own limits, then those of single connections. None: as much as one likes."
    )

    answers_kept_hours: int = Field(
        description="How long an answer is kept for whoever asks the same with `cache`, hours; 0: none is."
    )

    @classmethod
    def of(cls, limits: pb.GetLimitsResponse) -> "UsageLimits":
        return cls(
            items=[UsageLimit.of(limit) for limit in limits.items],
            answers_kept_hours=limits.answers_kept_hours,
        )
