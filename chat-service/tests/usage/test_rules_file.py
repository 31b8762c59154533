"""The operator's file of prices and limits: read whole or not at all, and taken anew when it changes."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from chat_service.usage.domain.periods import Period
from chat_service.usage.domain.rules import ANY, Amount, Limit, Price, Rules
from chat_service.usage.operators.rules import UsageRulesInForce
from chat_service.usage.operators.usage_file import read_rules
from servicekit.operator_file import BadFile, Reading

ID = "0192f0c1-a7e4-7d5f-8a3e-2b6c9d1f4e70"
WHOLE = f"""
currency = "USD"

[[prices]]
model = "large-*"
prompt = 1.25
cached = 0.125
completion = 10

[[prices]]
model = "small"
prompt = 0
completion = 0.000000001

[[limits]]
period = "day"
tokens = 200_000
soft_tokens = 150_000
users = ["{ID}"]

[[limits]]
period = "month"
cost = 19.99
own = true
roles = ["user", "tenant_admin"]
tenants = ["{ID}"]
"""


def read(folder: Path, raw: str) -> Rules:
    path = folder / "usage.toml"
    path.write_text(raw)
    return read_rules(Reading(), path)


def test_all_that_is_said_is_read_in_its_order(tmp_path: Path) -> None:
    one = frozenset({UUID(ID)})
    assert read(tmp_path, WHOLE) == Rules(
        "USD",
        (
            Price("large-*", Decimal("1.25"), Decimal(10), Decimal("0.125")),
            Price("small", Decimal(0), Decimal("0.000000001"), Decimal(0)),
        ),
        (
            Limit(Period.DAY, Amount(Decimal(150_000), Decimal(200_000)), users=one),
            Limit(
                Period.MONTH,
                ANY,
                Amount(None, Decimal("19.99")),
                own=True,
                roles=frozenset({"user", "tenant_admin"}),
                tenants=one,
            ),
        ),
    )
    assert read(tmp_path, "# nothing") == Rules()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("currency = ", "it is no TOML"),
        ("", "it is empty"),
        ('currency = "Dollar"', "currency: "),
        ("[[prices]]\nmodel = 'a'\nprompt = 1\ncompletion = 1", "currency: prices are in one"),
        (WHOLE.replace("large-*", "l*rge"), "prices 1 model: a star stands at its end alone"),
        (WHOLE.replace("large-*", "small"), "prices 2 model: another one has this name"),
        (WHOLE.replace("1.25", "-1"), "prices 1 prompt: "),
        (WHOLE.replace("1.25", "nan"), "prices 1 prompt: "),
        (WHOLE.replace("1.25", "'1.25'"), "prices 1 prompt: "),
        (WHOLE.replace("1.25", "true"), "prices 1 prompt: "),
        (WHOLE.replace("200_000", "0"), "limits 1 tokens: "),
        (WHOLE.replace("200_000", "1.5"), "limits 1 tokens: "),
        (WHOLE.replace("200_000", "100_000"), "limits 1 soft_tokens: "),
        (WHOLE.replace('"month"', '"week"'), "limits 2 period: "),
        (WHOLE.replace("tenant_admin", "boss"), "limits 2 roles 2: "),
        (WHOLE.replace(f'tenants = ["{ID}"]', "tenants = ['x']"), "limits 2 tenants 1: "),
        (WHOLE + "\nfoo = 1", "limits 2 foo: "),
        ("[[limits]]\nperiod = 'day'", "limits 1: it limits nothing"),
        ("[[limits]]\nperiod = 'day'\ncost = 1", "limits 1 cost: nothing has a price"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, raw: str, told: str) -> None:
    with pytest.raises(BadFile) as refused:
        read(tmp_path, raw)
    assert told in str(refused.value)


async def test_a_changed_file_is_in_force_and_a_wrong_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "usage.toml"
    path.write_text(WHOLE)
    rules = UsageRulesInForce(path)
    assert rules.content.currency == "USD"
    path.write_text(WHOLE.replace("USD", "EUR"))
    await rules.look()
    assert rules.content.currency == "EUR"
    path.write_text("currency = 1")
    await rules.look()
    assert rules.content.currency == "EUR"
    with pytest.raises(BadFile):
        await rules.probe()


@pytest.mark.parametrize(
    ("at", "day", "month"),
    [
        ("2026-12-31T23:59:59+00:00", "2027-01-01", "2027-01-01"),
        ("2027-01-01T00:30:00+01:00", "2027-01-01", "2027-01-01"),
        ("2028-02-29T00:00:00+00:00", "2028-03-01", "2028-03-01"),
        ("2026-01-31T12:00:00+00:00", "2026-02-01", "2026-02-01"),
        ("2026-06-05T12:00:00-11:00", "2026-06-06", "2026-07-01"),
    ],
)
def test_a_period_begins_anew_at_midnight_in_utc(at: str, day: str, month: str) -> None:
    for period, expected in ((Period.DAY, day), (Period.MONTH, month)):
        resets_at = period.resets_at(datetime.fromisoformat(at))
        assert resets_at == datetime.fromisoformat(expected).replace(tzinfo=UTC)
