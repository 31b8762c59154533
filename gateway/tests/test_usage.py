"""Usage over HTTP: what is asked of chat-service, and what of its answers is shown."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import Kind, RemoteError
from parley.chat.v1 import usage_pb2 as pb

from .door import Door

KEY_ID = "01900000-0000-7000-8000-000000000001"
SUMS = pb.UsageSums(
    completed=3,
    cancelled=20,
    interrupted=100,
    failed=1,
    prompt_tokens=100,
    completion_tokens=20,
    cached_tokens=7,
    reasoning_tokens=5,
    estimated_tokens=4,
    duration_ms=1500,
    costs=[pb.Money(currency="USD", amount="0.00031")],
    unpriced_tokens=2,
)
SHOWN = {
    "requests": 124,
    "completed": 3,
    "cancelled": 20,
    "interrupted": 100,
    "failed": 1,
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "cached_tokens": 7,
    "reasoning_tokens": 5,
    "estimated_tokens": 4,
    "duration_ms": 1500,
    "costs": [{"currency": "USD", "amount": "0.00031"}],
    "unpriced_tokens": 2,
}


async def get(door: Door, path: str, **query: Any) -> Any:
    return await door.http.get(f"/api/v1{path}", params=query, headers=door.bearer)


async def test_ones_usage_is_shown_by_what_is_asked_for(door: Door) -> None:
    door.chat.answers["GetUsage"] = pb.GetUsageResponse(
        **{"from": "2026-11-01"},
        to="2026-11-27",
        items=[
            pb.UsageItem(day="2026-11-27", model="", key_id=KEY_ID, operators=True, sums=SUMS),
            pb.UsageItem(purpose="title", operators=False, sums=SUMS),
        ],
        total=SUMS,
    )
    answer = await get(door, "/me/usage", **{"from": "2026-11-01"}, by="model,day")
    assert answer.status_code == 200
    assert door.chat.calls[-1].request == pb.GetUsageRequest(
        **{"from": "2026-11-01"}, by=[pb.USAGE_BY_DAY, pb.USAGE_BY_MODEL]
    )
    told = answer.json()
    assert (told["from"], told["to"], told["total"]) == ("2026-11-01", "2026-11-27", SHOWN)
    whole, half = told["items"]
    assert whole == {
        "day": "2026-11-27",
        "model": "",
        "key_id": KEY_ID,
        "owner": "operator",
        "purpose": None,
        **SHOWN,
    }
    assert (half["day"], half["model"], half["owner"], half["purpose"]) == (
        *(None, None, "user", "title"),
    )
    await get(door, "/me/usage")
    assert door.chat.calls[-1].request == pb.GetUsageRequest(
        by=[pb.USAGE_BY_DAY, pb.USAGE_BY_MODEL]
    )


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/me/usage", {"from": "2026-11-1"}, "from"),
        ("/me/usage", {"to": "20261127"}, "to"),
        ("/me/usage", {"to": "2026-11-27T00:00:00Z"}, "to"),
        ("/me/usage", {"to": "2026-02-30"}, "to"),
        ("/me/usage", {"by": "day,user"}, "by"),
        ("/me/usage", {"by": ""}, "by"),
        ("/admin/usage", {"by": "connection"}, "by"),
        ("/admin/usage", {"limit": "101"}, "limit"),
        ("/admin/usage", {"only_operators": "perhaps"}, "only_operators"),
    ],
)
async def test_what_is_wrong_is_refused_before_anybody_is_asked(
    door: Door, path: str, query: dict[str, str], field: str
) -> None:
    answer = await get(door, path, **query)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert door.chat.calls == []


async def test_limits_say_what_is_left_and_until_when(door: Door) -> None:
    resets_at = Timestamp(seconds=1_700_000_000)
    door.chat.answers["GetLimits"] = pb.GetLimitsResponse(
        items=[
            pb.UsageLimit(
                period=pb.LIMIT_PERIOD_MONTH,
                resets_at=resets_at,
                own=True,
                tokens=pb.LimitedTokens(used=7, soft=5, state=pb.LIMIT_STATE_SOFT),
                cost=pb.LimitedCost(
                    currency="USD", used="1.5", allowed="1.25", state=pb.LIMIT_STATE_USED_UP
                ),
            ),
            pb.UsageLimit(
                period=pb.LIMIT_PERIOD_DAY,
                resets_at=resets_at,
                key_id=KEY_ID,
                key_name="house",
                tokens=pb.LimitedTokens(used=7, allowed=10, state=pb.LIMIT_STATE_OK),
            ),
        ],
        answers_kept_hours=24,
    )
    told = (await get(door, "/me/limits")).json()
    assert told["answers_kept_hours"] == 24
    month, house = told["items"]
    assert month == {
        "period": "month",
        "connections": "all",
        "key_id": None,
        "key_name": None,
        "resets_at": "2023-11-14T22:13:20Z",
        "tokens": {"used": 7, "soft": 5, "allowed": None, "left": None, "state": "soft"},
        "cost": {
            "currency": "USD",
            "used": "1.5",
            "soft": None,
            "allowed": "1.25",
            "left": "0",
            "state": "used_up",
        },
    }
    assert (house["connections"], house["key_id"], house["key_name"]) == ("one", KEY_ID, "house")
    assert (house["tokens"]["left"], house["cost"]) == (3, None)


async def test_admins_ask_for_sums(door: Door) -> None:
    door.chat.answers["ListTenantsUsage"] = pb.ListTenantsUsageResponse(
        **{"from": "2026-11-01"},
        to="2026-11-27",
        items=[pb.TenantsUsageItem(tenant_id="t1", sums=SUMS)],
        next_cursor="next",
    )
    told = (
        await get(
            door, "/admin/usage", by="tenant", tenant_id=KEY_ID, only_operators="true", limit=7
        )
    ).json()
    assert told["next_cursor"] == "next"
    assert told["items"] == [
        {"tenant_id": "t1", "user_id": None, "model": None, "day": None, **SHOWN}
    ]
    assert door.chat.calls[-1].request == pb.ListTenantsUsageRequest(
        by=pb.USAGE_BY_TENANT, tenant_id=KEY_ID, only_operators=True, limit=7
    )


async def test_a_limit_of_cost_is_told_in_money(door: Door) -> None:
    door.chat.refusal = RemoteError(
        Kind.EXHAUSTED,
        "USAGE_LIMIT_REACHED",
        "Used up.",
        metadata={
            "period": "month",
            "used_cost": "20.01",
            "allowed_cost": "20",
            "currency": "USD",
            "resets_at": "2026-12-01T00:00:00Z",
        },
        retry_after=3600,
    )
    answer = await door.http.post(
        "/api/v1/chat/messages", json={"content": "x"}, headers=door.bearer
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert answer.headers["ratelimit"] == '"usage-limit-reached";r=0;t=3600'
    problem = answer.json()
    told = {name: problem[name] for name in ("period", "used_cost", "allowed_cost", "currency")}
    assert told == {
        "period": "month",
        "used_cost": "20.01",
        "allowed_cost": "20",
        "currency": "USD",
    }
    assert problem["resets_at"] == "2026-12-01T00:00:00Z"
