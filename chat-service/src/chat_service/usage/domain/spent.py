"""What one answer of a model has used."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from chat_service.answer.domain.ending import RunStatus, Usage

#: Stands for a connection that is not known, as of what releases before the ledger have begun.
NO_CONNECTION: Final = UUID(int=0)

_BYTES_OF_A_TOKEN: Final = 4
# Of what providers say: the sum of a day is to stay a number.
_MOST_TOKENS: Final = 2**31 - 1


class Purpose(StrEnum):
    """What a model was asked for."""

    ANSWER = "answer"
    #: Nothing: an answer that was kept took its place.
    CACHED = "cached"
    TITLE = "title"
    SUMMARY = "summary"
    #: A connection was tried.
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one answer; `cached` are of the prompt, `reasoning` of the completion.

    `estimated` is how many of prompt and completion nobody has counted.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0
    estimated: int = 0

    @property
    def total(self) -> int:
        return self.prompt + self.completion


NO_TOKENS: Final = Tokens()


def tokens_of(
    status: RunStatus,
    usage: Usage | None,
    *,
    prompt_bytes: int,
    answer_bytes: int,
    spoke: bool = False,
) -> Tokens:
    """What an answer has used: as its provider counts, else a token for every four bytes of what was said
    and answered; nothing where it failed before its first word, unless the model `spoke` and nobody has seen that.
    """
    if usage is not None:
        prompt, completion = _bounded(usage.prompt_tokens), _bounded(usage.completion_tokens)
        return Tokens(
            prompt,
            completion,
            min(_bounded(usage.cached_tokens or 0), prompt),
            min(_bounded(usage.reasoning_tokens or 0), completion),
        )
    if status is RunStatus.FAILED and not answer_bytes and not spoke:
        return NO_TOKENS
    # What is left of four goes to the answer's, so that it is a quarter of all together.
    prompt = prompt_bytes // _BYTES_OF_A_TOKEN
    estimated = -(-(prompt_bytes + answer_bytes) // _BYTES_OF_A_TOKEN)
    return Tokens(prompt, estimated - prompt, estimated=estimated)


def _bounded(tokens: int) -> int:
    return max(0, min(tokens, _MOST_TOKENS))


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount of `currency`, three capital letters; none, and an amount of 0: nobody has said the price."""

    currency: str = ""
    amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Sums:
    """What came together: how many requests by what came of them, their tokens, milliseconds and costs.

    `costs` are by currency, of all that has a price; `unpriced_tokens` are of what has none.
    """

    completed: int = 0
    cancelled: int = 0
    interrupted: int = 0
    failed: int = 0
    tokens: Tokens = NO_TOKENS
    duration_ms: int = 0
    costs: tuple[Cost, ...] = ()
    unpriced_tokens: int = 0

    @property
    def requests(self) -> int:
        return self.completed + self.cancelled + self.interrupted + self.failed
