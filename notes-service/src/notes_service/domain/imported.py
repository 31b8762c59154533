"""Notes that come out of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid5


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of some: how many are new, how many were there, and how many cannot be kept, by reason."""

    added: int = 0
    existing: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)


def id_of(user_id: UUID, key: str) -> UUID:
    """The id of the note that ``key`` names, whenever it comes: the same one again is no second one.

    No user's are another's, whatever the key.
    """
    return uuid5(user_id, key)
