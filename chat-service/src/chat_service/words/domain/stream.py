"""A text that comes bit by bit, without the words that are not to be said."""

from typing import Final

from chat_service.words.domain.legible import last_visible
from chat_service.words.domain.marks import LONGEST_ADDRESS
from chat_service.words.domain.word_filter import InForce, WordFilter

# Beside a word that is held back, and may be spelt by numbers of characters: a link's address, and what nobody sees.
_MOST_UNREAD: Final = LONGEST_ADDRESS + 256
_LONGEST_NUMBER: Final = len("&#1114111;")


class FilteredStream:
    """Takes a text as it comes, and gives what of it may be shown.

    `begun` is what was shown before, and can be changed no more: a word that began there is masked as far
    as it had not been shown, or refused. `refused`: a word was; nothing more comes. `only_masks`: none is, and
    those are masked.
    """

    def __init__(self, in_force: InForce, begun: str = "", *, only_masks: bool = False) -> None:
        self._in_force = in_force
        self._only_masks = only_masks
        self._held = ""
        # Of what is held: so many characters were shown before.
        self._shown = 0
        # The character that is read in front of what is held.
        self._before = ""
        self.refused = False
        words = in_force()
        if begun and words is not None and words.longest:
            begun = words.read(begun)
            tail = begun[-(words.longest + _MOST_UNREAD) :]
            self._before = begun[-len(tail) - 1 : -len(tail)]
            decided = len(words.scan(tail, self._before, ended=False, only_masks=True).shown)
            self._before = tail[decided - 1] if decided else self._before
            self._held = tail[decided:]
            self._shown = len(self._held)

    @property
    def held(self) -> int:
        """How many characters wait for what comes behind them."""
        return len(self._held) - self._shown

    def feed(self, text: str) -> str:
        """What may be shown now that `text` has come."""
        return self._take(text, ended=False)

    def finish(self) -> str:
        """What was held back, of a text that has ended."""
        return self._take("", ended=True)

    def _take(self, text: str, *, ended: bool) -> str:
        if self.refused:
            return ""
        if self._held:
            text = self._held + text
        if not text:
            return ""
        shown, self._shown = self._shown, 0
        # Anew each time: what is held is text, and other rules than before may be in force.
        words = self._in_force()
        if words is None:
            self._held = ""
            self._before = last_visible(text) or self._before
            return text[shown:]
        scanned = words.scan(text, self._before, ended=ended, only_masks=self._only_masks)
        self.refused = scanned.refused
        decided = len(scanned.shown)
        self._held = "" if scanned.refused else text[decided:]
        if decided:
            self._before = words.last_read(text[:decided]) or self._before
        if decided < shown:
            self._shown = shown - decided
        return scanned.shown[shown:] + self._let_go(words)

    def _let_go(self, words: WordFilter) -> str:
        """What is held, where most of that cannot be read; a word that began there is masked as far as it was not shown."""
        if len(self._held) <= words.longest * _LONGEST_NUMBER + _MOST_UNREAD:
            return ""
        unread = self._held[self._shown :]
        self._held = words.bare(self._held)
        self._shown = len(self._held)
        return unread
