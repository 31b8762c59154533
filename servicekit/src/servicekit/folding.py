"""Folding: texts as they are compared, and where a place in a fold is in the text itself.

Compatibility forms, letter case and characters that cannot be seen make no difference.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate
from typing import Final
from unicodedata import category, normalize

from chassis.text import UNSEEN

# So many characters at once.
_BLOCK: Final = 250
# Signs of Chinese and Japanese texts with the one sign that each is compared as: without them most
# texts are in the normal form already, which is seen at a glance.
_WIDE: Final = (*((chr(ord(sign) + 0xFEE0), sign) for sign in ",!?:;()"), ("\u3000", " "))
# With other ones a text is indexed otherwise.
_UNSEEN: Final = re.compile(f"[{UNSEEN}]+")
# Of so many marks upon one letter those behind are as if unseen: what is normalised has its marks put in order, which
# takes time by the square of how many there are. Unicode's annex 15, 13, has the same number.
_MOST_MARKS: Final = 30
# Halfwidth signs of voice are letters, and become marks.
_VOICED: Final = "\uff9e\uff9f"
# Vowels and final consonants of Hangul, in all their forms.
_HANGUL_PARTS: Final = (
    "\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\ud7b0-\ud7ff\uff9e\uff9f\uffa0-\uffdc"
)


@dataclass(frozen=True, slots=True)
class Marks:
    """``ranges`` are all of them, for a set in a pattern; ``joining`` is what may become one with what
    stands before it when it is normalised, or cannot be seen; ``signs`` are the marks, and what becomes one;
    ``too_many`` finds more in a row than a letter may have, and those that it may have as its group.
    """

    ranges: str
    joining: frozenset[str]
    signs: frozenset[str]
    too_many: re.Pattern[str]


@cache
def marks() -> Marks:
    """The combining marks of Unicode."""
    # It takes some milliseconds to ask for all of them, which no start has to wait for.
    every = "".join(chr(point) for point in range(0x300, 0x20000) if category(chr(point))[0] == "M")
    ranges = _ranges(every)
    # Not a pattern: for one that has marks beyond U+FFFF, each sign is compared with all of them.
    parts = re.compile(f"[{_HANGUL_PARTS}{UNSEEN}]")
    others = (chr(point) for point in (*range(0x10000), *range(0xE0100, 0xE01F0)))
    sign = f"[{ranges}{_VOICED}]"
    return Marks(
        ranges,
        joining=frozenset(every) | frozenset(filter(parts.match, others)),
        signs=frozenset(every + _VOICED),
        too_many=re.compile(f"({sign}{{{_MOST_MARKS}}}){sign}+"),
    )


def _ranges(signs: str) -> str:
    """Sorted ``signs``, neighbours as one range."""
    found: list[list[str]] = []
    for sign in signs:
        if found and ord(sign) == ord(found[-1][1]) + 1:
            found[-1][1] = sign
        else:
            found.append([sign, sign])
    return "".join(f"{first}-{last}" for first, last in found)


def fold(text: str) -> str:
    """``text`` as it is compared. What is folded stays as it is when it is folded again."""
    return Folded(text).fold


def folds_of(text: str) -> Iterator[str]:
    """The fold of ``text`` bit by bit: one character may become eighteen, so that the whole takes many times the room."""
    if text.isascii():
        return (text[at : at + _BLOCK].lower() for at in range(0, len(text), _BLOCK))
    return map(_fold, _blocks(text))


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    for wide, sign in _WIDE:
        text = text.replace(wide, sign)
    # Before, since to normalise many takes long; and behind, since one sign may become two marks.
    text = _with_few_marks(_UNSEEN.sub("", text))
    return _with_few_marks(normalize("NFKC", normalize("NFKC", text).casefold()))


def _with_few_marks(text: str) -> str:
    """``text`` without what marks there are behind the thirtieth of a letter's."""
    every = _MOST_MARKS + 1
    # Of too many in a row one is among these: to look at each sign takes six times as long as all else of folding.
    if marks().signs.isdisjoint(text[_MOST_MARKS::every]):
        return text
    if any(_marks_around(text, at) > _MOST_MARKS for at in range(_MOST_MARKS, len(text), every)):
        return marks().too_many.sub(r"\1", text)
    return text


def _marks_around(text: str, at: int) -> int:
    """How many marks stand in a row that ``at`` is in, or at the end of."""
    signs = marks().signs
    begin = end = at
    while begin > 0 and text[begin - 1] in signs:
        begin -= 1
    while end < len(text) and text[end] in signs:
        end += 1
    return end - begin


@lru_cache(maxsize=16_384)
def _fold_length(segment: str) -> int:
    # One and the same sign, mostly, many times in each text.
    return len(_fold(segment))


def _blocks(text: str) -> Iterator[str]:
    """``text`` in pieces, no two of which become one when they are normalised."""
    joining = marks().joining
    start = 0
    while start < len(text):
        end = start + _BLOCK
        while end < len(text) and text[end] in joining:
            end += 1
        yield text[start:end]
        start = end


def _segments(block: str) -> Iterator[str]:
    """Each character with what joins it."""
    joining = marks().joining
    start = 0
    for at in range(1, len(block)):
        if block[at] not in joining:
            yield block[start:at]
            start = at
    yield block[start:]


class Folded:
    """A text and its fold, and where a place in the one is in the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._blocks = [text] if text.isascii() else list(_blocks(text))
        folds = [_fold(block) for block in self._blocks]
        self.fold = "".join(folds)
        self._starts = [0, *accumulate(map(len, self._blocks))]
        self._places = [0, *accumulate(map(len, folds))]
        self._segments: dict[int, tuple[Sequence[int], Sequence[int]]] = {}

    def start(self, place: int) -> int:
        """Where what is at ``place`` in the fold begins in the text."""
        starts, places = self._around(self._places, place)
        return starts[bisect_right(places, place) - 1]

    def end(self, place: int) -> int:
        """Where what ends at ``place`` in the fold ends in the text."""
        starts, places = self._around(self._places, place - 1)
        return starts[bisect_right(places, place - 1)]

    def place(self, at: int) -> int:
        """Where what begins at ``at`` in the text begins in the fold; of what is cut there, its end."""
        if at == len(self.text):
            return len(self.fold)
        starts, places = self._around(self._starts, at)
        number = bisect_right(starts, at) - 1
        return places[number if starts[number] == at else number + 1]

    def _around(self, beginnings: list[int], wanted: int) -> tuple[Sequence[int], Sequence[int]]:
        """Where segments begin in the text and in the fold, in the block that has ``wanted``, and where
        the last one ends.
        """
        block = bisect_right(beginnings, wanted) - 1
        if block not in self._segments:
            begin, place = self._starts[block], self._places[block]
            whole, length = self._blocks[block], self._places[block + 1] - place
            # Alone, each character folds into one at least: into one each, if there are as many.
            if length == len(whole) and (whole.isascii() or marks().joining.isdisjoint(whole)):
                every = range(begin, self._starts[block + 1] + 1)
                self._segments[block] = (every, range(place, place + len(every)))
            else:
                segments = list(_segments(whole))
                starts = accumulate(map(len, segments), initial=begin)
                places = accumulate(map(_fold_length, segments), initial=place)
                self._segments[block] = (list(starts), list(places))
        return self._segments[block]
