"""What was said in a conversation up to a message, summed up."""

from dataclasses import dataclass
from typing import Final

#: Characters of one, at most.
MOST_CHARACTERS: Final = 4000


@dataclass(frozen=True, slots=True)
class Summary:
    """It tells of all from the path's beginning to the message of `last_order`, and never changes."""

    text: str
    last_order: int
