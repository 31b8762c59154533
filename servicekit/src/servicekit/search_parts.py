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

#: So many months are searched together, the newest; then all.
MONTHS: Final = 3


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
    """Tsqueries for the texts of the months up to `newest`, and for all texts."""
    months = (Month(newest.number - n) for n in range(MONTHS))
    yield " | ".join(asks_for(month.lexeme(part)) for month in months)
    yield asks_for(everything_in(part))


def vector_for(user_id: UUID, at: datetime, content: str) -> str:
    """The tsvector, as text, by which a text of this user's and this moment is found."""
    part = part_of(user_id)
    return vector_of(
        [everything_in(part), Month.of(at).lexeme(part), *lexemes_of(content, part=part)]
    )
