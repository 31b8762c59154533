"""What of a text can be read, and where that stands in it.

A soft hyphen, a joiner or a mark of direction within a word is seen by nobody, and neither is a control character. A letter
that is struck through or encircled is read as that letter, `ß` as `ss`, and `ﬁ` as `fi`; `&#98;` is a `b` on a page. Arabic
and Hebrew are the same words with their vowels and without.
"""

import html
import html.entities
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from chassis.text import UNSEEN_NEAR
from chat_service.words.domain.folding import fold

# Unicode's Default_Ignorable_Code_Point, of which some hide nothing elsewhere, and controls that are neither spaces nor
# ends of lines.
_INVISIBLE: Final = (
    rf"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f{UNSEEN_NEAR}\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u2065\u206a-\u206f\u3164\uffa0\ufff0-\ufff8"
)
_INVISIBLE_BEYOND: Final = r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
# What lies upon a letter or around it, of whatever script, and makes no other letter of it: `b̶a̶d̶` is still read.
_LAID_UPON: Final = r"\u0334-\u0338\u0488\u0489\u1abe\u20d2\u20d3\u20d8-\u20da\u20dd-\u20e0\u20e2-\u20e6\u20ea\u20eb\ua670-\ua672"
# Points of Hebrew and its accents; Arabic vowels, signs of the Koran, and what only stretches a word. Not what makes another
# letter of an Arabic one: hamza and madda.
_POINTS: Final = (
    r"\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670"
    r"\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08d3-\u08e1\u08e3-\u08ff\ufb1e\ufe70-\ufe72\ufe74\ufe76-\ufe7f"
)
_UNREAD: Final = _INVISIBLE + _LAID_UPON + _POINTS
# A dot upon the dot that an `i` has already: what `İ` becomes in small letters, and what it is in two characters.
_DOT: Final = r"\u0307"
_ALL_UNREAD: Final = re.compile(f"[{_UNREAD}{_INVISIBLE_BEYOND}]")
_DOTTED: Final = re.compile(f"([iI]){_DOT}")
_BEYOND: Final = re.compile("[\U00010000-\U0010ffff]")
_CONTROLS: Final = re.compile(r"[&\x00-\x08\x0e-\x1b\x7f]")
# Those of numbers as CommonMark has them; which names there are depends on the words.
_BY_NUMBER: Final = r"#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}"
_BEGUN_BY_NUMBER: Final = r"#[0-9]{0,7}|#[xX][0-9a-fA-F]{0,6}"
#: Characters of the longest reference to a character.
LONGEST_REFERENCE: Final = max(len(name) for name in html.entities.html5) + 1


@dataclass(frozen=True, slots=True)
class Legible:
    """What can be read of a text's first `size` characters, behind which a reference to one has begun, or nothing is.

    `places`: where in the text each of its characters stands, and `ends`: where what it is read of ends; None: where it did.
    """

    text: str
    size: int
    places: Sequence[int] | None = None
    ends: Sequence[int] = ()

    def place(self, at: int) -> int:
        """Where in the text the character `at` stands; behind the last: where what can be read ends."""
        if self.places is None:
            return at
        return self.places[at] if at < len(self.places) else self.size

    def end(self, at: int) -> int:
        """Where in the text those before `at`, which is not 0, end."""
        return at if self.places is None else self.ends[at - 1]


class Reader:
    """Reads texts in which these words, which are legible and folded, are looked for."""

    def __init__(self, words: Iterable[str]) -> None:
        letters = set("".join(words))
        self._read_as = {
            character: read for character, read in _read_as().items() if letters & set(read)
        }
        several = "".join(self._read_as)
        # Looked for apart: with characters beyond these in it the class is slower for all others.
        dot = _DOT if "i" in letters else ""
        self._unlike = re.compile(f"[&{_UNREAD}{several}{dot}]")
        self._unlike_beyond = re.compile(f"[&{_UNREAD}{several}{dot}{_INVISIBLE_BEYOND}]")
        names = [name for name, read in _references().items() if letters.issuperset(read)]
        reference = "|".join([_BY_NUMBER, *map(re.escape, names)])
        one = f"|[{several}]" if several else ""
        self._pieces = re.compile(
            f"&(?:{reference});|[{_UNREAD}{_INVISIBLE_BEYOND}]+|(?<=[iI]){_DOT}{one}"
        )
        self._name_beginnings = {name[:length] for name in names for length in range(len(name) + 1)}

    def __call__(self, text: str, *, ended: bool = True) -> Legible:
        """What can be read of `text`; unless that has `ended`, it may be less by a reference that has begun."""
        size = len(text) if ended else self._begun(text)
        if text.isascii():
            unlike = _CONTROLS
        elif _BEYOND.search(text):
            unlike = self._unlike_beyond
        else:
            unlike = self._unlike
        first = unlike.search(text, 0, size)
        if first is not None:
            return self._read(text, first.start(), size)
        return Legible(text if size == len(text) else text[:size], size)

    def _begun(self, text: str) -> int:
        """Where a reference begins of which more may come; none: where the text ends."""
        size = len(text)
        at = text.rfind("&", max(size - LONGEST_REFERENCE, 0))
        if at < 0:
            return size
        begun = text[at + 1 :]
        if begun in self._name_beginnings or re.fullmatch(_BEGUN_BY_NUMBER, begun):
            return at
        return size

    def _read(self, text: str, at: int, size: int) -> Legible:
        read = [text[:at]]
        places, ends = list(range(at)), list(range(1, at + 1))
        for found in self._pieces.finditer(text, at, size):
            start, end = found.span()
            said = self._said(found[0])
            read += (text[at:start], said)
            places += range(at, start)
            ends += range(at + 1, start + 1)
            places += [start] * len(said)
            ends += [end] * len(said)
            at = end
        read.append(text[at:size])
        places += range(at, size)
        ends += range(at + 1, size + 1)
        return Legible("".join(read), size, places, ends)

    def _said(self, piece: str) -> str:
        """What a reference is read as, a character that is read as several, or some that are not read."""
        if piece[0] == "&":
            return "".join(self._read_as.get(one, one) for one in visible(html.unescape(piece)))
        return self._read_as.get(piece, "")


def last_visible(text: str) -> str:
    """The last character of `text` that can be read, if there is one."""
    return next((last for last in reversed(text) if not _ALL_UNREAD.match(last)), "")


def visible(text: str) -> str:
    """`text` without what cannot be read."""
    return _ALL_UNREAD.sub("", text)


def legible(word: str) -> str:
    """A word as it is read."""
    undotted = _DOTTED.sub(r"\1", visible(word))
    return "".join(_read_as().get(character, character) for character in undotted)


@cache
def _read_as() -> dict[str, str]:
    """The letters that are read as several, or as one with points, folded; signs, such as `№`, are what they are."""
    several = {}
    for code in range(0x80, 0x10000):
        character = chr(code)
        if not unicodedata.category(character).startswith("L"):
            continue
        read = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())
        if len(read) > 1 and visible(read).isalnum():
            several[character] = visible(read)
    return several


@cache
def _references() -> dict[str, str]:
    """What HTML's names of characters are read as, folded."""
    return {
        name.removesuffix(";"): fold(legible(said))
        for name, said in html.entities.html5.items()
        if name.endswith(";")
    }
