"""The notes of a file, which are kept elsewhere."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chassis.db.transactions import Owned


@dataclass(frozen=True, slots=True)
class NotesTaken:
    """How many are new, how many were there already, and how many were refused, by reason."""

    added: int = 0
    existing: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)


class NotesNotTaken(Exception):
    """Nothing was taken just now; ``is_away`` where nobody was there to take it."""

    def __init__(self, *, is_away: bool) -> None:
        super().__init__()
        self.is_away = is_away


#: Hands over notes, as a reader tells them, of this user. Under one key they are taken once, and a repetition is
#: told the same. Raises NotesNotTaken, and OwnerErased.
TakeNotes = Callable[[Owned, str, Sequence[Mapping[str, Any]]], Awaitable[NotesTaken]]
