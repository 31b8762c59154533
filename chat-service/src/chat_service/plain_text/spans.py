"""What within a line is taken as a whole, found from its first character on: code, maths, links, escapes.

Each finder says what stands there and where that ends, or that it is nothing of the kind, or that more has to
come to know. It looks no further than a window, so that little is ever waited for.
"""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

#: Characters within which what is opened has to be closed; maths is short, and a dollar is often none.
WINDOW: Final = 512
_MATHS_WINDOW: Final = 128
_LINK_WINDOW: Final = 2048

_BRACKET: Final = re.compile(r"\\.|[\[\]]")
_PUNCTUATION: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});")
_ENTITY_BEGUN: Final = re.compile(r"&[#A-Za-z0-9]{0,33}")
_AUTOLINK: Final = re.compile(
    r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[A-Za-z][^\s<>@]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)>"
)
_AUTOLINK_BEGUN: Final = re.compile(r"<[A-Za-z][^\s<>]*")
_TARGET: Final = re.compile(
    r"\([ \t]*+(<[^<>]*>|(?>(?:[^\s()]|\([^\s()]*+\))*))"
    r"(?:[ \t]++(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ \t]*+\)"
)


@dataclass(frozen=True, slots=True)
class Span:
    """What stands there in plain text, and where that ends; `inner` of it is still to be rendered."""

    text: str
    end: int
    inner: str = ""


class More(Exception):
    """More has to come before it is known what stands there."""


class Spans:
    """Those of one line, which may have `ended`."""

    def __init__(self, line: str, *, ended: bool) -> None:
        self._line = line
        self._ended = ended

    def find(self, at: int, *, depth: int = 0) -> Span | None:
        """What begins at this place, which stands in `depth` links; None: a character like any other.

        In a link there may be a picture, and in that neither. Raises More, unless the line has ended.
        """
        character = self._line[at]
        if character in "![":
            return self._link_or_picture(at) if depth <= "[!".index(character) else None
        finder = _FINDERS.get(character)
        return None if finder is None else finder(self._line, at, self._ended)

    def _link_or_picture(self, at: int) -> Span | None:
        line = self._line
        if line[at] == "[":
            return self._link(at)
        if at + 1 == len(line):
            _cannot_come(line, at, self._ended)
            return None
        if line[at + 1] != "[":
            return None
        link = self._link(at + 1)
        # Only its description can be read.
        return None if link is None else Span("", link.end, link.inner)

    def _link(self, at: int) -> Span | None:
        line = self._line
        close = self._closings.get(at, len(line))
        if close + 1 >= len(line) or close - at >= _LINK_WINDOW:
            _cannot_come(line, at, self._ended, _LINK_WINDOW)
            return None
        if line[close + 1] != "(":
            return None
        target = _TARGET.match(line, close + 1, at + _LINK_WINDOW)
        if target is None:
            _cannot_come(line, at, self._ended, _LINK_WINDOW)
            return None
        inner, address = line[at + 1 : close], target[1].strip("<>")
        shown = "" if address.startswith("#") or address in {"", inner} else f" ({address})"
        return Span(shown, target.end(), inner)

    @cached_property
    def _closings(self) -> Mapping[int, int]:
        """Where each bracket is closed that is, by one look at the whole line."""
        closings: dict[int, int] = {}
        opened: list[int] = []
        for found in _BRACKET.finditer(self._line):
            if found[0] == "[":
                opened.append(found.start())
            elif found[0] == "]" and opened:
                closings[opened.pop()] = found.start()
        return closings


def _cannot_come(line: str, at: int, ended: bool, window: int = WINDOW) -> bool:
    """That something is not there is known, or raises More."""
    if not ended and len(line) - at <= window:
        raise More
    return True


def _escape(line: str, at: int, ended: bool) -> Span | None:
    following = line[at + 1 : at + 2]
    if not following:
        _cannot_come(line, at, ended)
        # It breaks the line, which is broken.
        return Span("", at + 1)
    if following in "([":
        end = line.find("\\" + {"(": ")", "[": "]"}[following], at + 2, at + WINDOW)
        if end >= 0:
            return Span(line[at : end + 2], end + 2)
        _cannot_come(line, at, ended)
        return Span(line[at : at + 2], at + 2)
    return Span(following, at + 2) if following in _PUNCTUATION else None


def _run(line: str, at: int) -> int:
    """How often the character there is repeated."""
    end = at
    while end < len(line) and line[end] == line[at]:
        end += 1
    return end - at


def _code(line: str, at: int, ended: bool) -> Span | None:
    length = _run(line, at)
    if at + length == len(line):
        _cannot_come(line, at, ended)
    looked = at + length
    while (looked := line.find("`", looked, at + WINDOW)) >= 0:
        closing = _run(line, looked)
        if looked + closing == len(line) and not ended:
            raise More
        if closing == length:
            return Span(_code_in(line[at + length : looked]), looked + closing)
        looked += closing
    _cannot_come(line, at, ended)
    return Span(line[at : at + length], at + length)


def _code_in(said: str) -> str:
    is_padded = len(said) > 2 and said[0] == said[-1] == " " and not said.isspace()
    return said[1:-1] if is_padded else said


def _maths(line: str, at: int, ended: bool) -> Span | None:
    length = _run(line, at)
    if at + length == len(line):
        _cannot_come(line, at, ended)
        return None
    if length > 2 or (length == 1 and line[at + 1].isspace()):
        return Span(line[at : at + length], at + length)
    mark = "$" * length
    # The next one closes it, or nothing does: "$5 and $6" is no maths.
    close = line.find(mark, at + length, at + _MATHS_WINDOW)
    end = close + length
    if close < 0:
        _cannot_come(line, at, ended, _MATHS_WINDOW)
    elif end == len(line) and not ended:
        raise More
    elif length == 2 or not (line[close - 1].isspace() or line[end : end + 1].isdigit()):
        return Span(line[at:end], end)
    return Span(mark, at + length)


def _entity(line: str, at: int, ended: bool) -> Span | None:
    if found := _ENTITY.match(line, at):
        return Span(html.unescape(found[0]), found.end())
    begun = _ENTITY_BEGUN.match(line, at)
    if begun is not None and begun.end() == len(line) and not ended and begun.end() - at < 34:
        raise More
    return None


def _autolink(line: str, at: int, ended: bool) -> Span | None:
    if found := _AUTOLINK.match(line, at, at + _LINK_WINDOW):
        return Span(found[1], found.end())
    begun = _AUTOLINK_BEGUN.match(line, at, at + _LINK_WINDOW)
    if at + 1 == len(line) or (begun is not None and begun.end() == len(line)):
        _cannot_come(line, at, ended, _LINK_WINDOW)
    return None


_FINDERS: Final[Mapping[str, Callable[[str, int, bool], Span | None]]] = {
    "\\": _escape,
    "`": _code,
    "$": _maths,
    "&": _entity,
    "<": _autolink,
}
