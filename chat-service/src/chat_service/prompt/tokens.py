"""How many tokens a text is, about: each model counts in its own way, and none is asked.

What tokenizers of today have in common is counted: a word is a token and a long one some more, three
digits are one, a run of signs nearly one, and so is a Chinese or Japanese character. The weights were
fitted to cl100k_base and o200k_base, on prose in English and Chinese and on code; these differ from
each other by a fifth on Chinese alone. docs/decisions/0020 has the figures.
"""

import re
from collections import OrderedDict
from typing import Final

_PIECES: Final = re.compile(
    "(?P<word>[A-Za-z]+)|(?P<number>[0-9]+)"
    "|(?P<wide>[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef])"
    "|(?P<signs>[!-/:-@\\[-`{-~]+)|(?P<gap>\\s{2,}|\n)|(?P<other>[^\\s\x00-\x7f])"
)
_LETTERS_OF_A_WORD: Final = 8
_MORE_OF_A_WORD: Final = 0.8
_DIGITS: Final = 3
_SIGNS: Final = 0.9
_WIDE: Final = 0.87
_GAP: Final = 0.8
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


def _count(text: str) -> float:
    tokens = 0.0
    for piece in _PIECES.finditer(text):
        match piece.lastgroup:
            case "word":
                more = (piece.end() - piece.start() - 1) // _LETTERS_OF_A_WORD
                tokens += 1 + more * _MORE_OF_A_WORD
            case "wide":
                tokens += _WIDE
            case "number":
                tokens += -(-(piece.end() - piece.start()) // _DIGITS)
            case "signs":
                tokens += _SIGNS
            case "gap":
                tokens += _GAP
            case _:
                tokens += 1
    return tokens
