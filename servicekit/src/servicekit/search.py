"""Search in texts of any script: what an index keeps of them, what it is asked, and what is shown of a hit.

A text is folded (`servicekit.folding`) and cut into words; scripts that put no spaces between words, into
single characters and pairs of neighbours. These lexemes go into a ``tsvector`` beside the row, without
positions::

    INSERT … VALUES (…, array_to_tsvector(CAST(:lexemes AS text[])))

Where there are too many texts for that, each one is kept with a filter (`servicekit.search_filters`).

What is searched is cut the same way, into a ``tsquery`` that no row with a hit fails. The index offers
candidates; whether there is a hit is up to the text (`Query.find`). A hit is every term, a term being
what stands between blanks; it begins where a word begins, and may end within one. In a script without
spaces it begins anywhere.

Cutting and finding are in one file, since each must see a text as the other does.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from operator import add
from typing import Final
from uuid import UUID

from servicekit.folding import Folded, fold, folds_of, marks

#: Characters of a snippet at most.
SNIPPET: Final = 200
#: Bytes of all lexemes of one text, at most: a tsvector takes a MiB, and holds others beside them.
MOST_BYTES: Final = 900_000
#: Characters of a word that are kept: a lexeme takes 2 KiB, a character four bytes at most.
WORD: Final = 64
# Lexemes of a query: to ask for fewer finds more, and the text decides.
_MOST_ASKED: Final = 64
# Before the first hit in a snippet.
_LEAD: Final = 60

# Characters of a text that are cut into words at once: that takes a millisecond, in which no other thread has its turn.
_PIECE: Final = 4_000

# What no tokeniser makes of a text. Of one that has too many lexemes to be kept, this one alone is:
# it is a candidate always.
_EVERYTHING: Final = "*"
_ASCII_WORD: Final = re.compile("[a-z0-9]+")
_OWNER: Final = "@"
_LABEL: Final = "#"

# Scripts that are written without spaces, or whose words bear endings, by their blocks: Thai, Lao,
# Burmese, Khmer, Hangul, Han, kana, bopomofo, Yi.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u303b"
    "\u3040-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_RUNS: Final = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")
# Where a text may be cut behind a character that the next piece begins with.
_CUT: Final = re.compile(f"\\s|[{_UNSPACED}](?=[{_UNSPACED}])")


@cache
def _word() -> re.Pattern[str]:
    """Letters, digits and their marks."""
    # Nearly all of a word is seen by the first alternative: the other is ten times as slow, and
    # slowest with what is of no word.
    return re.compile(f"(?:\\w++|(?![\\x00-\\x7f])[{_UNSPACED}{marks().ranges}]++)+")


def lexemes_of(text: str, *, most_bytes: int = MOST_BYTES) -> list[str]:
    """What an index keeps of ``text``: lexemes of 256 bytes at most, each once, in no order.

    If all of them have more than ``most_bytes`` of UTF-8, one that makes the text a candidate of
    every query. A hundred thousand characters take up to 0.3 s of CPU.
    """
    found: set[str] = set()
    for word in words_of(text):
        if is_unspaced(word):
            found.update(word)
            found.update(map(add, word, word[1:]))
        else:
            found.add(word[:WORD])
    if _bytes_of(found) > most_bytes:
        return [_EVERYTHING]
    return list(found)


def words_of(text: str) -> Iterator[str]:
    """Words of ``text``, and stretches of an unspaced script, folded, as often as they stand there.

    A long stretch comes in pieces, each of which begins with the last character of the one before.
    """
    held = ""
    for block in folds_of(text):
        held += block
        if len(held) < _PIECE:
            continue
        cut = _CUT.search(held, len(held) - len(block))
        if cut is not None:
            yield from _words(held[: cut.end()])
            held = held[cut.start() :]
    yield from _words(held)


def is_unspaced(word: str) -> bool:
    """Whether ``word`` is a stretch of a script that puts no spaces between words."""
    return not word.isascii() and _IS_UNSPACED.match(word) is not None


def _bytes_of(lexemes: Collection[str]) -> int:
    return len("".join(lexemes).encode())


def _words(folded: str) -> Iterator[str]:
    """Words, and stretches of an unspaced script."""
    if folded.isascii():
        yield from _ASCII_WORD.findall(folded)
        return
    for word in _word().findall(folded.replace("_", " ")):
        if word.isascii():
            yield word
        else:
            yield from _RUNS.findall(word)


def owner_lexeme(user_id: UUID) -> str:
    """What each row of a user's is kept with: it keeps a search to that user's part of the index."""
    return f"{_OWNER}{user_id}"


def label_lexeme(label: str) -> str:
    """What a row that bears a label, such as a tag, is kept with; letter case makes no difference."""
    return f"{_LABEL}{fold(label)}"


def asks_for(lexeme: str) -> str:
    """The tsquery, as text, for rows that are kept with ``lexeme``."""
    return _quoted(lexeme)


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


@dataclass(frozen=True, slots=True)
class Match:
    """What is shown of a hit: at most 200 characters of the text as it is, and where in them what was
    searched stands: beginnings and ends in characters, in order, without overlaps.
    """

    snippet: str
    hits: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched. ``tsquery`` is the text of a tsquery, empty where only the texts can tell."""

    terms: tuple[str, ...]
    tsquery: str

    def find(self, *texts: str) -> Match | None:
        """What to show of ``texts``, which stand for one thing: None unless each term is in one of
        them. It is of the first one that has any.
        """
        folded = [Folded(text) for text in texts]
        firsts = [[_first(term, text.fold) for text in folded] for term in self.terms]
        if not all(any(at is not None for at in of_term) for of_term in firsts):
            return None
        starts = [
            [at for of_term in firsts if (at := of_term[number]) is not None]
            for number in range(len(texts))
        ]
        shown = next(number for number, found in enumerate(starts) if found)
        return _match(folded[shown], min(starts[shown]), self.terms)


