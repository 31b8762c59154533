"""How a word is known again: case and width do not count, nor what cannot be seen."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Final

# Between these are the characters that have another form; the rest are ideographs, syllables and private
# ones, of which each is its own.
_WITHOUT_FORMS: Final = (
    range(0x3400, 0xA000),
    range(0xAC00, 0xF900),
    range(0x17000, 0x1D000),
    range(0x20000, 0x2F800),
)
_BEHIND_ALL_FORMS: Final = 0x2FA20
_BEYOND: Final = re.compile("[\U00010000-\U0010ffff]")
_WITH_TWO_MARKS: Final = 3
# The capital of Turkish `i`, of which Unicode makes two characters; and the letter whose capital is `I`.
_DOTTED_I: Final = "\u0130"
_DOTLESS_I: Final = "\u0131"
# Latin capitals in white upon a disc or a square, of which Unicode does not say that they are those letters.
_REVERSED: Final = (range(0x1F150, 0x1F16A), range(0x1F170, 0x1F18A))


def fold(text: str) -> str:
    """`text` in lower case and of one width, each character in the place that it had.

    Whatever Unicode takes for the same character in another form (NFKC) is the same one here, if that is
    one: `Ａ`, `Ⓐ` and `𝐀` are `a`, `ｶ` is `カ`. What would become several is left: `ß`, `ﬁ`, `㎏`.
    """
    return text.lower() if text.isascii() else text.translate(_table())


def spelt(word: str) -> tuple[str, ...]:
    """A legible word, folded, as it may be written: with letters and their marks in one character, and in several.

    Of a letter with two marks, as Vietnamese has them, the letter and either mark may be the one character.
    """
    composed = unicodedata.normalize("NFC", word)
    ways = zip(*map(_written, composed), strict=True)
    spellings = map(fold, (composed, *map("".join, ways)))
    return tuple(
        dict.fromkeys(capital for spelling in spellings for capital in _capitals(spelling))
    )


def _capitals(folded: str) -> tuple[str, ...]:
    """How it is folded in small letters, with a capital in front, and in capitals."""
    return (folded, *(folded.replace(_DOTLESS_I, "i", count) for count in (1, -1)))


def _written(letter: str) -> tuple[str, ...]:
    decomposed = unicodedata.normalize("NFD", letter)
    if len(decomposed) != _WITH_TWO_MARKS or not all(map(unicodedata.combining, decomposed[1:])):
        return (decomposed, letter, letter, letter, letter)
    base, first, second = (decomposed[0], decomposed[1], decomposed[2])
    return (
        decomposed,
        base + second + first,
        unicodedata.normalize("NFC", base + first) + second,
        unicodedata.normalize("NFC", base + second) + first,
        letter,
    )


@cache
def _table() -> str:
    """The folded form of each character, in the place of its number; those behind it stay."""
    # A string, since a dictionary raises and catches an error for each character that it lacks.
    table = list(map(chr, range(_BEHIND_ALL_FORMS)))
    at = 0
    for without in (*_WITHOUT_FORMS, range(_BEHIND_ALL_FORMS, _BEHIND_ALL_FORMS)):
        table[at : without.start] = map(folded_alone, range(at, without.start))
        at = without.stop
    return "".join(table)


@cache
def _forms() -> dict[str, str]:
    """The characters that a letter is the folded form of, by that, but for itself."""
    forms: dict[str, str] = {}
    # Those beyond are looked for apart: with them in it a class would be a hundred times slower.
    for code, folded in enumerate(_table()[:0x10000]):
        if (form := chr(code)) != folded:
            forms[folded] = forms.get(folded, "") + form
    return forms


def folded_alone(code: int) -> str:
    """What becomes of the character of this number, without the table."""
    character = chr(code)
    if character == _DOTTED_I:
        return "i"
    for letters in _REVERSED:
        if code in letters:
            return chr(ord("a") + code - letters.start)
    for folded in (unicodedata.normalize("NFKC", character), character):
        for lowered in (folded.casefold(), folded.lower(), folded):
            if len(lowered) == 1:
                return lowered
    return character


class Folding:
    """Folds whatever may be a part of these words, which are folded; other characters may stay as they are."""

    def __init__(self, words: Iterable[str]) -> None:
        forms = "".join(_forms().get(letter, "") for letter in sorted(set("".join(words))))
        self._forms = re.compile(f"[{re.escape(forms)}]" if forms else "(?!)")

    def __call__(self, text: str) -> str:
        if text.isascii():
            return text.lower()
        # Of Chinese there is nothing to be folded, nearly always.
        if self._forms.search(text) or _BEYOND.search(text):
            return text.translate(_table())
        return text


def joins(character: str) -> bool:
    """Whether a character makes one word with a letter beside it, as those of alphabets do.

    Chinese, Japanese and Korean are written without spaces between Latin words and their own. A mark is a part of the
    letter that it stands upon, as the vowels of Indian scripts are.
    """
    if unicodedata.category(character).startswith("M"):
        return True
    folded = fold(character)
    return folded.isalnum() and unicodedata.east_asian_width(folded) not in {"W", "F"}
