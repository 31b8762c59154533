"""How much of a conversation a model is shown, and what of it is left while messages are taken in."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chat_service.prompt.budget import PICTURE_TOKENS, Budget
from chat_service.providers.domain.prompt_message import PromptMessage


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """Bounds of what a model is shown of what was said before, beside its budget of tokens.

    So many earlier questions with their answers; so many characters with the question, which is what
    is read and held in memory.
    """

    pairs: int
    characters: int


#: Unless an operator has set another.
SHIPPED: Final = ContextWindow(pairs=10, characters=200_000)


class Cut(StrEnum):
    """Which bound the oldest of a prompt met: what is older was left out for it."""

    PAIRS = "PAIRS"
    CHARACTERS = "CHARACTERS"
    TOKENS = "TOKENS"


class Room:
    """What is left of a window and of a budget. Tokens are counted only where they may not fit."""

    def __init__(
        self, window: ContextWindow, budget: Budget, candidates: Sequence[PromptMessage]
    ) -> None:
        self._characters = window.characters
        self._budget = budget
        self._counts = not has_room_for(budget, candidates)
        self._tokens = budget.tokens

    def take(self, messages: Sequence[PromptMessage]) -> Cut | None:
        """Takes room for messages; which bound they do not keep, if any."""
        self._characters -= sum([len(message.content) for message in messages])
        if self._counts:
            cost = self._budget.cost_of
            self._tokens -= sum([cost(message) for message in messages if message.content])
        return self._overdrawn()

    def exchange(self, message: PromptMessage, longer: PromptMessage) -> Cut | None:
        """As `take`, for one message in place of another. What does not fit is not taken."""
        before = self._characters, self._tokens
        self._characters -= len(longer.content) - len(message.content)
        if self._counts:
            self._tokens -= self._budget.cost_of(longer) - self._budget.cost_of(message)
        if (cut := self._overdrawn()) is not None:
            self._characters, self._tokens = before
        return cut

    def _overdrawn(self) -> Cut | None:
        if self._characters < 0:
            return Cut.CHARACTERS
        return Cut.TOKENS if self._tokens < 0 else None


def has_room_for(budget: Budget, messages: Sequence[PromptMessage]) -> bool:
    """Whether it has for certain: without a look at the texts."""
    characters = sum([len(message.content) for message in messages])
    pictures = sum([len(message.pictures) for message in messages])
    return budget.has_room_for(characters + PICTURE_TOKENS * pictures, len(messages))
