"""A line, or the beginning of one, without the marks in it.

Emphasis goes by CommonMark's rule, with what opens it as far back as a window; a mark that is next to
nothing but a space, or that nothing closes, is a character like any other. What is returned does not
depend on what may still come of the line.
"""

import re
from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

from chat_service.plain_text.spans import WINDOW, More, Spans

_PLAIN: Final = re.compile(r"[^\\`$&<!\[*_~| \t#]+|[ \t]+(?![ \t|#])")
_CELL_END: Final = re.compile(r"[ \t]*\|[ \t]*")
_HEADING_END: Final = re.compile(r"[ \t]+#+[ \t]*")
_SPACE: Final = re.compile(r"[ \t]+")


@dataclass(slots=True)
class _Mark:
    """A run of marks at a place: how many there were and are left, and what they may do."""

    place: int
    character: str
    length: int
    count: int
    opens: bool
    closes: bool

    def is_closed_by(self, other: "_Mark") -> bool:
        """CommonMark's rule, by which `**a*b**` is one word in bold."""
        if self.character != other.character:
            return False
        if not (self.closes or other.opens) or self.character == "~":
            return True
        both = self.length + other.length
        return bool(both % 3) or not (self.length % 3 or other.length % 3)


@dataclass(frozen=True, slots=True)
class Kind:
    """What sort of line it is: in which a bar ends a cell, in which what ends it are marks."""

    row: bool = False
    heading: bool = False


_TEXT: Final = Kind()


def render(
    line: str,
    *,
    ended: bool,
    before: str = "",
    kind: Kind = _TEXT,
    first: bool = True,
    depth: int = 0,
) -> tuple[str, int]:
    """What of a line is known in plain text, and how many of its characters that is: all where it has `ended`.

    `before` is the character in front of it, `first` whether it is the row's beginning, and `depth` how many links it
    stands in.
    """
    return _Reader(line, ended, before, kind, first, depth).read()


class _Reader:
    def __init__(
        self, line: str, ended: bool, before: str, kind: Kind, first: bool, depth: int
    ) -> None:
        self._line = line
        self._spans = Spans(line, ended=ended)
        self._depth = depth
        self._ended = ended
        self._before = before
        self._kind = kind
        self._first = first
        # What was read, and the place of each in the line.
        self._parts: list[str | _Mark] = []
        self._places: list[int] = []
        # The marks that may still be closed, and how many there are of each character.
        self._open: deque[_Mark] = deque()
        self._opened: Counter[str] = Counter()

    def read(self) -> tuple[str, int]:
        at, line = 0, self._line
        try:
            while at < len(line):
                at = self._read_one(at)
        except More:
            pass
        known = at
        if not self._ended:
            known = next((mark.place for mark in self._open if at - mark.place <= WINDOW), at)
        shown = [
            part if isinstance(part, str) else part.character * part.count
            for part, place in zip(self._parts, self._places, strict=True)
            if place < known
        ]
        return "".join(shown), known

    def _read_one(self, at: int) -> int:
        """Take in what begins there; returns where it ends. Raises More."""
        line = self._line
        if plain := _PLAIN.match(line, at):
            if plain.end() == len(line) and line[at] in " \t" and self._may_end(at):
                raise More
            return self._put(at, plain[0], plain.end())
        character = line[at]
        if character in "*_~":
            return self._mark(at)
        if character in " \t|#":
            return self._border(at)
        span = self._spans.find(at, depth=self._depth)
        if span is None:
            return self._put(at, character, at + 1)
        inner = render(span.inner, ended=True, depth=self._depth + 1)[0] if span.inner else ""
        return self._put(at, inner + span.text, span.end)

    def _may_end(self, at: int) -> bool:
        """Whether spaces at the end of what there is may belong to a mark behind them."""
        return (
            not self._ended and (self._kind.row or self._kind.heading) and len(self._line) - at < 64
        )

    def _put(self, at: int, text: str, end: int) -> int:
        self._parts.append(text)
        self._places.append(at)
        return end

    def _border(self, at: int) -> int:
        """A cell's end, a heading's, or spaces like any others."""
        line, kind = self._line, self._kind
        pattern = _CELL_END if kind.row else _HEADING_END if kind.heading else None
        if pattern is not None and (found := pattern.match(line, at)):
            is_last = found.end() == len(line)
            if is_last and not self._ended and found.end() - at < 64:
                raise More
            if kind.row:
                is_first = self._first and at == 0
                return self._put(at, "" if is_last or is_first else "\t", found.end())
            if is_last:
                return self._put(at, "", found.end())
        if spaces := _SPACE.match(line, at):
            if spaces.end() == len(line) and self._may_end(at):
                raise More
            return self._put(at, spaces[0], spaces.end())
        return self._put(at, line[at], at + 1)

    def _mark(self, at: int) -> int:
        line = self._line
        character = line[at]
        end = at
        while end < len(line) and line[end] == character:
            end += 1
        if end == len(line) and not self._ended and end - at <= WINDOW:
            raise More
        left = line[at - 1] if at else self._before
        right = line[end : end + 1]
        opens, closes = bool(right) and not right.isspace(), bool(left) and not left.isspace()
        if character == "_":
            # Within a word it is a part of its name.
            opens, closes = opens and not left.isalnum(), closes and not right.isalnum()
        if character == "~" and end - at != 2:
            opens = closes = False
        mark = _Mark(at, character, end - at, end - at, opens, closes)
        self._parts.append(mark)
        self._places.append(at)
        if closes:
            self._close(mark)
            # What is left of it begins behind what was used, as if it were by itself.
            mark.place = self._places[-1] = end - mark.count
            mark.length = mark.count
        if opens and mark.count:
            self._open.append(mark)
            self._opened[character] += 1
        return end

    def _close(self, mark: _Mark) -> None:
        """Take away, with what of the mark closes them, marks that were opened before."""
        opened = self._open
        while opened and mark.place - opened[0].place > WINDOW:
            self._opened[opened.popleft().character] -= 1
        while mark.count and self._opened[mark.character]:
            depth = next(
                (at for at in range(len(opened) - 1, -1, -1) if opened[at].is_closed_by(mark)), None
            )
            if depth is None:
                return
            # What was opened within is a character like any other.
            while len(opened) > depth + 1:
                self._opened[opened.pop().character] -= 1
            other = opened[-1]
            used = 2 if min(other.count, mark.count) >= 2 else 1
            other.count -= used
            mark.count -= used
            if not other.count:
                opened.pop()
                self._opened[mark.character] -= 1
