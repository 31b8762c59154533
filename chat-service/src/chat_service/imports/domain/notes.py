"""The notes of a file, which are kept elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NotesTaken:
    """How many are new, how many were there already, and how many were refused, by reason."""

    added: int = 0
    existing: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
