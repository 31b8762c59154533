"""When a model server wants to be asked again."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Final

from chat_service.providers.said import Said

# A header that is longer says nothing of it.
_MOST_CHARACTERS: Final = 512
# No server is believed that wants to be left alone for longer.
_MOST_SECONDS: Final = 24 * 60 * 60
# As a number of seconds it would be longer than anybody waits: it is a moment, since 1970.
_LEAST_MOMENT: Final = 1e9
_LEAST_MOMENT_MS: Final = 1e12
# "5 seconds", "1 minute", "250ms", "1h12m30.5s".
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(
    r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?"
    r"(?:(h)(?:ou)?(?:rs?)?|(ms)(?:ecs?)?|(m)(?:in(?:ute)?s?)?|(s)(?:ec(?:ond)?s?)?)(?![a-z])",
    re.IGNORECASE,
)
_DURATION = re.compile(rf"(?:{_PART.pattern} ?){{1,4}}", re.IGNORECASE)
_AGAIN = re.compile(
    rf"(?:(?:try again|retry|resets?|wait)(?: in| after| for)?|retry-after:) ({_DURATION.pattern}|[0-9]{{1,6}}$)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{0,9})?")
# What is left of a limit, and when it begins anew, in the names that servers have for it.
_REMAINING = re.compile(r"(?:x-|anthropic-)?ratelimit-(?:(.+)-)?remaining(?:-(.+))?")
_LIMITS = re.compile(r"[;, ]\s*+(?:reset|t)\s*=\s*([0-9]{1,9})")


def retry_after_of(headers: Mapping[str, str], said: Said) -> int | None:
    """Whole seconds, a day at most, from the most exact to the least; header names in lower case."""
    headers = {name: text for name, text in headers.items() if len(text) <= _MOST_CHARACTERS}
    seconds = None
    if (exact := _NUMBER.fullmatch(headers.get("retry-after-ms", "").strip())) is not None:
        seconds = float(exact[0]) / 1000
    if seconds is None:
        seconds = _until(headers.get("retry-after", ""))
    if seconds is None:
        seconds = said.retry_after
    if seconds is None and (found := _AGAIN.search(said.message)):
        seconds = float(found[1]) if found[1].isdigit() else _duration(found[1])
    if seconds is None:
        seconds = max(_resets(headers), default=None)
    return None if seconds is None else min(max(0, ceil(seconds)), _MOST_SECONDS)


def _resets(headers: Mapping[str, str]) -> Iterator[float]:
    """When the limits that are used up begin anew, or the only one that is told."""
    for name in ("ratelimit-reset", "x-ratelimit-reset"):
        alone = name.replace("reset", "remaining") not in headers
        if alone and (reset := _until(headers.get(name, ""))) is not None:
            yield reset
    for name, value in headers.items():
        found = _REMAINING.fullmatch(name)
        if found is not None and value.strip() == "0":
            reset = _until(headers.get(name.replace("remaining", "reset"), ""))
            if reset is not None:
                yield reset
    # The draft of the IETF in two of its forms.
    for limit in headers.get("ratelimit", "").split('",'):
        used_up = re.search(r"(?:remaining|\br)\s*=\s*0\b", limit)
        if used_up and (found := _LIMITS.search(limit)):
            yield float(found[1])


def _until(said: str) -> float | None:
    """Seconds from now: a number of them or, if it is very large, since 1970; a duration; a date."""
    # Proxies that send a header twice are read as one that says both.
    text = said.split(",", maxsplit=1)[0].strip() if said[:1].isdigit() else said.strip()
    now = datetime.now(UTC)
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number >= _LEAST_MOMENT:
            number = number / (1000 if number >= _LEAST_MOMENT_MS else 1) - now.timestamp()
        return number
    if _DURATION.fullmatch(text):
        return _duration(text)
    when = _date(text)
    return None if when is None else (when - now).total_seconds()


def _duration(text: str) -> float:
    return sum(
        float(number) * _SECONDS["".join(unit).lower()] for number, *unit in _PART.findall(text)
    )


def _date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter of a year of twenty digits
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
