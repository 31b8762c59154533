"""What models have cost, and how much of them may be used."""

from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from gateway.schemas.base import PageQuery, Resource, example, storable
from gateway.schemas.texts import Id
from parley.chat.v1 import usage_pb2 as pb

UsageBy = Literal["day", "model", "connection", "purpose"]
TenantsBy = Literal["user", "tenant", "model", "day"]
Purpose = Literal["answer", "cached", "title", "summary", "test"]

_ALL_BY: tuple[UsageBy, ...] = get_args(UsageBy)
_BY: dict[str, pb.UsageBy.ValueType] = {
    "day": pb.USAGE_BY_DAY,
    "model": pb.USAGE_BY_MODEL,
    "connection": pb.USAGE_BY_CONNECTION,
    "purpose": pb.USAGE_BY_PURPOSE,
    "user": pb.USAGE_BY_USER,
    "tenant": pb.USAGE_BY_TENANT,
}
_PURPOSES: dict[str, Purpose] = {one: one for one in get_args(Purpose)}


def _read_day(value: object) -> date:
    """As 2026-11-27: what Python and Pydantic read goes further."""
    try:
        if isinstance(value, str) and (day := date.fromisoformat(value)).isoformat() == value:
            return day
    except ValueError:
        pass
    raise PydanticCustomError("not_a_day", "must be a day such as 2026-11-27")


Day = Annotated[date, BeforeValidator(_read_day)]


def _known(by: str) -> str:
    if not set(by.split(",")) <= set(_ALL_BY):
        raise PydanticCustomError("literal_error", "must be of day, model, connection and purpose")
    return by


_ONE_BY = f"({'|'.join(_ALL_BY)})"
_FIRST = "The first day, in UTC. Absent: the first of the month that `to` is in."
_LAST = "The last day, in UTC. Absent: today. 366 days at most."


class UsageQuery(BaseModel):
    first: Day | None = Field(None, alias="from", description=_FIRST)
    last: Day | None = Field(None, alias="to", description=_LAST)
    by: Annotated[str, AfterValidator(storable), AfterValidator(_known)] = Field(
        "day,model",
        max_length=64,
        description="What is told apart, with commas between: `day`, `model`, `connection`, `purpose`.",
        json_schema_extra={"pattern": f"^{_ONE_BY}(,{_ONE_BY})*$"},
    )

    def request(self) -> pb.GetUsageRequest:
        said = self.by.split(",")
        request = pb.GetUsageRequest(by=[_BY[one] for one in _ALL_BY if one in said])
        _set_days(request, self.first, self.last)
        return request


class TenantsUsageQuery(PageQuery):
    first: Day | None = Field(None, alias="from", description=_FIRST)
    last: Day | None = Field(None, alias="to", description=_LAST)
    by: TenantsBy = Field("user", description="What is told apart.")
    tenant_id: Annotated[Id, AfterValidator(storable)] | None = Field(
        None, description="For operators; absent: all tenants."
    )
    only_operators: bool = Field(
        False, description="Whether to leave out what users pay for themselves."
    )

    def request(self) -> pb.ListTenantsUsageRequest:
        request = pb.ListTenantsUsageRequest(
            by=_BY[self.by],
            tenant_id=self.tenant_id,
            only_operators=self.only_operators,
            limit=self.limit,
            cursor=self.cursor,
        )
        _set_days(request, self.first, self.last)
        return request


def _set_days(
    request: pb.GetUsageRequest | pb.ListTenantsUsageRequest, first: date | None, last: date | None
) -> None:
    # Not as attributes: one of the names is a word of Python's.
    for name, day in (("from", first), ("to", last)):
        if day is not None:
            setattr(request, name, day.isoformat())


_AMOUNT = "A decimal number, such as 0.00031."
_SUMS: dict[str, Any] = {
    "requests": 12,
    "completed": 11,
    "cancelled": 0,
    "interrupted": 0,
    "failed": 1,
    "prompt_tokens": 8120,
    "completion_tokens": 3310,
    "total_tokens": 11430,
    "cached_tokens": 2048,
    "reasoning_tokens": 640,
    "estimated_tokens": 0,
    "duration_ms": 48210,
    "costs": [{"currency": "USD", "amount": "0.0431"}],
    "unpriced_tokens": 0,
}
_ITEM: dict[str, Any] = {
    "day": "2026-11-27",
    "model": "large",
    "key_id": None,
    "owner": None,
    "purpose": None,
    **_SUMS,
}


class Cost(Resource):
    currency: str = Field(description="Three capital letters.")
    amount: str = Field(description=_AMOUNT)


