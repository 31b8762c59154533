"""The numbers in what a server says of a number that it refuses."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_N = r"[`'\"]?([0-9][0-9_,]*+(?:\.[0-9]++)?)"
# In the order in which they are believed; the number of each is the largest that is taken.
_MOST = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"at most {_N}",
        rf"(?:less|smaller|lower) than or equal to {_N}",
        rf"(?:<=|≤)\s*{_N}",
        rf"[0-9]\s*>\s*{_N}",
        rf"[\[(]\s*-?[0-9.]+\s*,\s*{_N}\s*\]",
        rf"between [`'\"]?-?[0-9.]+[`'\"]? and {_N}",
        rf"(?:no more than|up to|not exceed|cannot exceed|exceeds?) {_N}",
        rf"(?:limit|maximum|max)(?: \w+){{0,5}}(?: of| is|:| to be|=)? {_N}",
        rf"range[^0-9]{{0,24}}[0-9.]{{1,24}}[^0-9]{{1,24}}{_N}(?! ?\(exclusive)",
        rf"to {_N} \(inclusive\)",
        rf"(?:最大值?|上限|不能超过|不得超过|不大于|小于等于)[为是：:\s]*{_N}",
    )
)
# The same, but itself too large.
_BELOW = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"to {_N} \(exclusive\)",
        rf"(?:less|smaller|lower) than {_N}",
        rf"[\[(]\s*-?[0-9.]+\s*,\s*{_N}\s*\)",
    )
)
# What a context has in all, and what of it the question takes.
_CONTEXT = re.compile(
    r"(?:maximum context length|context (?:length|window|limit|size))(?: \w+){0,3}? ([0-9][0-9,]*)",
    re.IGNORECASE,
)
_ROOMS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # vLLM, with the numbers as a sum.
        r"\([0-9]+ > (?P<all>[0-9]+) - (?P<taken>[0-9]+)\)",
        # Anthropic: input, then what was asked for, then the context.
        r"(?<![0-9])(?P<taken>[0-9]++) \+ [0-9]++ > (?P<all>[0-9]+)",
        # Text Generation Inference.
        r"must be <= (?P<all>[0-9]+)\. Given: (?P<taken>[0-9]+) `?inputs`? tokens",
    )
)
_TAKEN = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![0-9,])([0-9][0-9,]*+)(?: tokens)? (?:in|from) (?:the |your )?(?:messages|prompt|input)",
        r"(?:prompt|request|input)(?: \w+){0,3} ([0-9][0-9,]*) (?:input )?tokens",
    )
)


def most_of(value: float, text: str, bounds: Mapping[str, Any]) -> float | None:
    """The largest number that ``text`` says is taken, if that is less than ``value`` and positive."""
    for most in _candidates(text, bounds):
        if 0 < most < value:
            return most
    return None


def _candidates(text: str, bounds: Mapping[str, Any]) -> Iterator[float]:
    # What pydantic says of a number, as numbers.
    for key, step in (("le", 0), ("lt", 1)):
        if isinstance(bound := bounds.get(key), int | float):
            yield bound - step
    for pattern in _BELOW:
        yield from (_number(match[1]) - 1 for match in pattern.finditer(text))
    for pattern in _MOST:
        yield from (_number(match[1]) for match in pattern.finditer(text))


def room_for(value: float, text: str) -> int | None:
    """How many tokens a question leaves in the context, where ``text`` says so; None where it does not.

    Not positive: the question alone is too long.
    """
    for pattern in _ROOMS:
        if match := pattern.search(text):
            return int(match["all"]) - int(match["taken"])
    context = _CONTEXT.search(text)
    if context is None:
        return None
    for pattern in _TAKEN:
        if match := pattern.search(text):
            room = int(_number(context[1])) - int(_number(match[1]))
            return room if room < value else None
    return None


def as_number_text(number: float) -> str:
    """An integer without a point."""
    return str(int(number)) if number == int(number) else repr(number)


def _number(text: str) -> float:
    plain = text.replace(",", "").replace("_", "")
    return float(plain) if "." in plain else int(plain)
