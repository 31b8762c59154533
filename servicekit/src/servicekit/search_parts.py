"""Texts of one user, with their times, in an index that many users share.

Each user has a part of it, and in that each month one: who searches what is in thousands of texts reads
the newest of them, and not all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self
from uuid import UUID

from servicekit.search import asks_for, everything_in, lexemes_of, part_of, vector_of

#: So many months are searched together, from the newest on; then all that are left.
SPANS: Final = (1, 3, 12)


@dataclass(frozen=True, slots=True)
class Month:
    """A month in UTC, counted from year 0."""

    number: int

    @classmethod
    def of(cls, at: datetime) -> Self:
        at = at.astimezone(UTC)
        return cls(at.year * 12 + at.month - 1)

    def lexeme(self, part: str) -> str:
        """What each text of it is kept with in a part of the index."""
        return f"{everything_in(part)}{self.number}"


def spans(newest: Month, part: str) -> Iterator[str]:
    """Tsqueries for the texts of some months each, the newest first, none of which is later than
    `newest`; the last one is for all texts.
    """
    number = newest.number
    for months in SPANS:
        yield " | ".join(asks_for(Month(number - n).lexeme(part)) for n in range(months))
        number -= months
    yield asks_for(everything_in(part))


def vector_for(user_id: UUID, at: datetime, content: str) -> str:
    """The tsvector, as text, by which a text of this user's and this moment is found."""
    part = part_of(user_id)
    return vector_of(
        [everything_in(part), Month.of(at).lexeme(part), *lexemes_of(content, part=part)]
    )