class UsageSums(Resource):
    model_config = example(**_SUMS)

    requests: int = Field(description="All that models were asked.")
    completed: int
    cancelled: int
    interrupted: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int = Field(description="Both together.")
    cached_tokens: int = Field(description="Of the prompt's: what servers had kept.")
    reasoning_tokens: int = Field(description="Of the completion's.")
    estimated_tokens: int = Field(
        description="Of all: those that no provider has counted, one for every four bytes."
    )
    duration_ms: int
    costs: list[Cost] = Field(
        description="By the prices that an operator had set when it was used; none: there was none."
    )
    unpriced_tokens: int = Field(description="Tokens of what had no price, and is not in `costs`.")

    @classmethod
    def of(cls, sums: pb.UsageSums) -> "UsageSums":
        return cls(**_said(sums))


def _said(sums: pb.UsageSums) -> dict[str, Any]:
    return {
        "requests": sums.completed + sums.cancelled + sums.interrupted + sums.failed,
        "completed": sums.completed,
        "cancelled": sums.cancelled,
        "interrupted": sums.interrupted,
        "failed": sums.failed,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "total_tokens": sums.prompt_tokens + sums.completion_tokens,
        "cached_tokens": sums.cached_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "estimated_tokens": sums.estimated_tokens,
        "duration_ms": sums.duration_ms,
        "costs": [Cost(currency=one.currency, amount=one.amount) for one in sums.costs],
        "unpriced_tokens": sums.unpriced_tokens,
    }


class UsageItem(UsageSums):
    model_config = example(**_ITEM)

    day: date | None = Field(description="In UTC; null, as all below, where it is not told apart.")
    model: str | None = Field(
        description="Null although asked for: all but the fifty of which most was used. Empty: not known, or beyond the hundred that a user's day tells apart."
    )
    key_id: str | None = Field(description="Of the connection, which may be gone.")
    owner: Literal["user", "operator"] | None = Field(description="Whose connection it is.")
    purpose: Purpose | None = Field(
        description="`cached`: an answer that was kept took a model's place. `title` and `summary`: what a model was asked for the conversation's sake."
    )

    @classmethod
    def of_item(cls, item: pb.UsageItem) -> "UsageItem":
        owner: Literal["user", "operator"] | None = None
        if item.HasField("operators"):
            owner = "operator" if item.operators else "user"
        return cls(
            day=date.fromisoformat(item.day) if item.HasField("day") else None,
            model=item.model if item.HasField("model") else None,
            key_id=item.key_id if item.HasField("key_id") else None,
            owner=owner,
            purpose=_PURPOSES.get(item.purpose),
            **_said(item.sums),
        )


class Usage(Resource):
    model_config = example(**{"from": "2026-11-01", "to": "2026-11-27"}, items=[_ITEM], total=_SUMS)

    first: date = Field(alias="from", description="The first day, in UTC.")
    last: date = Field(alias="to", description="The last one.")
    items: list[UsageItem] = Field(
        description="The newest day first; within a day that first of which most was used."
    )
    total: UsageSums

    @classmethod
    def of(cls, usage: pb.GetUsageResponse) -> "Usage":
        return cls(
            **_days_of(usage),
            items=[UsageItem.of_item(item) for item in usage.items],
            total=UsageSums.of(usage.total),
        )


def _days_of(shown: pb.GetUsageResponse | pb.ListTenantsUsageResponse) -> dict[str, Any]:
    return {"from": getattr(shown, "from"), "to": shown.to}


_TENANTS_ITEM: dict[str, Any] = {
    "tenant_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e07",
    "user_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e01",
    "model": None,
    "day": None,
    **_SUMS,
}


class TenantsUsageItem(UsageSums):
    model_config = example(**_TENANTS_ITEM)

    tenant_id: str | None
    user_id: str | None = Field(
        description="Null although asked for: those whose accounts are gone, together."
    )
    model: str | None = Field(
        description="Null although asked for: of those who are gone. Empty: not known, or beyond the hundred that a user's day tells apart."
    )
    day: date | None

    @classmethod
    def of_item(cls, item: pb.TenantsUsageItem) -> "TenantsUsageItem":
        return cls(
            tenant_id=item.tenant_id if item.HasField("tenant_id") else None,
            user_id=item.user_id if item.HasField("user_id") else None,
            model=item.model if item.HasField("model") else None,
            day=date.fromisoformat(item.day) if item.HasField("day") else None,
            **_said(item.sums),
        )


class TenantsUsage(Resource):
    model_config = example(
        **{"from": "2026-11-01", "to": "2026-11-27"}, items=[_TENANTS_ITEM], next_cursor=None
    )

    first: date = Field(alias="from", description="The first day, in UTC.")
    last: date = Field(alias="to", description="The last one.")
    items: list[TenantsUsageItem] = Field(
        description="Days newest first; all else that first of which most was used."
    )
    next_cursor: str | None = Field(description="Null on the last page.")

    @classmethod
    def of(cls, usage: pb.ListTenantsUsageResponse) -> "TenantsUsage":
        return cls(
            **_days_of(usage),
            items=[TenantsUsageItem.of_item(item) for item in usage.items],
            next_cursor=usage.next_cursor or None,
        )
