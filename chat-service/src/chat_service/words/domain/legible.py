"""What of a text can be read, and where that stands in it.

A soft hyphen, a joiner or a mark of direction within a word is seen by nobody, and neither is a control character;
`ß` is read as `ss`, and `ﬁ` as `fi`.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from chassis.text import UNSEEN_NEAR

# Unicode's Default_Ignorable_Code_Point, of which some hide nothing elsewhere, and controls that are neither spaces nor
# ends of lines.
_INVISIBLE: Final = (
    rf"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f{UNSEEN_NEAR}\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u2065\u206a-\u206f\u3164\uffa0\ufff0-\ufff8"
)
_INVISIBLE_BEYOND: Final = r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
_ALL_INVISIBLE: Final = re.compile(f"[{_INVISIBLE}{_INVISIBLE_BEYOND}]")
_BEYOND: Final = re.compile("[\U00010000-\U0010ffff]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")


@dataclass(frozen=True, slots=True)
class Legible:
    """What can be read of a text of `size` characters; `places`: where each of its characters stands, None: where it did."""

    text: str
    size: int
    places: Sequence[int] | None = None

    def place(self, at: int) -> int:
        """Where in the text the character `at` stands; behind the last: where the text ends."""
        if self.places is None:
            return at
        return self.places[at] if at < len(self.places) else self.size

    def end(self, at: int) -> int:
        """Where in the text those before `at`, which is not 0, end."""
        return at if self.places is None else self.places[at - 1] + 1


class Reader:
    """Reads texts in which these words, which are legible, are looked for."""

    def __init__(self, words: Iterable[str]) -> None:
        letters = set("".join(words))
        self._read_as = {
            character: read for character, read in _read_as().items() if letters & set(read)
        }
        several = "".join(self._read_as)
        # Looked for apart: with characters beyond these in it the class is slower for all others.
        self._unlike = re.compile(f"[{_INVISIBLE}{several}]")
        self._unlike_beyond = re.compile(f"[{_INVISIBLE}{several}{_INVISIBLE_BEYOND}]")
        one = f"|[{several}]" if several else ""
        self._pieces = re.compile(f"[{_INVISIBLE}{_INVISIBLE_BEYOND}]+{one}")

    def __call__(self, text: str) -> Legible:
        """What can be read of `text`."""
        if text.isascii():
            unlike = _CONTROLS
        elif _BEYOND.search(text):
            unlike = self._unlike_beyond
        else:
            unlike = self._unlike
        first = unlike.search(text)
        return Legible(text, len(text)) if first is None else self._read(text, first.start())

    def _read(self, text: str, at: int) -> Legible:
        read = [text[:at]]
        places = list(range(at))
        for found in self._pieces.finditer(text, at):
            start = found.start()
            said = self._read_as.get(text[start], "")
            read += (text[at:start], said)
            places += range(at, start)
            places += [start] * len(said)
            at = found.end()
        read.append(text[at:])
        places += range(at, len(text))
        return Legible("".join(read), len(text), places)


def last_visible(text: str) -> str:
    """The last character of `text` that can be seen, if there is one."""
    return next((last for last in reversed(text) if not _ALL_INVISIBLE.match(last)), "")


def visible(text: str) -> str:
    """`text` without what cannot be seen."""
    return _ALL_INVISIBLE.sub("", text)


def legible(word: str) -> str:
    """A word as it is read."""
    return "".join(_read_as().get(character, character) for character in visible(word))


@cache
def _read_as() -> dict[str, str]:
    """The letters that are read as several, folded; signs, such as `№`, are what they are."""
    several = {}
    for code in range(0x80, 0x10000):
        character = chr(code)
        if not unicodedata.category(character).startswith("L"):
            continue
        read = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())
        if len(read) > 1 and read.isalnum():
            several[character] = read
    return several
