"""Lists in pages: how many rows, and the opaque cursor that says where the next page begins.

Keyset pagination: a cursor holds the sort key of the last row that was shown, so that a page
costs the same wherever it is, and rows that come or go between pages shift nothing.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Self, TypeVar
from uuid import UUID

import orjson

from chassis.errors import FieldError, ValidationFailed
from chassis.ids import parse_id
from chassis.text import check_number

DEFAULT_LIMIT = 20
MAXIMUM_LIMIT = 100
# No cursor we make comes near: more is not decoded at all.
_LONGEST_CURSOR = 1024

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page: ``next_cursor`` is empty on the last one, ``total`` absent unless asked for."""

    items: tuple[Item, ...]
    next_cursor: str = ""
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A row's place in a list ordered by a time and, among equal times, by id."""

    at: datetime
    id: UUID

    def to_cursor(self) -> str:
        """The cursor of the page that begins behind this row."""
        return encode_cursor(self.at.isoformat(), str(self.id))

    @classmethod
    def from_cursor(cls, cursor: str) -> Self | None:
        """The position a cursor stands for; None for the empty one, the start of the list.

        Raises ValidationFailed for a text that ``to_cursor`` did not make.
        """
        if not cursor:
            return None
        moment, identifier = decode_cursor(cursor, 2)
        try:
            at = datetime.fromisoformat(moment)
        except ValueError:
            raise invalid_cursor() from None
        row = parse_id(identifier)
        # A time without a zone would be read in the database session's zone.
        if row is None or at.utcoffset() is None:
            raise invalid_cursor()
        return cls(at, row)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list that stands in memory and may be another list by the next page.

    ``number`` items are before it, and ``previous`` names the last of them; it is empty if there are none.
    """

    number: int
    previous: str

    @classmethod
    def behind(cls, names: Sequence[str], number: int) -> Self:
        """The place behind the first ``number`` of the items that are called so."""
        return cls(number, names[number - 1] if number else "")

    def to_cursor(self, kind: str) -> str:
        """The cursor of the page that begins here; ``kind`` tells it from other lists' cursors."""
        return encode_cursor(kind, str(self.number), self.previous)

    @classmethod
    def from_cursor(cls, cursor: str, kind: str) -> Self | None:
        """The place a cursor stands for, None for a cursor of another kind.

        Raises ValidationFailed for one of this kind that ``to_cursor`` did not make.
        """
        try:
            told, number, previous = decode_cursor(cursor, 3)
        except ValidationFailed:
            return None
        if told != kind:
            return None
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise invalid_cursor()
        return cls(int(number), previous)

    def among(self, names: Sequence[str]) -> int:
        """How many of these come before: behind the one before it wherever it is by now, at its
        number if that one is gone.
        """
        return names.index(self.previous) + 1 if self.previous in names else self.number


def parse_limit(limit: int) -> int:
    """How many rows to return: ``limit`` itself within 1–100, the default of 20 for 0.

    Raises ValidationFailed otherwise.
    """
    if limit == 0:
        return DEFAULT_LIMIT
    if errors := check_number("limit", limit, minimum=1, maximum=MAXIMUM_LIMIT):
        raise ValidationFailed(fields=errors)
    return limit


def page_of(
    rows: Sequence[Item],
    limit: int,
    cursor_of: Callable[[Item], str],
    *,
    total: int | None = None,
) -> Page[Item]:
    """The page that shows the first ``limit`` of ``rows``.

    Read ``limit + 1`` rows: the one more is not shown, it tells that another page follows.
    """
    items = tuple(rows[:limit])
    return Page(items, cursor_of(items[-1]) if len(rows) > limit else "", total)


def encode_cursor(*parts: str) -> str:
    """An opaque text, safe in a URL, that ``decode_cursor`` turns back into ``parts``."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode("ascii")


def decode_cursor(cursor: str, count: int) -> tuple[str, ...]:
    """The ``count`` parts that ``encode_cursor`` was given.

    Raises ValidationFailed for anything else; the parts' own meaning is the caller's to
    check, for a cursor is not signed: it only ever narrows what the caller may see anyway.
    """
    if len(cursor) > _LONGEST_CURSOR:
        raise invalid_cursor()
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = orjson.loads(text)
    except (ValueError, binascii.Error):
        raise invalid_cursor() from None
    if not isinstance(parts, list) or len(parts) != count:
        raise invalid_cursor()
    if any(not isinstance(part, str) or "\x00" in part for part in parts):
        raise invalid_cursor()
    return tuple(parts)


def invalid_cursor() -> ValidationFailed:
    """The error for a cursor whose parts, although well-formed, make no sense."""
    return ValidationFailed(fields=[FieldError("cursor", "INVALID")])
