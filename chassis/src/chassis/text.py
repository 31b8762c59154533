"""Whether text can be stored, its length in characters and nothing PostgreSQL refuses; whether a
number is within its bounds; whether anything is to be seen in a text, and the beginning of one that is too
long to be shown.
"""

import re
from typing import Final

from chassis.errors import FieldError

# U+0000 is refused by PostgreSQL, lone surrogates by UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
#: Embeddings, overrides and isolates, which turn the direction of what is written behind them, as a regular
#: expression has them in brackets.
TURNING: Final = "\u202a-\u202e\u2066-\u2069"
#: Characters up to U+FFFF that nobody sees, likewise: soft hyphens, joiners and spaces of no width, marks of direction,
#: variation selectors, a byte order mark.
UNSEEN_NEAR: Final = f"\u00ad\u200b-\u200f{TURNING}\u2060-\u2064\ufe00-\ufe0f\ufeff"
#: All of them.
UNSEEN: Final = f"{UNSEEN_NEAR}\U000e0100-\U000e01ef"
_SEEN = re.compile(rf"[^\s{UNSEEN}]")


def check_text(field: str, value: str, *, minimum: int = 0, maximum: int) -> list[FieldError]:
    """What is wrong with ``value``, as errors of ``field``; an empty list when nothing is.

    ``minimum`` and ``maximum`` count characters, inclusive. Reasons: ``REQUIRED`` (empty
    although ``minimum`` is 1 or more), ``TOO_SHORT`` and ``TOO_LONG``, each with its bound,
    ``INVALID_CHARACTER`` (U+0000 or a lone surrogate). White space counts: strip first what should not.
    """
    errors: list[FieldError] = []
    if not value and minimum >= 1:
        errors.append(FieldError(field, "REQUIRED"))
    elif len(value) < minimum:
        errors.append(FieldError(field, "TOO_SHORT", minimum=minimum))
    elif len(value) > maximum:
        errors.append(FieldError(field, "TOO_LONG", maximum=maximum))
    if _UNSTORABLE.search(value):
        errors.append(FieldError(field, "INVALID_CHARACTER"))
    return errors


def is_blank(text: str) -> bool:
    """Whether there is nothing to be seen in ``text``: white space of any script, and what has no looks of its own."""
    return _SEEN.search(text) is None


def shortened(text: str, most: int) -> str:
    """``text`` in at most ``most`` characters: of a longer one the beginning, and an ellipsis behind it."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def check_number(field: str, value: float, *, minimum: float, maximum: float) -> list[FieldError]:
    """What is wrong with ``value``: ``TOO_SMALL`` or ``TOO_LARGE`` with its bound, ``INVALID`` for
    NaN; an empty list when nothing is. Both bounds are inclusive.
    """
    if value < minimum:
        return [FieldError(field, "TOO_SMALL", minimum=minimum)]
    if value > maximum:
        return [FieldError(field, "TOO_LARGE", maximum=maximum)]
    return [] if value == value else [FieldError(field, "INVALID")]  # noqa: PLR0124 - NaN alone
