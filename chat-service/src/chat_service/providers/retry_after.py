"""When a model server wants to be asked again."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Final

from chat_service.providers.said import Said

# No server is believed that wants to be left alone for longer.
_MOST_SECONDS: Final = 24 * 60 * 60
# "5 seconds", "1 minute", "250ms", "1h12m30.5s".
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(
    r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?"
    r"(?:(h)(?:ou)?(?:rs?)?|(ms)(?:ecs?)?|(m)(?:in(?:ute)?s?)?|(s)(?:ec(?:ond)?s?)?)(?![a-z])",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    rf"(?:try again|retry) (?:in|after) ((?:{_PART.pattern} ?){{1,4}})", re.IGNORECASE
)


def retry_after_of(headers: Mapping[str, str], said: Said) -> int | None:
    """Whole seconds, a day at most, from the most exact to the least; header names in lower case."""
    seconds = _number(headers.get("retry-after-ms"), 0.001)
    if seconds is None and (asked := headers.get("retry-after")):
        seconds = _number(asked, 1.0)
        if seconds is None:
            seconds = _until(asked)
    if seconds is None:
        seconds = said.retry_after
    if seconds is None and (found := _AGAIN.search(said.message)):
        seconds = sum(
            float(number) * _SECONDS["".join(unit).lower()]
            for number, *unit in _PART.findall(found[1])
        )
    return None if seconds is None else min(max(0, ceil(seconds)), _MOST_SECONDS)


def _number(value: str | None, unit: float) -> float | None:
    if value is None or not re.fullmatch(r"\s*[0-9]{1,12}(?:\.[0-9]{0,9})?\s*s?", value):
        return None
    return float(value.strip().removesuffix("s")) * unit


def _until(date: str) -> float | None:
    try:
        when = parsedate_to_datetime(date)
    except (ValueError, OverflowError):  # the latter of a year of twenty digits
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return (when - datetime.now(UTC)).total_seconds()
