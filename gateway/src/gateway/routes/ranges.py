"""Which part of something a request is for, and whether it has it already. RFC 9110, sections 13 and 14.

One range of bytes is answered as such; a list of several, and whatever is none, as if there had been none.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header
from starlette.requests import Request

from gateway.refusals import RangeNotSatisfiable
from gateway.routes.preconditions import IF_NONE_MATCH, parse_tags

_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
# So many digits are more than any size has.
_DIGITS: Final = 19


@dataclass(frozen=True, slots=True)
class Part:
    """A range of bytes as it is asked for: both ends inclusive; without `first` it is the `last` so many."""

    first: int | None
    last: int | None

    def of(self, size: int) -> tuple[int, int]:
        """The first byte and the one behind the last, of so many. Raises RangeNotSatisfiable where there are none."""
        if self.first is None:
            begin, end = max(0, size - (self.last or 0)), size
        else:
            begin = self.first
            end = size if self.last is None else min(size, self.last + 1)
        if begin >= end:
            raise RangeNotSatisfiable()
        return begin, end


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants of something, which is had in parts."""

    range: str | None
    if_range: str | None
    #: Tags of what is known already; None: whatever there is.
    known: list[tuple[bool, str]] | None

    def is_known(self, tag: str) -> bool:
        return self.known is None or tag in {one for _, one in self.known}

    def part(self, tag: str) -> Part | None:
        """Of what has this tag; None: all of it."""
        found = _RANGE.fullmatch(self.range or "")
        if found is None or found[1] == found[2] == "" or self.if_range not in (None, tag):
            return None
        first, last = (_number(text) if text else None for text in found.groups())
        if first is not None and last is not None and last < first:
            return None
        return Part(first, last)


def _number(digits: str) -> int:
    """What they say, or where that is more than any size, so much."""
    return int(digits.lstrip("0")[:_DIGITS] or "0")


async def _wanted(
    request: Request,
    range_: Annotated[
        str | None, Header(alias="range", description="One range of bytes: `bytes=0-1023`.")
    ] = None,
    if_range: Annotated[
        str | None, Header(description="The `ETag` of what the rest is wanted of.")
    ] = None,
    if_none_match: Annotated[
        str | None, Header(description="Entity tags of what is known already: 304 if it is one.")
    ] = None,
) -> Wanted:
    known: list[tuple[bool, str]] | None = []
    if if_none_match is not None:
        known = parse_tags("If-None-Match", ", ".join(request.headers.getlist(IF_NONE_MATCH)))
    # Of a HEAD there are no parts. In several lines there are several ranges.
    has_parts = range_ is not None and "asked_method" not in request.scope
    ranges = request.headers.getlist("range") if has_parts else []
    return Wanted(", ".join(ranges), if_range, known)


WantedOf = Annotated[Wanted, Depends(_wanted)]
