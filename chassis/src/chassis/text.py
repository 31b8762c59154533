"""Whether text can be stored: its length in characters, and nothing PostgreSQL refuses."""

import re

from chassis.errors import FieldError

# U+0000 is refused by PostgreSQL, lone surrogates by UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def check_text(field: str, value: str, *, minimum: int = 0, maximum: int) -> list[FieldError]:
    """What is wrong with ``value``, as errors of ``field``; an empty list when nothing is.

    ``minimum`` and ``maximum`` count characters, inclusive. Reasons: ``REQUIRED`` (empty
    although ``minimum`` is 1 or more), ``TOO_SHORT``, ``TOO_LONG``, ``INVALID_CHARACTER``
    (U+0000 or a lone surrogate). White space counts: strip first what should not.
    """
    errors: list[FieldError] = []
    if not value and minimum >= 1:
        errors.append(FieldError(field, "REQUIRED"))
    elif len(value) < minimum:
        errors.append(FieldError(field, "TOO_SHORT"))
    elif len(value) > maximum:
        errors.append(FieldError(field, "TOO_LONG"))
    if _UNSTORABLE.search(value):
        errors.append(FieldError(field, "INVALID_CHARACTER"))
    return errors