def query_of(text: str) -> Query | None:
    """What ``text`` searches; None for blanks alone."""
    terms = tuple(dict.fromkeys(fold(text).split()))
    if not terms:
        return None
    lexemes = dict.fromkeys(lexeme for term in terms for lexeme in _asked(term))
    asked = list(lexemes)[:_MOST_ASKED]
    if not asked:
        return Query(terms, "")
    return Query(terms, f"({' & '.join(asked)}) | {asks_for(_EVERYTHING)}")


def _asked(term: str) -> Iterator[str]:
    words = list(_words(term))
    for number, word in enumerate(words, 1):
        if is_unspaced(word):
            if len(word) == 1:
                yield asks_for(word)
            yield from (asks_for(pair) for pair in map(add, word, word[1:]))
        else:
            # What ends with the term may be the beginning of a longer word.
            is_open = number == len(words) and term.endswith(word)
            yield asks_for(word[:WORD]) + (":*" if is_open else "")


def _first(term: str, folded: str) -> int | None:
    return next(_places(term, folded, 0, len(folded)), None)


def _places(term: str, folded: str, start: int, end: int) -> Iterator[int]:
    """Where ``term`` stands in that part of ``folded``, without overlaps."""
    begins_a_word = _is_of_a_word(term[0])
    at = folded.find(term, start, end)
    while at >= 0:
        if begins_a_word and at > 0 and _is_of_a_word(folded[at - 1]):
            at = folded.find(term, at + 1, end)
        else:
            yield at
            at = folded.find(term, at + len(term), end)


def _is_of_a_word(character: str) -> bool:
    return (
        character != "_"
        and _IS_UNSPACED.match(character) is None
        and _word().match(character) is not None
    )


def _match(text: Folded, first: int, terms: Sequence[str]) -> Match:
    """What to show of ``text``, which has its first hit at ``first`` of its fold."""
    whole, joining = text.text, marks().joining
    hit = text.start(first)
    begin = max(0, hit - _LEAD)
    # What is one on the screen is not cut, unless it is longer than all that is shown.
    while begin < hit and whole[begin] in joining:
        begin += 1
    end = min(len(whole), begin + SNIPPET)
    while end > hit and end < len(whole) and whole[end] in joining:
        end -= 1
    if end <= hit:
        end = min(len(whole), begin + SNIPPET)
    # A hit may end behind what is shown of it.
    last = min(len(text.fold), text.place(end) + max(map(len, terms)) - 1)
    hits = (
        (max(begin, text.start(at)), min(end, text.end(at + len(term))))
        for term in terms
        for at in _places(term, text.fold, text.place(begin), last)
    )
    shown = sorted((start, stop) for start, stop in hits if start < stop)
    return Match(whole[begin:end], tuple(_merged(shown, begin)))


def _merged(spans: Iterable[tuple[int, int]], offset: int) -> Iterator[tuple[int, int]]:
    """Sorted ``spans``, those in one that overlap, counted from ``offset``."""
    last: tuple[int, int] | None = None
    for start, end in spans:
        if last is not None and start < last[1]:
            last = (last[0], max(last[1], end))
            continue
        if last is not None:
            yield (last[0] - offset, last[1] - offset)
        last = (start, end)
    if last is not None:
        yield (last[0] - offset, last[1] - offset)
