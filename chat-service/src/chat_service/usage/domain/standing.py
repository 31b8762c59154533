"""Where somebody stands: what is used of what may be."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from chat_service.usage.domain.errors import AllowanceUsedUp, UsageLimitReached
from chat_service.usage.domain.periods import Period
from chat_service.usage.domain.rules import Amount, Bounds, Limit

_SHOWN: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Used:
    """What is used: of one connection today, and of all that count in the day and in the month."""

    connection_tokens: int = 0
    day_tokens: int = 0
    day_cost: Decimal = Decimal(0)
    month_tokens: int = 0
    month_cost: Decimal = Decimal(0)

    def tokens(self, period: Period) -> int:
        return self.day_tokens if period is Period.DAY else self.month_tokens

    def cost(self, period: Period) -> Decimal:
        return self.day_cost if period is Period.DAY else self.month_cost


def check(bounds: Bounds, used: Used, now: datetime) -> None:
    """Raises AllowanceUsedUp or UsageLimitReached where nothing is left of one of them."""
    # The month's first: who is told of it need not come back tomorrow for nothing. The connection's last: whoever
    # takes another one instead need not hear of the others then.
    for limit in reversed(bounds.limits):
        told = _refusal(limit, bounds.currency, used)
        if told is not None:
            raise UsageLimitReached(limit.period, told, now=now)
    allowed = bounds.connection_tokens
    if allowed is not None and used.connection_tokens >= allowed:
        raise AllowanceUsedUp(used=used.connection_tokens, allowed=allowed, now=now)


def _refusal(limit: Limit, currency: str, used: Used) -> dict[str, str] | None:
    tokens, cost = used.tokens(limit.period), used.cost(limit.period)
    if limit.tokens.hard is not None and tokens >= limit.tokens.hard:
        return {"used": str(tokens), "allowed": str(int(limit.tokens.hard))}
    if limit.cost.hard is not None and cost >= limit.cost.hard:
        return {
            "used_cost": shown(cost),
            "allowed_cost": shown(limit.cost.hard),
            "currency": currency,
        }
    return None


def shown(amount: Decimal) -> str:
    """An amount of money as a decimal number, to a millionth: `12.5`, `0.00031`."""
    text = f"{amount.quantize(_SHOWN):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class State(StrEnum):
    """How near the end of it is."""

    OK = "ok"
    #: Behind what its operator has set to say so.
    SOFT = "soft"
    USED_UP = "used_up"


def state_of(amount: Amount, used: Decimal) -> State:
    if amount.hard is not None and used >= amount.hard:
        return State.USED_UP
    if amount.soft is not None and used >= amount.soft:
        return State.SOFT
    return State.OK


@dataclass(frozen=True, slots=True)
class Measure:
    """Tokens, or an amount of `currency`, that are used of what may be."""

    amount: Amount
    used: Decimal
    currency: str = ""

    @property
    def state(self) -> State:
        return state_of(self.amount, self.used)

    @property
    def left(self) -> Decimal | None:
        """None: as much as they like."""
        hard = self.amount.hard
        return None if hard is None else max(Decimal(0), hard - self.used)


@dataclass(frozen=True, slots=True)
class Standing:
    """One limit of a user's: all that counts, or of one connection (`key_id`, called `key_name`)."""

    period: Period
    resets_at: datetime
    own: bool
    measures: tuple[Measure, ...]
    key_id: UUID | None = None
    key_name: str | None = None
