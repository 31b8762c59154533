"""The account of what a model was given for an answer, and of what it was not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import Any, Final, Self
from uuid import UUID

import orjson

from chat_service.conversations.domain.message import OnPath, Role
from chat_service.files.domain.attachment import GivenFile, NotGiven
from chat_service.prompt.budget import AROUND, PICTURE_TOKENS, Budget, estimate_of
from chat_service.prompt.domain import Prompt
from chat_service.prompt.room import Cut
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.domain.turns import in_turns

#: So many messages that were left out are named, the newest.
MOST_LEFT_OUT: Final = 1000


class Why(StrEnum):
    """Why a model was not given a message: as of a prompt's Cut, or for what the message is."""

    BEYOND_WINDOW = "BEYOND_WINDOW"
    BEYOND_CHARACTERS = "BEYOND_CHARACTERS"
    BEYOND_BUDGET = "BEYOND_BUDGET"
    SUMMED_UP = "SUMMED_UP"
    BLANK = "BLANK"
    FAILED = "FAILED"


# Where all that was read is in the prompt, what is older was beyond the characters that are read.
_WHY_OLDER: Final = {
    Cut.PAIRS: Why.BEYOND_WINDOW,
    Cut.CHARACTERS: Why.BEYOND_CHARACTERS,
    Cut.TOKENS: Why.BEYOND_BUDGET,
    None: Why.BEYOND_CHARACTERS,
}


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
    """All that the model was given for one answer, in order, and by what bounds.

    `budget` None, and `why_older` BEYOND_WINDOW: it was written by a version that had no other. What is
    older than all of it was left out for the reason `why_older`, unless `summed_up` says
    up to which message it is summed up. `bytes` are of all the text, in UTF-8, where that was counted.
    `files` are of the messages that were given.
    """

    parts: tuple[Part, ...]
    budget: Budget | None = None
    why_older: Why = Why.BEYOND_WINDOW
    summed_up: int | None = None
    bytes: int | None = None
    files: tuple[GivenFile, ...] = ()

    @property
    def tokens(self) -> int:
        return sum(part.tokens or 0 for part in self.parts)

    @property
    def used(self) -> int:
        """What it takes of its budget, by the count of its model."""
        factor = 1.0 if self.budget is None else self.budget.factor
        return ceil(self.tokens * factor) + AROUND * len(self.parts)

    @classmethod
    def of_prompt(cls, prompt: Prompt, *, files: Sequence[GivenFile] = ()) -> Self:
        """Made in each turn, so that what is not needed is not counted: tokens of messages without files.

        `files` may be of messages that are not in the prompt as well.
        """
        given = (
            {order for message in prompt.messages for order in message.orders} if files else set()
        )
        with_files = {file.order for file in files}
        return cls(
            parts=tuple(
                [
                    Part(
                        role=message.role,
                        orders=message.orders,
                        characters=len(message.content),
                        tokens=(
                            _tokens_of(message)
                            if not message.orders or not with_files.isdisjoint(message.orders)
                            else None
                        ),
                    )
                    for message in prompt.messages
                ]
            ),
            budget=prompt.budget,
            why_older=_WHY_OLDER[prompt.cut],
            summed_up=prompt.summed_up,
            bytes=_bytes_of(prompt.messages),
            files=tuple(file for file in files if file.order in given),
        )

    def shortened(self, prompt: Sequence[PromptMessage], budget: Budget) -> Self:
        """The account of the same prompt as it was given to a model that takes less: `prompt` is what is left."""
        if len(prompt) == len(self.parts):
            return replace(self, budget=budget)
        begins = 1 if self.parts[0].role == Role.SYSTEM else 0
        kept = self.parts[len(self.parts) - len(prompt) + begins :]
        orders = {order for part in kept for order in part.orders}
        return replace(
            self,
            parts=(*self.parts[:begins], *kept),
            files=tuple(file for file in self.files if file.order in orders),
            budget=budget,
            why_older=Why.BEYOND_BUDGET,
            bytes=None if self.bytes is None else _bytes_of(prompt),
        )

    def in_turns(self, prompt: Sequence[PromptMessage]) -> Self:
        """The account of the same prompt as it is sent to a model that knows no system: `prompt` is what would
        have been sent.
        """
        if len(prompt) != len(self.parts):
            return self
        # What stands as it was is the same message.
        as_it_was = {id(message): part for message, part in zip(prompt, self.parts, strict=True)}
        return replace(
            self,
            parts=tuple(as_it_was.get(id(one)) or _part_of(one) for one in in_turns(prompt)),
        )

    def estimated(self, texts: Mapping[int, str]) -> Self:
        """The same with the tokens of each part; `texts` are of the messages, by order.

        A text that has grown since counts for as much of it as was given.
        """
        return replace(self, parts=tuple(_estimated(part, texts) for part in self.parts))

    def to_json(self) -> str:
        """For a column of JSON."""
        rows = [[part.role, list(part.orders), part.characters, part.tokens] for part in self.parts]
        kept: dict[str, Any] = {"parts": rows, "why_older": self.why_older}
        if self.budget is not None:
            kept["budget"] = self.budget
        if self.summed_up is not None:
            kept["summed_up"] = self.summed_up
        if self.files:
            kept["files"] = self.files
        return orjson.dumps(kept).decode()

    @classmethod
    def of(cls, kept: Any) -> Self:
        """What `to_json` was made of; a bound that is not known here is one of the window."""
        why = kept.get("why_older")
        return cls(
            parts=tuple(
                Part(role, tuple(orders), characters, tokens)
                for role, orders, characters, tokens in kept["parts"]
            ),
            budget=Budget(**kept["budget"]) if "budget" in kept else None,
            why_older=Why(why) if why in set(Why) else Why.BEYOND_WINDOW,
            summed_up=kept.get("summed_up"),
            files=tuple(map(_file_of, kept.get("files", ()))),
        )


