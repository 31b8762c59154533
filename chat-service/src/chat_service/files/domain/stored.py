"""Something that is stored."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """`modified` is by the clock of whoever keeps it; `size` in bytes."""

    key: str
    size: int
    modified: datetime
