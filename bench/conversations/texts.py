"""Texts of the kinds that people and models write: English, Chinese and code, by seed."""

import itertools
import random
from collections.abc import Sequence
from typing import Final

_COMMON: Final = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
    "by",
    "on",
    "not",
    "he",
    "i",
    "this",
    "are",
    "or",
    "his",
    "from",
    "at",
    "which",
    "but",
    "have",
    "an",
    "had",
    "they",
    "you",
    "were",
    "their",
    "one",
    "all",
    "we",
    "can",
    "her",
    "has",
    "there",
    "been",
    "if",
    "more",
    "when",
    "will",
    "would",
    "who",
    "so",
    "no",
    "data",
    "table",
    "index",
    "query",
    "model",
    "answer",
    "user",
    "time",
    "server",
    "file",
    "error",
    "function",
    "value",
    "type",
    "list",
    "code",
    "message",
    "string",
    "number",
    "key",
    "test",
    "use",
    "make",
    "new",
    "first",
    "way",
    "how",
    "why",
    "example",
]
_SYLLABLES: Final = [
    "an",
    "ar",
    "bel",
    "cor",
    "dan",
    "del",
    "en",
    "er",
    "fal",
    "gen",
    "hin",
    "il",
    "in",
    "jor",
    "kan",
    "lan",
    "lum",
    "mer",
    "mon",
    "nar",
    "ol",
    "on",
    "par",
    "qui",
    "ran",
    "rel",
    "sar",
    "sen",
    "ta",
    "tel",
    "tor",
    "ul",
    "un",
    "val",
    "ver",
    "wen",
    "yor",
    "zan",
]
_HAN_COMMON: Final = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过"
)
_HAN: Final = (*_HAN_COMMON, *(chr(point) for point in range(0x4E00, 0x4E00 + 3500)))
_CODE: Final = (
    "    def {a}(self, {b}: int) -> str:",
    "        return self._{a}.get({b}, None)",
    "for {a}, {b} in enumerate({c}):",
    "    if {a} is None and {b} != 0:",
    "const {a} = await fetch(`/api/{b}/${{{c}}}`);",
    "SELECT {a}, {b} FROM {c} WHERE {a} = $1 ORDER BY {b} DESC;",
    "import {a}.{b} as {c}",
    "    raise ValueError('{a} of {b}: ' + {c})",
)
# Of each: sentences, or lines, of which texts are put together.
_SENTENCES: Final = 20_000


class Texts:
    """Questions and answers; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = chance = random.Random(seed)
        words = [*_COMMON, *(_word(chance) for _ in range(20_000))]
        self._pick_word = _Zipf(words, chance)
        han = _Zipf(_HAN, chance)
        pairs = ["".join(han.some(chance.choice((1, 2, 2, 2, 3)))) for _ in range(12_000)]
        self._pick_pair = _Zipf(pairs, chance)
        self.english = [self._english() for _ in range(_SENTENCES)]
        self.chinese = [self._chinese() for _ in range(_SENTENCES)]
        self.code = [self._line() for _ in range(_SENTENCES)]

    def question(self) -> str:
        """One or two sentences."""
        kind = self._random.random()
        if kind < 0.45:
            return " ".join(self._random.choices(self.english, k=self._random.randint(1, 2)))
        return "".join(self._random.choices(self.chinese, k=self._random.randint(1, 3)))

    def answer(self) -> str:
        """Some paragraphs, one in three with code; of Chinese ones one in twelve has 4–20 kB."""
        chance = self._random
        if chance.random() < 0.5:
            text = " ".join(chance.choices(self.english, k=chance.randint(3, 16)))
        elif chance.random() < 1 / 12:
            text = "".join(chance.choices(self.chinese, k=chance.randint(55, 280)))
        else:
            text = "".join(chance.choices(self.chinese, k=chance.randint(4, 24)))
        if chance.random() < 0.33:
            lines = "\n".join(chance.choices(self.code, k=chance.randint(3, 20)))
            text = f"{text}\n\n```\n{lines}\n```"
        return text

    def title(self) -> str:
        """The beginning of a sentence."""
        if self._random.random() < 0.5:
            return self._random.choice(self.english)[:40]
        return self._random.choice(self.chinese)[:16]

    def word(self) -> str:
        """A word, the frequent ones often: of English or of Chinese."""
        pick = self._pick_word if self._random.random() < 0.5 else self._pick_pair
        return pick.some(1)[0]

    def _english(self) -> str:
        words = self._pick_word.some(self._random.randint(6, 18))
        return f"{' '.join(words).capitalize()}."

    def _chinese(self) -> str:
        pairs = self._pick_pair.some(self._random.randint(6, 16))
        pairs.insert(len(pairs) // 2, "，")
        return "".join(pairs) + "。"

    def _line(self) -> str:
        names = self._pick_word.some(6)
        a, b, c = (f"{one}_{two}" for one, two in zip(names[::2], names[1::2], strict=True))
        return self._random.choice(_CODE).format(a=a, b=b, c=c)


class _Zipf:
    """Picks the n-th of some things n times as seldom as the first."""

    def __init__(self, things: Sequence[str], chance: random.Random) -> None:
        self._things, self._random = things, chance
        self._weights = list(itertools.accumulate(1 / rank for rank in range(1, len(things) + 1)))

    def some(self, number: int) -> list[str]:
        return self._random.choices(self._things, cum_weights=self._weights, k=number)


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4)))
