"""The account of what a model was given for an answer, and of what it was not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self
from uuid import UUID

import orjson

from chat_service.conversations.domain.message import OnPath
from chat_service.prompt.tokens import estimate_tokens
from chat_service.providers.domain.prompt_message import PromptMessage

#: So many messages that were left out are named, the newest.
MOST_LEFT_OUT: Final = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """One message as the model was given it; tokens are estimated."""

    role: str
    orders: tuple[int, ...]
    characters: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Context:
    """All that the model was given for one answer, in order."""

    parts: tuple[Part, ...]

    @property
    def tokens(self) -> int:
        return sum(part.tokens for part in self.parts)

    @classmethod
    def of_prompt(cls, prompt: Iterable[PromptMessage]) -> Self:
        return cls(
            tuple(
                Part(
                    role=message.role,
                    orders=message.orders,
                    characters=len(message.content),
                    tokens=estimate_tokens(message.content),
                )
                for message in prompt
            )
        )

    def to_json(self) -> str:
        """For a column of JSON."""
        rows = [[part.role, list(part.orders), part.characters, part.tokens] for part in self.parts]
        return orjson.dumps({"parts": rows}).decode()

    @classmethod
    def of(cls, kept: Any) -> Self:
        """What `to_json` was made of."""
        return cls(
            tuple(
                Part(role, tuple(orders), characters, tokens)
                for role, orders, characters, tokens in kept["parts"]
            )
        )


class Why(StrEnum):
    """Why a model was not given a message."""

    BEYOND_WINDOW = "BEYOND_WINDOW"
    BLANK = "BLANK"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A message that the model was not given."""

    message_id: UUID
    why: Why


@dataclass(frozen=True, slots=True)
class Given:
    """What a model was given; `ids` are of the messages that it was made of, by order."""

    context: Context
    ids: dict[int, UUID]
    left_out: list[LeftOut]


def left_out(context: Context, path: Sequence[OnPath]) -> list[LeftOut]:
    """What of `path` (oldest first, up to the question) is not in `context`: the newest, oldest first.

    What lies behind the first message that was given had to be left out: it is blank, or a question
    that nobody answered.
    """
    given = {order for part in context.parts for order in part.orders}
    first = min(given, default=0)
    missing = [one for one in path if one.order not in given]
    return [LeftOut(one.id, _why(one, first)) for one in missing[-MOST_LEFT_OUT:]]


def _why(one: OnPath, first: int) -> Why:
    if one.is_blank:
        return Why.BLANK
    return Why.FAILED if one.order > first else Why.BEYOND_WINDOW
