"""Filters: what a text may be found by, in a few hundred bytes that are compared and never looked up.

A filter is a Bloom filter (B. H. Bloom, *Space/time trade-offs in hash coding with allowable errors*,
1970) of a text's beginnings of words, and in scripts without spaces of its characters and pairs of
neighbours. A text that has what is searched has all of its bits; one in some tens has them by chance, or
has the words apart from each other, and the text itself decides (`servicekit.search`). Beside a GIN
index of words, to store one takes a tenth of the CPU and of the room, and a user's texts are compared
from the newest on, as far as somebody wants to see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import add
from typing import Final
from zlib import crc32

from servicekit.search import WORD, is_unspaced, words_of

#: Bits of a filter, which is one of these: 128 to 131,072, each a third or a half more than the
#: one before.
SIZES: Final = (*(size << n for n in range(10) for size in (128, 192)), 128 << 10)
#: Number of sizes for which a mask is made; filters beyond are looked into bit by bit, since masks for
#: these would weigh more than what they are compared with.
MASKS: Final = SIZES.index(16_384) + 1
# Bits for each element, at least. Each sets three, so that of what is not there one in some thirty is
# seen at worst; of a word all beginnings would have to be.
_BITS: Final = 8
# Characters of a word that beginnings are kept of.
_BEGINNINGS: Final = (1, 2, 3, 4, 5, 6, 7, 9, 12, 16, 24, 40, WORD)
# Of an element: three numbers of 21 bits, which is more than a filter has.
_SPREAD: Final = 0x9E3779B97F4A7C15
_PART: Final = (1 << 21) - 1
_ONE: Final = ord("1")


def elements_of(text: str) -> set[str]:
    """What a filter is made of; those of whatever is searched are all among those of a text that has it."""
    found: set[str] = set()
    for word in set(words_of(text)):
        if is_unspaced(word):
            found.update(word)
            found.update(map(add, word, word[1:]))
        else:
            length = len(word)
            for beginning in _BEGINNINGS:
                if beginning > length:
                    break
                found.add(word[:beginning])
    return found


@dataclass(frozen=True, slots=True)
class Filter:
    """What a text is kept with: `bits` for a ``CAST(… AS bit varying)``, and their size by its number
    in `SIZES`.
    """

    bits: str
    size: int


def filter_of(text: str) -> Filter:
    """The filter of ``text``. A thousand characters take some 0.3 ms of CPU, half of it for its words."""
    elements = elements_of(text)
    size = next(
        (n for n, size in enumerate(SIZES) if size >= len(elements) * _BITS), len(SIZES) - 1
    )
    bits = SIZES[size]
    digits = bytearray(b"0") * bits
    for element in elements:
        first, second, third = _hashes(element)
        digits[first % bits] = digits[second % bits] = digits[third % bits] = _ONE
    return Filter(_hexadecimal(digits), size)


@dataclass(frozen=True, slots=True)
class Probe:
    """What filters are asked: ``hashes`` modulo the size of one are the bits that it has to have, first
    those that fewest have; of the first `MASKS` sizes these are ``masks``, an array's text.
    """

    hashes: Sequence[int]
    masks: str


def probe_of(text: str) -> Probe:
    """Asks for the texts that may have what ``text`` searches."""
    elements = sorted(elements_of(text), key=lambda element: (-len(element), element))
    hashes = [number for element in elements for number in _hashes(element)]
    masks = []
    for size in SIZES[:MASKS]:
        digits = bytearray(b"0") * size
        for number in hashes:
            digits[number % size] = _ONE
        masks.append(_hexadecimal(digits))
    return Probe(hashes, f"{{{','.join(masks)}}}")


def _hashes(element: str) -> tuple[int, int, int]:
    """Three numbers below 2²¹, the same in every process and release."""
    mixed = crc32(element.encode()) * _SPREAD
    return mixed >> 43 & _PART, mixed >> 22 & _PART, mixed >> 11 & _PART


def _hexadecimal(digits: bytearray) -> str:
    return f"x{int(digits, 2):0{len(digits) // 4}x}"
