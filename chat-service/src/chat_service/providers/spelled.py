"""Secrets that a server quotes in a spelling of its own: encoded, once or time and again, backwards, in letters
of full width, with something between each two.

What is looked for is bounded by the text: each decoding is shorter than what it is of, and few of them have
enough letters on end to be decoded once more.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from chassis.telemetry.redaction import REDACTED

# So many characters of a secret in a row tell it, where they have to be decoded first.
_LEAST: Final = 8
# Of a longer secret its beginning.
_MOST_CHARACTERS: Final = 1024
_DEPTH: Final = 3
# Characters that are decoded of one text, of all its decodings.
_MOST_DECODED: Final = 512 * 1024
_ROT13: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")

_Span = tuple[int, int]


class _Code(NamedTuple):
    """An encoding in which each ``letters`` of its alphabet stand for so many ``octets``."""

    run: re.Pattern[str]
    nought: str
    letters: int
    octets: int
    decode: Callable[[str], bytes]


def _from_bits(text: str) -> bytes:
    return int(text, 2).to_bytes(len(text) // 8, "big")


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/"))


_CODES: Final = (
    _Code(re.compile(r"[01]{64,}"), "0", 8, 1, _from_bits),
    _Code(re.compile(r"[0-9A-Fa-f]{16,}"), "0", 2, 1, binascii.unhexlify),
    _Code(
        re.compile(r"[A-Za-z2-7]{16,}"),
        "A",
        8,
        5,
        lambda text: base64.b32decode(text, casefold=True),
    ),
    _Code(re.compile(r"[A-Za-z0-9+/_-]{12,}"), "A", 4, 3, _from_base64),
)


def without_spelled(text: str, secrets: Iterable[str]) -> str:
    """``text`` without what stands for eight or more characters of a secret, each of which has as many, or for one
    that is written backwards, turned by thirteen letters, or with marks and blanks between its letters.
    """
    known = [secret.lower()[:_MOST_CHARACTERS] for secret in secrets if len(secret) >= _LEAST]
    if not known:
        return text
    folded = [(at, _folded(letter)) for at, letter in enumerate(text)]
    spans: list[_Span] = []
    # Wherever it was broken into lines.
    seen = [(at, letter) for at, letter in folded if letter.isprintable() and letter != " "]
    search = _Search(known)
    spans += _placed(seen, search.encoded("".join([letter for _, letter in seen]), _DEPTH))
    plain = [(at, letter.lower()) for at, letter in folded if letter.isalnum()]
    words = "".join([letter for _, letter in plain])
    if len(words) == len(plain):
        spans += _placed(plain, _spread(words, known))
    return _cut(text, spans)


def _folded(letter: str) -> str:
    """The letter of ASCII that it is a form of, if it is one."""
    if letter.isascii():
        return letter
    plain = unicodedata.normalize("NFKC", letter)
    return plain if len(plain) == 1 else letter


def _spread(words: str, secrets: Iterable[str]) -> Iterator[_Span]:
    for secret in secrets:
        plain = "".join(filter(str.isalnum, secret))
        if len(plain) < _LEAST:
            continue
        for form in (plain, plain[::-1], plain.translate(_ROT13)):
            at = words.find(form)
            while at >= 0:
                yield at, at + len(form)
                at = words.find(form, at + len(form))


class _Search:
    """Looks for secrets in one text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._parts = {
            secret[at : at + _LEAST]
            for one in secrets
            for secret in (one, one[::-1])
            for at in range(len(one) - _LEAST + 1)
        }
        self._left = _MOST_DECODED

    def encoded(self, text: str, depth: int) -> Iterator[_Span]:
        """From where to where of ``text`` secrets stand in what it stands for."""
        for code in _CODES:
            for run in code.run.finditer(text):
                for shift in range(code.letters):
                    first = run.start() + shift
                    letters = text[first : run.end()]
                    self._left -= len(letters)
                    if self._left < 0:
                        return
                    # What stands alone at its end may be of a secret as well.
                    letters += code.nought * (-len(letters) % code.letters)
                    data = _decoded(code, letters)
                    for begin, end in self._within(data, depth - 1):
                        yield (
                            first + begin * code.letters // code.octets,
                            min(first - (-end * code.letters // code.octets), run.end()),
                        )

    def _within(self, text: str, depth: int) -> Iterator[_Span]:
        lower = text.lower()
        if len(lower) == len(text):
            for at in range(len(lower) - _LEAST + 1):
                if lower[at : at + _LEAST] in self._parts:
                    yield at, at + _LEAST
        if depth:
            yield from self.encoded(text, depth)


def _decoded(code: _Code, text: str) -> str:
    """What it stands for, a character for a byte."""
    try:
        return code.decode(text).decode("latin-1")
    except ValueError:
        return ""


def _placed(letters: list[tuple[int, str]], spans: Iterable[_Span]) -> Iterator[_Span]:
    """Where ``spans`` of ``letters`` are in the text that they are of."""
    for first, behind in spans:
        yield letters[first][0], letters[min(behind, len(letters)) - 1][0] + 1


def _cut(text: str, spans: Iterable[_Span]) -> str:
    kept: list[str] = []
    behind = 0
    for first, last in sorted(spans):
        if first > behind or not kept:
            kept += [text[behind:first], REDACTED]
        behind = max(behind, last)
    return "".join([*kept, text[behind:]])
