"""Secrets that a server quotes in pieces, each too short to tell it, in one sentence or over several fields."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from chassis.telemetry.redaction import REDACTED

# A piece has a letter and a digit, as no word has, and so many characters on end.
_LEAST: Final = 5
# So much of a secret in all tells it.
_ENOUGH: Final = 12
# Of a longer secret its beginning.
_MOST_CHARACTERS: Final = 8192

_Span = tuple[int, int]


def without_pieces(texts: Sequence[str], secrets: Iterable[str]) -> list[str]:
    """``texts``, which are shown together, without pieces of a secret that make up twelve characters of it.

    Of one that has less of it nothing is hidden: five letters and digits are a name's, too.
    """
    spans: list[list[_Span]] = [[] for _ in texts]
    for secret in {secret[:_MOST_CHARACTERS] for secret in secrets if len(secret) >= _ENOUGH}:
        grams = {secret[at : at + _LEAST]: at for at in range(len(secret) - _LEAST + 1)}
        found = [[*_pieces(text, secret, grams)] for text in texts]
        told = {place for one in found for _, places in one for place in places}
        if len(told) >= _ENOUGH:
            for at, one in enumerate(found):
                spans[at] += [span for span, _ in one]
    return [_cut(text, of_it) for text, of_it in zip(texts, spans, strict=True)]


def _pieces(text: str, secret: str, grams: dict[str, int]) -> Iterator[tuple[_Span, range]]:
    """Where pieces of ``secret`` stand in ``text``, and which places of the secret they are."""
    at = 0
    while at <= len(text) - _LEAST:
        place = grams.get(text[at : at + _LEAST])
        if place is None:
            at += 1
            continue
        length = _LEAST
        while (
            at + length < len(text)
            and place + length < len(secret)
            and text[at + length] == secret[place + length]
        ):
            length += 1
        piece = text[at : at + length]
        if any(map(str.isdigit, piece)) and any(map(str.isalpha, piece)):
            yield (at, at + length), range(place, place + length)
        at += length


def _cut(text: str, spans: Iterable[_Span]) -> str:
    kept: list[str] = []
    behind = 0
    for first, last in sorted(spans):
        if first >= behind:
            kept += [text[behind:first], REDACTED]
        behind = max(behind, last)
    return "".join([*kept, text[behind:]])
