"""What was found."""

from dataclasses import dataclass

from chat_service.search.domain.text import Text
from servicekit.search import Match


@dataclass(frozen=True, slots=True)
class FoundText:
    """A text in which something was found, and what is shown of it."""

    text: Text
    match: Match
