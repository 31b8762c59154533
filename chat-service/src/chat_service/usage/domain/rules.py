"""What an operator says of usage: what models cost, and how much of them users may use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

from chat_service.providers.domain.connection import Connection
from chat_service.usage.domain.periods import Period
from chat_service.usage.domain.spent import Cost, Tokens

_MILLION: Final = Decimal(1_000_000)
# A billionth of the currency: of what is cheapest a token still costs something.
_SMALLEST: Final = Decimal("0.000000001")
_REST: Final = "*"


class Asking(Protocol):
    """Whoever a model is asked for: a Caller, a Run."""

    @property
    def user_id(self) -> UUID: ...

    @property
    def tenant_id(self) -> UUID: ...

    @property
    def role(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens of a model cost; `cached` are those of the prompt that a server had kept.

    `model` is its name, or the beginning of some if it ends with a star.
    """

    model: str
    prompt: Decimal
    completion: Decimal
    cached: Decimal

    def of(self, tokens: Tokens) -> Decimal:
        fresh = tokens.prompt - tokens.cached
        total = (
            fresh * self.prompt + tokens.cached * self.cached + tokens.completion * self.completion
        )
        return (total / _MILLION).quantize(_SMALLEST)


@dataclass(frozen=True, slots=True)
class Amount:
    """How much may be used: behind `soft` it is said, from `hard` on refused; None: any number."""

    soft: Decimal | None = None
    hard: Decimal | None = None


ANY: Final = Amount()


@dataclass(frozen=True, slots=True)
class Limit:
    """What each of some users may use in a period.

    `own`: what users pay for themselves counts, and is refused, as what the operator pays for is. Of
    `users`, `roles` and `tenants` None: all.
    """

    period: Period
    tokens: Amount = ANY
    cost: Amount = ANY
    own: bool = False
    users: frozenset[UUID] | None = None
    roles: frozenset[str] | None = None
    tenants: frozenset[UUID] | None = None

    def is_of(self, who: Asking) -> bool:
        return (
            (self.users is None or who.user_id in self.users)
            and (self.roles is None or who.role in self.roles)
            and (self.tenants is None or who.tenant_id in self.tenants)
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """Prices and limits, as a whole. Costs are in one `currency`; without a price there is none."""

    currency: str = ""
    prices: tuple[Price, ...] = ()
    limits: tuple[Limit, ...] = ()
    _named: Mapping[str, Price] = field(init=False, repr=False, compare=False)
    _beginnings: Sequence[tuple[str, Price]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = {price.model: price for price in self.prices if not price.model.endswith(_REST)}
        beginnings = [
            (price.model.removesuffix(_REST), price)
            for price in self.prices
            if price.model.endswith(_REST)
        ]
        # The longest says most about a model.
        beginnings.sort(key=lambda one: len(one[0]), reverse=True)
        object.__setattr__(self, "_named", named)
        object.__setattr__(self, "_beginnings", tuple(beginnings))

    def price_of(self, model: str) -> Price | None:
        if price := self._named.get(model):
            return price
        return next((price for start, price in self._beginnings if model.startswith(start)), None)

    def cost_of(self, model: str, tokens: Tokens) -> Cost:
        price = self.price_of(model)
        return Cost() if price is None else Cost(self.currency, price.of(tokens))

    def limits_of(self, who: Asking) -> tuple[Limit, ...]:
        """Of each period the first in the file that is theirs."""
        first: dict[Period, Limit] = {}
        for limit in self.limits:
            if limit.period not in first and limit.is_of(who):
                first[limit.period] = limit
        return tuple(first[period] for period in Period if period in first)

    def bounds_of(self, who: Asking, connection: Connection) -> "Bounds":
        """What asking this connection is bound by."""
        holding = tuple(limit for limit in self.limits_of(who) if limit.own or connection.metered)
        return Bounds(connection.daily_tokens, holding, self.currency)


class RulesInForce(Protocol):
    """The rules of this moment."""

    @property
    def content(self) -> Rules: ...


_NOTHING: Final = Rules()


@dataclass(frozen=True, slots=True)
class GivenRules:
    """These rules at all times; without any, nothing has a price, and nothing a limit but what connections have."""

    content: Rules = _NOTHING


NO_RULES: Final = GivenRules()


@dataclass(frozen=True, slots=True)
class Bounds:
    """All that holds for one request: a day's tokens of its connection, and its user's limits."""

    connection_tokens: int | None = None
    limits: tuple[Limit, ...] = ()
    currency: str = ""

    @property
    def are_any(self) -> bool:
        """Whether anything may be in the way, so that it has to be looked for."""
        return self.connection_tokens is not None or any(
            limit.tokens.hard is not None or limit.cost.hard is not None for limit in self.limits
        )

    def of(self, period: Period) -> Limit | None:
        return next((limit for limit in self.limits if limit.period is period), None)


NO_BOUNDS: Final = Bounds()
