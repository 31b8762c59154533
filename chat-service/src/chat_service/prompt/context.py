"""The account of what a model was given for an answer, and of what it was not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    """One message as the model was given it.

    Its tokens are estimated; None: not yet, for they can be from the messages that it consists of.
    """

    role: str
    orders: tuple[int, ...]
    characters: int
    tokens: int | None


@dataclass(frozen=True, slots=True)
class Context:
    """All that the model was given for one answer, in order."""

    parts: tuple[Part, ...]

    @property
    def tokens(self) -> int:
        return sum(part.tokens or 0 for part in self.parts)

    @classmethod
    def of_prompt(cls, prompt: Iterable[PromptMessage]) -> Self:
        """Made in each turn: to estimate a whole window would be a third of what a turn costs."""
        return cls(
            tuple(
                Part(
                    role=message.role,
                    orders=message.orders,
                    characters=len(message.content),
                    tokens=None if message.orders else estimate_tokens(message.content),
                )
                for message in prompt
            )
        )

    def estimated(self, texts: Mapping[int, str]) -> Self:
        """The same with the tokens of each part; `texts` are of the messages, by order.

        A text that has grown since counts for as much of it as was given.
        """
        return replace(self, parts=tuple(_estimated(part, texts) for part in self.parts))

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


def _estimated(part: Part, texts: Mapping[int, str]) -> Part:
    if part.tokens is not None:
        return part
    found = [texts[order] for order in part.orders if order in texts]
    characters = sum(map(len, found))
    tokens = sum(map(estimate_tokens, found))
    return replace(part, tokens=round(tokens * part.characters / characters) if characters else 0)


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
