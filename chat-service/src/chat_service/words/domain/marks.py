"""What a text is without Markdown's marks, as a page shows it and somebody reads it.

Whether something closes a mark is known when that has come, and until then a page draws it as closed. So each mark is left
out that may be one: `s**e**cret` and `s**ecret` are both `secret`. A star between blanks is none, and neither is a line
below within a name. What is drawn as a formula is not looked at: of those there is no end.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

#: Characters of a link's address that is looked behind.
LONGEST_ADDRESS: Final = 2048

# Each begins with its character. At the end of what has come there may be one of which more is yet to come.
_PUNCTUATION: Final = re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_MARKS: Final = {
    "*": r"\*+(?!\s)|(?<!\s)\*+",
    "_": r"(?<![^\W_])_+|_+(?![^\W_])",
    "~": r"~~+|~\Z",
    "`": r"`+",
    "\\": rf"\\[()\[\]]|\\(?=[{_PUNCTUATION}]|\Z)",
    "$": r"\$+",
    "[": r"\[+",
    "]": r"\]+",
}
_TITLE: Final = r"""(?:\s++(?:"[^"]{0,999}"|'[^']{0,999}'|\([^()]{0,999}\)))?"""
_BEGUN_TITLE: Final = r"""(?:\s++(?:["'(][^"'()]{0,999}["')]?)?\s*+)?"""


def _links(address: str, begun: str) -> Mapping[str, str]:
    """Links whose address is such a one, or the beginning of one."""
    within = rf"<[^<>\n]{{0,{LONGEST_ADDRESS}}}"
    whole, part = rf"(?:{within}>|{address}){_TITLE}", rf"(?:{within}>?|{begun}){_BEGUN_TITLE}"
    return {
        **_MARKS,
        "]": rf"\](?:\(\s*+(?:{whole}\s*+\)|{part}\Z)|\[[^\[\]]{{0,999}}(?:\]|\Z))?",
    }


# What is no link on a page may have one in what would be its address.
_SIMPLE: Final = rf"[^\s()]{{0,{LONGEST_ADDRESS}}}+"
# Not a possessive repetition: before 3.11.5 Python forgets where one of a group has begun when the
# group fails half way (CPython's issue 106052).
_NESTED: Final = rf"(?>(?:[^\s()]|\([^\s()]*\)){{0,{LONGEST_ADDRESS}}})"
_INNER_LINKS: Final = _links(_SIMPLE, _SIMPLE)
_OUTER_LINKS: Final = _links(_NESTED, rf"{_NESTED}(?:\([^\s()]*)?")
_MAY_BE_LINKS: Final = re.compile(r"\][(\[]")
_BARE_ADDRESSES: Final = {
    **_MARKS,
    "<": r"<(?:[^\s<>]{0,254}\Z|(?=[^\s<>]{0,254}[:@]))",
    ">": r"(?<=[^\s<>])>",
}
_MAY_BE_ADDRESSES: Final = re.compile(r"[<>]")
# A phrase may go on in the next line, of a quotation as well; a page shows one blank where several are written.
_NEXT_LINE: Final = r"(?:\r?\n[ \t>]*+(?!\r?\n)|\r\Z)"
_BLANKS: Final = {
    **dict.fromkeys(" \t", rf"[ \t]+\\?{_NEXT_LINE}|[ \t]{{2,}}|\t"),
    "\\": rf"\\{_NEXT_LINE}",
    **dict.fromkeys("\r\n", _NEXT_LINE),
}
_MAY_BE_MARKS: Final = re.compile(r"[*_~`\\\[\]<>$]")
_MAY_BE_EITHER: Final = re.compile(r"[*_~`\\\[\]<>$\n\t\r]| (?=[ \t\\\r\n])")
# What goes with a mark in front of which it stands, and behind which: in code a blank at either end is left out.
_BEFORE: Final = {"`": " ", "[": "!"}
_BEHIND: Final = {"`": " "}
# Where more is to come, that may be such a mark.
_AT_THE_END: Final = frozenset(_BEFORE.values())

_Ways = Mapping[str, re.Pattern[str]]


class View:
    """A text without what its reader does not see."""

    def __init__(self, whole: str) -> None:
        self.text = ""
        self._whole = whole
        self._parts: list[str] = []
        # Where its parts begin, in it and in the whole.
        self._begins: list[int] = []
        self._places: list[int] = []
        self._size = 0

    def take(self, start: int, end: int, instead: str = "") -> None:
        """What stands there is seen, and then `instead` in place of what comes next."""
        self._begins.append(self._size)
        self._places.append(start)
        self._parts += (self._whole[start:end], instead)
        self._size += end - start + len(instead)

    def ended(self) -> "View":
        """All of it is there."""
        self.text = "".join(self._parts)
        return self

    def place(self, at: int) -> int:
        """Where in the whole the character `at` stands."""
        part = bisect_right(self._begins, at) - 1
        return self._places[part] + at - self._begins[part]

    def at(self, place: int) -> int:
        """The first of its characters that stands at that place of the whole, or behind it."""
        part = bisect_right(self._places, place) - 1
        if part < 0:
            return 0
        end = self._begins[part + 1] if part + 1 < len(self._begins) else self._size
        return min(self._begins[part] + place - self._places[part], end)


class Marks:
    """Takes marks out of texts in which these words, which are legible and folded, are looked for."""

    def __init__(self, words: Iterable[str]) -> None:
        letters = set("".join(words))
        has_phrases = " " in letters
        self._may_be = _MAY_BE_EITHER if has_phrases else _MAY_BE_MARKS
        self._blanks = _compiled(_BLANKS) if has_phrases else {}
        self._marks = _compiled(_MARKS)
        self._more = [
            (_MAY_BE_LINKS, _compiled(_INNER_LINKS)),
            (_MAY_BE_LINKS, _compiled(_OUTER_LINKS)),
            (_MAY_BE_ADDRESSES, _compiled(_BARE_ADDRESSES)),
        ]
        # What is a mark elsewhere may be a part of a word.
        self._sparing = None
        if letters & {" ", *_MARKS}:
            self._sparing = _compiled(
                {one: way for one, way in _MARKS.items() if one not in letters}
            )

    def views(self, read: str, folded: str) -> Sequence[View]:
        """What is seen of `folded` where marks are drawn, each way in which that may be; none: there is no mark.

        `read` is the same text, before it was folded.
        """
        if self._may_be.search(read) is None and read[-1:] not in _AT_THE_END:
            return ()
        views = [self._without(self._marks, read, folded)]
        if self._sparing is not None:
            views.append(self._without(self._sparing, read, folded, sparing=True))
        views += [
            self._without(marks, read, folded)
            for may_be, marks in self._more
            if may_be.search(read)
        ]
        return views

    def bare(self, read: str) -> str:
        """`read` without whatever may be a mark."""
        return self._without(self._marks, read, read).text

    def _without(self, marks: _Ways, read: str, folded: str, *, sparing: bool = False) -> View:
        """With `sparing` marks take nothing along that stands beside them."""
        view = View(folded)
        at, size = 0, len(read)
        if not sparing and read[-1:] in _AT_THE_END:
            size -= 1
        for candidate in self._may_be.finditer(read):
            start = candidate.start()
            if start < at:
                continue
            character = read[start]
            if (way := self._blanks.get(character)) and (found := way.match(read, start)):
                view.take(at, start, " ")
                at = found.end()
            elif (way := marks.get(character)) and (found := way.match(read, start)):
                end = found.end()
                if not sparing:
                    start -= start > at and read[start - 1] == _BEFORE.get(character)
                    end += read[end : end + 1] == _BEHIND.get(character)
                view.take(at, start)
                at = end
        view.take(at, max(at, size))
        return view.ended()


def _compiled(ways: Mapping[str, str]) -> _Ways:
    return {character: re.compile(way) for character, way in ways.items()}
