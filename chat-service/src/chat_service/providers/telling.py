"""Of one answer: characters whose halves came apart are whole, and thinking is told from text."""

from collections.abc import Sequence

from chat_service.providers.halves import Halves
from chat_service.providers.port import TEXT, THINKING, Kind, Part
from chat_service.providers.thinking import ThinkTags


class Telling:
    """Takes an answer's parts as they come; what cannot be told yet of one waits for the next."""

    def __init__(self) -> None:
        self._tags = ThinkTags()
        self._halves: dict[Kind, Halves] = {TEXT: Halves(), THINKING: Halves()}
        #: Whether parts of whole characters are as they come: nothing waits, and no thinking follows
        #: in the text.
        self.is_plain = False

    def tell(self, parts: Sequence[Part]) -> list[Part]:
        """The same, as far as it can be told."""
        told: list[Part] = []
        for kind, said in parts:
            joined = self._halves[kind].join(said)
            if not joined:
                continue
            if kind == TEXT and not self._tags.is_past:
                told += self._tags.split(joined)
            else:
                told.append((kind, joined))
        waiting = any(halves.waiting for halves in self._halves.values())
        self.is_plain = self._tags.is_past and not waiting
        return told

    def left(self) -> list[Part]:
        """What has waited for something that has not come."""
        left: list[Part] = []
        if thought := self._halves[THINKING].end():
            left.append((THINKING, thought))
        if text := self._halves[TEXT].end():
            left += [(TEXT, text)] if self._tags.is_past else self._tags.split(text)
        return left + self._tags.end()
