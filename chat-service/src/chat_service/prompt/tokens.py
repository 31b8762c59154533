"""How many tokens a text is, about: each model counts in its own way, and none is asked.

What tokenizers of today have in common is counted: a word is a token and a long one some more, three
digits are one, a run of signs nearly one, and so is a Chinese or Japanese character. The weights were
fitted to cl100k_base and o200k_base, on prose in English and Chinese and on code; these differ from
each other by a fifth on Chinese alone. docs/decisions/0020 has the figures.
"""

import string
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

_OF_MORE_LETTERS: Final = 0.8
_OF_SIGNS: Final = 0.9
_OF_WIDE: Final = 0.885
_OF_A_GAP: Final = 0.8
# Of a longer text stretches are counted: it is much the same from beginning to end.
_MOST_COUNTED: Final = 4000
_STRETCH: Final = 1000
# To count it takes no longer than to look for it.
_TOO_SHORT: Final = 32


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` is; at least one where there is anything, and no more than characters.

    Takes no longer for a long text than for one of 4,000 characters.
    """
    if len(text) <= _MOST_COUNTED:
        return max(1, round(_count(text))) if text else 0
    last = len(text) - _STRETCH
    starts = (0, last // 3, 2 * last // 3, last)
    counted = sum(_count(text[start : start + _STRETCH]) for start in starts)
    return round(counted * len(text) / (_STRETCH * len(starts)))


class Estimates:
    """Estimates that are made once: of the latest texts, `most` of them, by the hash of each.

    Of two texts with the same hash and length, which is one in 2^64, the estimate may be the other's.
    """

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._known: OrderedDict[tuple[int, int], int] = OrderedDict()

    def of(self, text: str) -> int:
        """As `estimate_tokens`."""
        if len(text) < _TOO_SHORT:
            return estimate_tokens(text)
        place = hash(text), len(text)
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = estimate_tokens(text)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(place)
        return known


# Counting goes over all bytes at once, in a few passes of which each leaves one kind apart from all
# else: that is many times as fast as to go from one word to the next.
_ELSE: Final = b"x"


def _apart(**kinds: bytes) -> bytes:
    """A table for `bytes.translate`: bytes of each of these kinds become its name, all others `x`."""
    shown = {byte: ord(name) for name, kind in kinds.items() for byte in kind}
    return bytes(shown.get(byte, ord(_ELSE)) for byte in range(256))


def _all_but(kept: Iterable[int]) -> bytes:
    return bytes(set(range(256)) - set(kept))


_LETTERS: Final = _apart(a=string.ascii_letters.encode())
_DIGITS: Final = _apart(d=string.digits.encode())
_SIGNS: Final = _apart(s=string.punctuation.encode())
_BLANKS: Final = _apart(b=b" \t\r\x0b\x0c\x1c\x1d\x1e\x1f", n=b"\n")
_BLANK: Final = _apart(b=b" \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f")
# First bytes of characters in UTF-8: of those from U+3000 to U+D7FF and from U+F000 on, which but for
# a few are wide; and of all that are not ASCII.
_NOT_WIDE: Final = _all_but((*range(0xE3, 0xEE), 0xEF))
_NOT_FIRST: Final = _all_but(range(0xC2, 0xF5))


def _count(text: str) -> float:
    raw = text.encode(errors="replace")
    letters = _ELSE + raw.translate(_LETTERS)
    # Of a number three digits are one token, and so is what is left.
    digits = (_ELSE + raw.translate(_DIGITS)).replace(b"ddd", b"t")
    signs = _ELSE + raw.translate(_SIGNS)
    blanks = _ELSE + raw.translate(_BLANKS)
    lone_lines = blanks.count(b"xn") - blanks.count(b"xnn") - blanks.count(b"xnb")
    tokens = (
        letters.count(b"xa")
        + _OF_MORE_LETTERS * letters.count(b"aaaaaaaaa")
        + digits.count(b"t")
        + digits.count(b"xd")
        + digits.count(b"td")
        + _OF_SIGNS * signs.count(b"xs")
        + _OF_A_GAP * ((_ELSE + raw.translate(_BLANK)).count(b"xbb") + lone_lines)
    )
    if len(raw) == len(text):
        return tokens
    wide = len(raw.translate(None, _NOT_WIDE))
    return tokens + _OF_WIDE * wide + len(raw.translate(None, _NOT_FIRST)) - wide