def _part_of(message: PromptMessage) -> Part:
    characters = len(message.content)
    return Part(message.role, message.orders, characters, _tokens_of(message))


def _tokens_of(message: PromptMessage) -> int:
    return estimate_of(message.content) + PICTURE_TOKENS * len(message.pictures)


def _file_of(kept: Any) -> GivenFile:
    why = kept["why_not"]
    return GivenFile(
        **{
            **kept,
            "file_id": UUID(kept["file_id"]),
            "why_not": None if why is None else NotGiven(why),
        }
    )


def _bytes_of(prompt: Sequence[PromptMessage]) -> int:
    return sum([len(message.content.encode()) for message in prompt])


def _estimated(part: Part, texts: Mapping[int, str]) -> Part:
    if part.tokens is not None:
        return part
    found = [texts[order] for order in part.orders if order in texts]
    characters = sum(map(len, found))
    tokens = sum(map(estimate_of, found))
    return replace(part, tokens=round(tokens * part.characters / characters) if characters else 0)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A message that the model was not given."""

    message_id: UUID
    why: Why


@dataclass(frozen=True, slots=True)
class Given:
    """What a model was given; `ids` are of the messages that it was made of, by order.

    `summary` is the text that it was told in place of what it sums up, None: none, or it is gone.
    """

    context: Context
    ids: dict[int, UUID]
    left_out: list[LeftOut]
    summary: str | None = None


def left_out(context: Context, path: Sequence[OnPath]) -> list[LeftOut]:
    """What of `path` (oldest first, up to the question) is not in `context`: the newest, oldest first.

    A question behind which a blank answer stands failed, wherever it is; and what lies behind the first
    message that was given had to be left out for that, or is blank itself.
    """
    given = {order for part in context.parts for order in part.orders}
    first = min(given, default=0)
    followed = zip(path, [*path[1:], None], strict=True)
    missing = [(one, behind) for one, behind in followed if one.order not in given]
    return [
        LeftOut(one.id, _why(context, one, behind, first))
        for one, behind in missing[-MOST_LEFT_OUT:]
    ]


def _why(context: Context, one: OnPath, behind: OnPath | None, first: int) -> Why:
    if one.is_blank:
        return Why.BLANK
    if one.order > first or (behind is not None and behind.is_blank):
        return Why.FAILED
    is_told = context.summed_up is not None and one.order <= context.summed_up
    return Why.SUMMED_UP if is_told else context.why_older
