"""What a file says, as it can be stored: bounded, of the right type, in no other words than ours."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chassis.clock import utc_now
from chassis.text import shortened
from parley.bounds import (
    FOLDER,
    IMPORTED_KEY,
    MODEL,
    SESSION_TITLE,
    Range,
    is_joined_line,
    is_line,
)
from servicekit.generation_parameters import (
    PARAMETERS,
    GenerationParameters,
    OneOf,
    Texts,
    check_parameters,
)

_SPACES: Final = re.compile(r"\s+")
# U+0000, which PostgreSQL refuses, and halves of characters, which UTF-8 does.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_DIGITS: Final = re.compile(r"\d{9,13}(?:\.\d{1,9})?", re.ASCII)
_WORD: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = datetime(1970, 1, 2, tzinfo=UTC)
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)
# Beyond it a number of seconds is one of milliseconds: in the year 5138.
_MILLISECONDS: Final = 1e11
# Beyond it a number is no time, whichever it counts; an integer may have any number of digits.
_NEVER: Final = 1e15
_MOST_COUNT: Final = 2**31 - 1
# Parameters that are whole numbers.
_WHOLE: Final = {one.name for one in fields(GenerationParameters) if one.type == int | None}


def text(value: object) -> str:
    """A text as it can be stored; empty for what is none."""
    return _UNSTORABLE.sub("", value) if isinstance(value, str) else ""


def long_text(value: object, most: int) -> str | None:
    """A text of at most so many characters, None for none and for a longer one."""
    found = text(value)
    return found if found.strip() and len(found) <= most else None


def title(value: object) -> str:
    """One line of at most 200 characters."""
    return shortened(_SPACES.sub(" ", text(value)).strip(), SESSION_TITLE.maximum)


def line(value: object, most: int, is_good: Callable[[str], bool] = is_line) -> str | None:
    """One line that can be seen, None for what is none."""
    found = text(value).strip()
    return found if 0 < len(found) <= most and is_good(found) else None


def key(value: object) -> str | None:
    """What something is called elsewhere, which may be a number; None for what is no name."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        value = str(value)
    return line(value, IMPORTED_KEY.maximum)


def model(value: object) -> str | None:
    return line(value, MODEL.maximum)


def folder(value: object) -> str | None:
    return line(value, FOLDER.maximum, is_joined_line)


def word(value: object) -> str | None:
    """A reason of ours."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def count(value: object, most: int = _MOST_COUNT) -> int | None:
    """A number, of tokens where nothing else is said."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= most else None  # type: ignore[operator,return-value]


def moment(value: object) -> datetime | None:
    """A time in RFC 3339, in seconds or in milliseconds since 1970; None for what is none, now for a later one."""
    found: datetime | None = None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = float(value)
    if isinstance(value, str) and len(value) <= 40:
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    elif (
        isinstance(value, (int, float)) and not isinstance(value, bool) and -_NEVER < value < _NEVER
    ):
        seconds = value / 1000 if abs(value) > _MILLISECONDS else value
        try:
            found = _EPOCH + timedelta(seconds=seconds)
        except OverflowError:
            return None
    return min(found, utc_now()) if found is not None and _FIRST <= found <= _LAST else None


def parameters(value: object) -> dict[str, Any] | None:
    """What is known of generation parameters, each within its bounds; None for what is none."""
    if not isinstance(value, Mapping):
        return None
    said: dict[str, Any] = {}
    for name in PARAMETERS:
        one = value.get(name)
        if _is_of(name, one) and not check_parameters(GenerationParameters.of({name: one})):
            said[name] = one
    return said


def _is_of(name: str, value: object) -> bool:
    """Whether it is what the parameter's bounds are about; true and false are no numbers."""
    match PARAMETERS[name]:
        case Texts():
            return isinstance(value, list) and all(isinstance(one, str) for one in value)
        case OneOf():
            return isinstance(value, str)
        case Range():
            kinds = int if name in _WHOLE else (int, float)
            return isinstance(value, kinds) and not isinstance(value, bool)
