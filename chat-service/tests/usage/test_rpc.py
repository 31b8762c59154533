"""Usage on the wire, from a question to an admin's sums."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chassis.caller import Caller
from chassis.errors import Forbidden, RemoteError
from chassis.testing import Signer
from chat_service.settings import Settings
from parley.apikey.v1 import apikey_pb2
from parley.chat.v1 import usage_pb2 as pb

# Of conftest.py, which a test module has no names for.
Client = Any
Vault = Any
Audit = Any

RULES = """
currency = "EUR"
[[prices]]
model = "tokens-*"
prompt = 1000
completion = 1000
[[limits]]
period = "day"
tokens = 25
soft_tokens = 20
own = true
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    path = tmp_path / "usage.toml"
    path.write_text(RULES)
    return settings.model_copy(update={"usage_file": path})


def other(client: Client, caller: Caller) -> Client:
    """Somebody else on the same channel."""
    return type(client)(client._channel, caller)


async def test_a_question_is_in_the_report_and_the_limit_refuses_the_next(
    client: Client, vault: Vault
) -> None:
    vault.allowances.append(
        apikey_pb2.Allowance(
            key_id="0192f0c1-a7e4-7d5f-8a3e-2b6c9d1f4e70", key_name="house", daily_tokens=7
        )
    )
    await client.ask()
    report = await client.call(
        "GetUsage", pb.GetUsageRequest(by=[pb.USAGE_BY_DAY, pb.USAGE_BY_MODEL])
    )
    (item,) = report.items
    today = datetime.now(UTC).date().isoformat()
    assert (item.day, item.model, item.sums.completed) == (today, "tokens-20", 1)
    assert not item.HasField("purpose")
    assert (report.total, report.to) == (item.sums, today)
    used = item.sums.prompt_tokens + item.sums.completion_tokens
    assert used > 20
    (cost,) = item.sums.costs
    assert (cost.currency, float(cost.amount)) == ("EUR", used / 1000)

    told = await client.call("GetLimits", pb.GetLimitsRequest())
    # As CHAT_CACHE_HOURS has it where nothing is said.
    assert told.answers_kept_hours == 24
    limits = told.items
    assert [one.key_name for one in limits] == ["", "house"]
    tokens = limits[0].tokens
    assert (tokens.used, tokens.allowed, tokens.soft) == (used, 25, 20)
    while True:
        report = await client.call("GetUsage", pb.GetUsageRequest())
        if report.total.prompt_tokens + report.total.completion_tokens >= 25:
            break
        await client.ask()
    with pytest.raises(RemoteError) as refused:
        await client.ask()
    assert refused.value.reason == "USAGE_LIMIT_REACHED"
    assert refused.value.http_status == 429
    assert refused.value.metadata["allowed"] == "25"
    assert refused.value.retry_after
    limits = (await client.call("GetLimits", pb.GetLimitsRequest())).items
    assert limits[0].tokens.state == pb.LIMIT_STATE_USED_UP


async def test_admins_see_sums_of_their_tenant_and_operators_of_all(
    client: Client, caller: Caller, signer: Signer, audit: Audit
) -> None:
    elsewhere = other(client, signer.caller())
    for one in (client, elsewhere):
        await one.ask()
    admin = signer.caller(tenant_id=caller.tenant_id, role="tenant_admin")
    operator = signer.caller(role="operator")

    async def users(who: Caller, **changes: Any) -> set[str]:
        request = pb.ListTenantsUsageRequest(by=pb.USAGE_BY_USER, **changes)
        response = await other(client, who).call("ListTenantsUsage", request)
        return {item.user_id for item in response.items}

    assert await users(admin) == {str(caller.user_id)}
    assert await users(operator) == {str(caller.user_id), str(elsewhere.user_id)}
    assert await users(operator, tenant_id=str(caller.tenant_id)) == {str(caller.user_id)}
    assert await users(admin, only_operators=True) == set()
    assert [who for who, _ in audit.noted] == [
        *(admin.user_id, operator.user_id, operator.user_id, admin.user_id),
    ]
    assert getattr(audit.noted[0][1], "from").endswith("-01")


async def test_who_is_no_admin_sees_no_sums_and_nobody_does_without_a_line_in_the_audit_log(
    client: Client, caller: Caller, signer: Signer, audit: Audit
) -> None:
    request = pb.ListTenantsUsageRequest(by=pb.USAGE_BY_USER)
    with pytest.raises(RemoteError) as refused:
        await client.call("ListTenantsUsage", request)
    assert (refused.value.reason, audit.noted) == ("FORBIDDEN", [])
    # Whom auth-service does not know as an admin any more.
    audit.refusal = Forbidden()
    admin = other(client, signer.caller(tenant_id=caller.tenant_id, role="tenant_admin"))
    with pytest.raises(RemoteError) as refused:
        await admin.call("ListTenantsUsage", request)
    assert refused.value.reason == "FORBIDDEN"


def since(day: str, to: str = "") -> pb.GetUsageRequest:
    """`from` is no name in Python."""
    request = pb.GetUsageRequest(to=to)
    setattr(request, "from", day)
    return request


@pytest.mark.parametrize(
    ("method", "request_", "field", "reason"),
    [
        ("GetUsage", pb.GetUsageRequest(to="2026-1-1"), "to", "INVALID"),
        ("GetUsage", pb.GetUsageRequest(to="20260101"), "to", "INVALID"),
        ("GetUsage", since("2026-02-30"), "from", "INVALID"),
        (
            "GetUsage",
            since("2026-02-02", to="2026-02-01"),
            "to",
            "BEFORE_FROM",
        ),
        (
            "GetUsage",
            since("2025-01-01", to="2026-01-02"),
            "from",
            "TOO_MANY",
        ),
        ("GetUsage", pb.GetUsageRequest(by=[pb.USAGE_BY_USER]), "by", "NOT_ONE_OF"),
    ],
)
async def test_what_is_wrong_is_said_by_field(
    client: Client, method: str, request_: Any, field: str, reason: str
) -> None:
    with pytest.raises(RemoteError) as refused:
        await client.call(method, request_)
    assert [(one.field, one.reason) for one in refused.value.fields] == [(field, reason)]
