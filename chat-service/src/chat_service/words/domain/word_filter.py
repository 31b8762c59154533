"""The filter: words, found by one automaton however many there are, in a text or in a stream of it.

At each place the longest word counts, and what it covers is not looked at again. A stream holds back no
more than what may yet become a word, so of what can be read no more than the longest one, and nothing once it has ended.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ahocorasick_rs import AhoCorasick

from chat_service.words.domain.errors import WordRefused
from chat_service.words.domain.folding import Folding, joins, spelt
from chat_service.words.domain.legible import LONGEST_REFERENCE, Reader, last_visible, legible
from chat_service.words.domain.marks import Marks, View

#: In place of each character of a masked word. It means nothing in Markdown, as an asterisk does.
MASK: Final = "＊"
# Before it there is nothing that makes one character with what is in front of it.
_FIRST_THAT_JOINS: Final = "\u0300"


class Action(StrEnum):
    """What is done about a word."""

    MASK = "mask"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Rule:
    """One word; `whole`: it counts only where no letter or digit of an alphabet stands beside it."""

    word: str
    action: Action
    whole: bool = False

    def with_strictness_of(self, other: "Rule") -> "Rule":
        """The same word, refused if either refuses it, and everywhere if either counts there."""
        refuse = Action.REFUSE in {self.action, other.action}
        action = Action.REFUSE if refuse else Action.MASK
        return Rule(self.word, action, self.whole and other.whole)


@dataclass(frozen=True, slots=True)
class Scanned:
    """What of a text may be shown: its beginning, masked, as long as that was.

    `refused`: there is a word behind it that is refused.
    """

    shown: str
    refused: bool = False


class WordFilter:
    """The rules in force, as a whole. Of a word that is in several the strictest counts."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        strictest: dict[str, Rule] = {}
        words = set[str]()
        for rule in rules:
            spellings = spelt(legible(rule.word))
            words.add(spellings[0])
            for folded in spellings:
                strictest[folded] = rule.with_strictness_of(strictest.get(folded, rule))
        self._count = len(words)
        self._rules = list(strictest.values())
        self._read = Reader(strictest)
        self._fold = Folding(strictest)
        self._marks = Marks(strictest)
        self._search = AhoCorasick(list(strictest), store_patterns=False)
        #: Characters of the longest word that can be read.
        self.longest = max(map(len, strictest), default=0)
        # What a word may begin with. At the end of what has come the whole of one is not known to be it: a mark may come
        # behind it that makes another letter of its last.
        self._beginnings = {
            folded[:length] for folded in strictest for length in range(1, len(folded) + 1)
        }
        lengths: dict[str, set[int]] = {}
        for beginning in self._beginnings:
            lengths.setdefault(beginning[-1], set()).add(len(beginning))
        # How long beginnings are that end with a character, the longest first.
        self._lengths = {
            character: tuple(sorted(found, reverse=True)) for character, found in lengths.items()
        }

    def __len__(self) -> int:
        """How many words there are."""
        return self._count

    def read(self, text: str) -> str:
        """What can be read of `text`."""
        return self._read(text).text

    def bare(self, text: str) -> str:
        """What can be read of `text`, without whatever may be a mark of Markdown."""
        return self._marks.bare(self.read(text))

    def last_read(self, text: str) -> str:
        """The last character of `text` that can be read, if there is one."""
        if text.endswith(";"):
            return self.read(text[-LONGEST_REFERENCE:])[-1:]
        return last_visible(text)

    def masked(self, text: str) -> str:
        """`text` without any of the words, those masked that are refused elsewhere, too."""
        return self.scan(text, ended=True, only_masks=True).shown

    def scan(
        self, text: str, before: str = "", *, ended: bool, only_masks: bool = False
    ) -> Scanned:
        """What of `text` may be shown, whatever follows it; nothing does if it has `ended`.

        `before` is the character that is read in front of it. The rest, of which no more can be read than the longest word
        has, is to be scanned again with what follows. `only_masks`: what is refused elsewhere is masked, too.
        """
        read = self._read(text, ended=ended)
        folded = self._fold(read.text)
        views = self._marks.views(read.text, folded)
        upto = len(folded) if ended else self._undecided(folded, views, 0)
        shown: list[str] = []
        at = 0
        for start, end, action in self._found(folded, views, before, ended=ended):
            if start >= upto:
                break
            # Of a character that is read as several, a word may have ended with the first.
            begun, gone = max(read.place(start), at), read.end(end)
            shown.append(text[at:begun])
            if action is Action.REFUSE and not only_masks:
                return Scanned("".join(shown), refused=True)
            shown.append(MASK * (gone - begun))
            at = gone
            if end > upto:
                upto = self._undecided(folded, views, end)
        shown.append(text[at : read.place(upto)])
        return Scanned("".join(shown))

    def _found(
        self, folded: str, views: Sequence[View], before: str, *, ended: bool
    ) -> Sequence[tuple[int, int, Action]]:
        """Where the words are, in order, from where to where, and what is to be done about each."""
        everywhere = self._search.find_matches_as_indexes(folded, overlapping=True)
        for view in views:
            everywhere += [
                (number, view.place(start), view.place(end - 1) + 1)
                for number, start, end in self._search.find_matches_as_indexes(
                    view.text, overlapping=True
                )
            ]
        if not everywhere:
            return ()
        longest: dict[int, tuple[int, Action]] = {}
        for number, start, end in everywhere:
            rule = self._rules[number]
            if _goes_on(folded, start, end) or (
                rule.whole and not _stands_alone(folded, start, end, before, ended)
            ):
                continue
            if start not in longest or end > longest[start][0]:
                longest[start] = (end, rule.action)
        found: list[tuple[int, int, Action]] = []
        for start in sorted(longest):
            if not found or start >= found[-1][1]:
                found.append((start, *longest[start]))
        return found

    def _undecided(self, folded: str, views: Sequence[View], start: int) -> int:
        """Behind `start`, the first place from which on a word may have begun that has not ended."""
        first = start + self._begun(folded[start:])
        for view in views:
            at = view.at(start)
            begun = at + self._begun(view.text[at:])
            if begun < len(view.text):
                first = min(first, view.place(begun))
        return first

    def _begun(self, folded: str) -> int:
        """Where in a text the longest beginning of a word begins that is at its end."""
        size = len(folded)
        for length in self._lengths.get(folded[-1:], ()):
            if length <= size and folded[size - length :] in self._beginnings:
                return size - length
        return size


def _goes_on(folded: str, start: int, end: int) -> bool:
    """Whether its last letter is another one with what stands behind it, as `é` is in two characters."""
    following = folded[end : end + 1]
    if following < _FIRST_THAT_JOINS:
        return False
    word = folded[start:end]
    return unicodedata.normalize("NFC", word + following) != (
        unicodedata.normalize("NFC", word) + following
    )


def _stands_alone(folded: str, start: int, end: int, before: str, ended: bool) -> bool:
    left = folded[start - 1] if start else before
    if left and joins(left):
        return False
    # At the end of what there is, it is not decided yet.
    return ended if end == len(folded) else not joins(folded[end])


#: The filter in force at this moment; None: there is none.
InForce = Callable[[], WordFilter | None]


def no_words() -> WordFilter | None:
    """There is no filter."""
    return None


def checked(words: WordFilter | None, field: str, text: str) -> str:
    """`text`, masked where it is to be. Raises WordRefused with the name of its `field`."""
    if words is None:
        return text
    scanned = words.scan(text, ended=True)
    if scanned.refused:
        raise WordRefused(field)
    return scanned.shown


def masked(words: WordFilter | None, text: str) -> str:
    """`text` without any of them, as it can be refused no more."""
    return text if words is None else words.masked(text)
