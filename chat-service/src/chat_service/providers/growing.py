"""Deltas that are none: some servers say in each one all there is until then.

DashScope does so unless it is asked not to, and so do gateways that forget to take a difference.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from chat_service.providers.port import Kind, Part

# So many in a row that begin with all that has been said, and are longer, are no coincidence.
_ENOUGH: Final = 3
# Where the answer ends before that: as much text as no model says twice on end by chance.
_TELLING_CHARACTERS: Final = 8


class Growing:
    """Tells one answer's deltas, each of which adds to those before it, from such as repeat them.

    A delta is held back only while it begins with all of the text that has come, at an answer's beginning;
    the first one that does not shows that they are deltas.
    """

    def __init__(self) -> None:
        #: Whether they are deltas: nothing is held, and nothing more has to be looked at.
        self.is_past = False
        self._grows = False
        # What has been shown of a kind, and what is held of one.
        self._shown: dict[Kind, str] = {}
        self._held: list[Part] = []
        self._grown = 0

    def passes(self, parts: Sequence[Part]) -> bool:
        """Whether what a read brought, the deltas of a kind on end as one, is as it is: then it counts as said."""
        if self._grows or self._held:
            return False
        before = [(kind, text, self._shown.get(kind, "")) for kind, text in parts]
        if any(shown and text.startswith(shown) for _, text, shown in before):
            return False
        for kind, text, shown in before:
            self.is_past = self.is_past or bool(shown)
            self._show(kind, text)
        return True

    def news(self, parts: Iterable[Part]) -> list[Part]:
        """What a delta's ``parts`` add that can be told by now."""
        told: list[Part] = []
        for kind, text in parts:
            if self.is_past:
                told.append((kind, text))
            elif self._grows:
                told += self._rest(kind, text)
            else:
                told += self._tried(kind, text)
        return told

    def settle(self) -> list[Part]:
        """What is held, where nothing follows that could tell what it is."""
        if not self._held:
            return []
        kind, last = self._held[-1]
        shown = self._shown.get(kind, "")
        self._grows = self._grown >= 2 or (
            self._grown == 1 and len(shown.strip()) >= _TELLING_CHARACTERS
        )
        if self._grows:
            self._held = []
            return self._rest(kind, last)
        return self._release()

    def _tried(self, kind: Kind, text: str) -> list[Part]:
        if self._held and self._held[-1][0] != kind:
            return [*self.settle(), *self.news([(kind, text)])]
        before = self._held[-1][1] if self._held else self._shown.get(kind, "")
        if not before:
            self._show(kind, text)
            return [(kind, text)]
        is_longer = len(text) > len(before) and not is_repeated(before, text)
        if text.startswith(before) and (is_longer or self._held):
            self._held.append((kind, text))
            self._grown += is_longer
            return self.settle() if self._grown == _ENOUGH else []
        return [*self._release(), (kind, text)]

    def _show(self, kind: Kind, text: str) -> None:
        # What is blank may be how anything begins, and tells nothing.
        if text.strip():
            self._shown[kind] = text

    def _release(self) -> list[Part]:
        held, self._held = self._held, []
        self.is_past = True
        return held

    def _rest(self, kind: Kind, text: str) -> list[Part]:
        shown = self._shown.get(kind, "")
        new = text.removeprefix(shown)
        self._shown[kind] = shown + new
        return [(kind, new)] if new else []


def grows(texts: Sequence[str]) -> bool:
    """Whether the second of an answer's first ``texts`` may repeat the first one."""
    return len(texts) > 1 and texts[1].startswith(texts[0]) and bool(texts[0].strip())


def is_repeated(before: str, text: str) -> bool:
    """Whether ``text`` may be more of what ``before`` says time and again."""
    return (before * (len(text) // len(before) + 1)).startswith(text)
