"""A conversation as it is to be stored, made of whatever an application wrote."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

#: Of one message, in UTF-8; as much as the longest answer that there may be, and its thinking.
MOST_MESSAGE_BYTES: Final = 4 * 1024 * 1024
#: Of one conversation.
MOST_MESSAGES: Final = 50_000
#: That follow the same one.
MOST_VARIANTS: Final = 100


class SkippedError(Exception):
    """A conversation is not taken; `reason` is upper snake case."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Made:
    """`head` and `messages` have the members of a conversation in our own format.

    `source` and `key` tell it from all others, wherever it comes from. `left_out`: parts of it that are not
    taken, how many by reason.
    """

    source: str
    key: str
    head: dict[str, Any]
    messages: list[dict[str, Any]]
    left_out: Counter[str] = field(default_factory=Counter)
