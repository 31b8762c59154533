"""All of an answer once more, behind its deltas: some servers end with that, as a delta or as a message."""

from collections.abc import Iterable, Sequence
from typing import Final

from chat_service.providers.growing import is_repeated
from chat_service.providers.port import TEXT, Part

# Of a shorter answer a model may well say all of it twice.
_LEAST: Final = 16
_LEAST_DELTAS: Final = 2
#: Of a longer answer it is not looked for: so much is kept to compare.
MOST_CHARACTERS: Final = 64 * 1024


class Repeats:
    """Tells the last delta of an answer, if it is all of the answer, from one that goes on.

    Such a delta is held until the next one comes, which shows that it was text, or the end, which shows that it
    was none. No other is held.
    """

    __slots__ = ("_held", "size", "texts")

    def __init__(self) -> None:
        #: What has been said, and how many characters that is. Where reads are taken in one go, whoever takes them
        #: adds to both, up to MOST_CHARACTERS: a call for each would cost a tenth of it.
        self.texts: list[str] = []
        self.size = 0
        self._held: list[Part] = []

    @property
    def is_holding(self) -> bool:
        """Whether a delta is held."""
        return bool(self._held)

    def may_begin(self, parts: Sequence[Part]) -> bool:
        """Whether a delta may be held of what a read brought, the deltas of a kind on end as one."""
        if not parts or self.size > MOST_CHARACTERS:
            return False
        kind, text = parts[-1]
        return kind == TEXT and self._is_twice(text)

    def news(self, parts: Iterable[Part]) -> list[Part]:
        """Of a delta's ``parts`` what can be told by now."""
        told: list[Part] = []
        for kind, text in parts:
            if kind != TEXT:
                told.append((kind, text))
                continue
            told += self.release()
            if len(text) == self.size and self._is_all(text):
                self._held = [(kind, text)]
                continue
            self._add(text)
            told.append((kind, text))
        return told

    def rest(self, text: str) -> str:
        """What a message says beyond the deltas before it, if it begins with all of them."""
        said = "".join(self.texts) if self.size <= MOST_CHARACTERS else ""
        return text[len(said) :] if said and text.startswith(said) else ""

    def release(self) -> list[Part]:
        """What is held, where it turns out to be text."""
        held, self._held = self._held, []
        for _, text in held:
            self._add(text)
        return held

    def drop(self) -> None:
        """Forget what is held: the answer has ended with it."""
        self._held = []

    def _add(self, text: str) -> None:
        self.size += len(text)
        if self.size <= MOST_CHARACTERS:
            self.texts.append(text)
        else:
            self.texts = []

    def _is_all(self, text: str) -> bool:
        return (
            _LEAST <= self.size <= MOST_CHARACTERS
            and len(self.texts) >= _LEAST_DELTAS
            and text == "".join(self.texts)
            # What says the same time and again may go on with that.
            and not is_repeated(self.texts[0], text)
        )

    def _is_twice(self, text: str) -> bool:
        """Whether all there is with ``text`` is something twice."""
        size = self.size + len(text)
        if size % 2 or size < 2 * _LEAST:
            return False
        half = text[len(text) - size // 2 :]
        # Most texts differ from what has come in their first letters.
        first = self.texts[0] if self.texts else text
        return half.startswith(first[: len(half)]) and "".join([*self.texts, text]) == half * 2
