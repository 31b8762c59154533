"""How many tokens a prompt may have, and how many a message of it counts for.

Model servers refuse what does not fit their model's context together with the answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from chat_service.prompt.tokens import Estimates
from chat_service.providers.domain.prompt_message import PromptMessage

#: Tokens around each message: its role, and where it begins and ends.
AROUND: Final = 4
#: What a picture counts for, whatever is in it: no model of today counts more for one that is kept.
PICTURE_TOKENS: Final = 1600
#: Of an answer where nobody says how long it may be.
ANSWER_TOKENS: Final = 4096
#: The smallest context that is believed in.
LEAST_CONTEXT: Final = 512
# What is left free, since an estimate is right within a tenth or so.
_USED: Final = 0.9

_estimates = Estimates()


@dataclass(frozen=True, slots=True)
class Budget:
    """Of one prompt: `tokens` as its model counts them, of a `context` that holds the answer as well.

    The model counts `factor` times what we estimate. `known`: the context is what its server says;
    else what the operator has set.
    """

    tokens: int
    context: int
    known: bool = False
    factor: float = 1.0

    def has_room_for(self, characters: int, messages: int) -> bool:
        """Whether it has for certain: without a look at the texts."""
        return characters * self.factor + messages * (AROUND + 1) <= self.tokens

    def cost(self, text: str) -> int:
        """What a message with this text counts for."""
        return ceil(estimate_of(text) * self.factor) + AROUND

    def cost_of(self, message: PromptMessage) -> int:
        """What a message counts for, with its pictures."""
        return self.cost(message.content) + PICTURE_TOKENS * len(message.pictures)

    def less(self, texts: Iterable[str]) -> "Budget":
        """What is left beside messages with these texts."""
        return replace(self, tokens=self.tokens - sum(map(self.cost, texts)))


def estimate_of(text: str) -> int:
    """As `estimate_tokens`, made once for each of the latest texts."""
    return _estimates.of(text)


def estimate_of_prompt(texts: Iterable[str]) -> int:
    """Tokens of a prompt with these messages, by no model's count."""
    return sum(estimate_of(text) + AROUND for text in texts)


def budget_of(
    context: int, *, answer: int | None = None, known: bool = False, factor: float = 1.0
) -> Budget:
    """What is left of a context beside an answer, None: of ANSWER_TOKENS; at least 45 % of it."""
    context = max(context, LEAST_CONTEXT)
    reserved = min(ANSWER_TOKENS if answer is None else answer, context // 2)
    return Budget(int((context - reserved) * _USED), context, known, factor)


def context_of(tokens: int, *, answer: int | None = None) -> int:
    """The context of which so many are left beside an answer, as `budget_of` has it."""
    left = int(tokens / _USED)
    return left + min(ANSWER_TOKENS if answer is None else answer, left)


#: Unless an operator has set another, of a model of which nothing is known.
SHIPPED: Final = budget_of(32_768)
