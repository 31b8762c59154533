"""The operator's prices and limits as a file in TOML, read whole or not at all.

::

    currency = "USD"

    [[prices]]                        # of a million tokens
    model = "large"                   # or "large-*": all that begin so; the longest that fits counts
    prompt = 1.25
    cached = 0.125                    # of the prompt, what the server had kept; absent: as prompt
    completion = 10

    [[limits]]                        # of each period the first that is a user's counts
    period = "month"                  # or "day"; both end in UTC
    tokens = 2_000_000                # absent, as with all four: any number
    soft_tokens = 1_500_000           # from here on it is said
    cost = 20
    soft_cost = 15
    own = true                        # what users pay for themselves, too; absent: the operator's alone
    users = ["0192…"]                 # absent, as with all three: all
    roles = ["user"]
    tenants = ["0192…"]
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from chat_service.usage.domain.periods import Period
from chat_service.usage.domain.rules import Amount, Limit, Price, Rules
from parley.bounds import MODEL
from servicekit.file_parts import MOST_TOLD, FileId, FilePart, FileRoles, part_of
from servicekit.operator_file import BadFile, Reading, read_toml

_MOST_BYTES: Final = 1024 * 1024
#: With all that is below them, sums of a month stay far from what a column holds.
_MOST_TOKENS: Final = 1_000_000_000_000
_MOST_COST: Final = Decimal(1_000_000_000)


def _number(value: object) -> object:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


_Price = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, le=_MOST_COST, decimal_places=9)]
_Cost = Annotated[Decimal, BeforeValidator(_number), Field(gt=0, le=_MOST_COST, decimal_places=6)]
_Tokens = Annotated[int, Field(ge=1, le=_MOST_TOKENS)]
_Ids = Annotated[list[FileId], Field(min_length=1, max_length=10_000)]


class _PriceEntry(FilePart):
    model: Annotated[str, Field(min_length=MODEL.minimum, max_length=MODEL.maximum)]
    prompt: _Price
    completion: _Price
    cached: _Price | None = None


class _LimitEntry(FilePart):
    period: Literal["day", "month"]
    tokens: _Tokens | None = None
    soft_tokens: _Tokens | None = None
    cost: _Cost | None = None
    soft_cost: _Cost | None = None
    own: bool = False
    users: _Ids | None = None
    roles: FileRoles | None = None
    tenants: _Ids | None = None


class _File(FilePart):
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    prices: Annotated[list[_PriceEntry], Field(max_length=10_000)] = Field(default_factory=list)
    limits: Annotated[list[_LimitEntry], Field(max_length=1_000)] = Field(default_factory=list)


def read_rules(reading: Reading, path: Path) -> Rules:
    """What the file says. Raises BadFile, with the place of what is wrong."""
    told = read_toml(reading.text(path, _MOST_BYTES), parse_float=Decimal)
    file = part_of(_File, told)
    if problems := [*_wrong_prices(file), *_wrong_limits(file)]:
        raise BadFile("; ".join(problems[:MOST_TOLD]))
    return Rules(
        currency=file.currency or "",
        prices=tuple(map(_price, file.prices)),
        limits=tuple(map(_limit, file.limits)),
    )


def _wrong_prices(file: _File) -> list[str]:
    problems = []
    if file.prices and file.currency is None:
        problems.append("currency: prices are in one")
    seen: set[str] = set()
    for at, entry in enumerate(file.prices, 1):
        if "*" in entry.model[:-1]:
            problems.append(f"prices {at} model: a star stands at its end alone")
        if entry.model in seen:
            problems.append(f"prices {at} model: another one has this name")
        seen.add(entry.model)
    return problems


def _wrong_limits(file: _File) -> list[str]:
    problems = []
    for at, entry in enumerate(file.limits, 1):
        amounts = (entry.tokens, entry.soft_tokens, entry.cost, entry.soft_cost)
        if not any(amount is not None for amount in amounts):
            problems.append(f"limits {at}: it limits nothing")
        if not file.prices and (entry.cost is not None or entry.soft_cost is not None):
            problems.append(f"limits {at} cost: nothing has a price")
        for soft, hard, name in (
            (entry.soft_tokens, entry.tokens, "soft_tokens"),
            (entry.soft_cost, entry.cost, "soft_cost"),
        ):
            if soft is not None and hard is not None and soft >= hard:
                problems.append(f"limits {at} {name}: it is said before the end, not behind it")
    return problems


def _price(entry: _PriceEntry) -> Price:
    cached = entry.prompt if entry.cached is None else entry.cached
    return Price(entry.model, entry.prompt, entry.completion, cached)


def _limit(entry: _LimitEntry) -> Limit:
    return Limit(
        period=Period(entry.period),
        tokens=_amount(entry.soft_tokens, entry.tokens),
        cost=_amount(entry.soft_cost, entry.cost),
        own=entry.own,
        users=_set(entry.users),
        roles=_set(entry.roles),
        tenants=_set(entry.tenants),
    )


def _amount(soft: int | Decimal | None, hard: int | Decimal | None) -> Amount:
    return Amount(None if soft is None else Decimal(soft), None if hard is None else Decimal(hard))


def _set(items: list[Any] | None) -> frozenset[Any] | None:
    return None if items is None else frozenset(items)
