"""A provider connection, opened from the vault for one run."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a model answers, and the key that opens it; `provider` is "openai" or a later kind.

    The key stays in memory for as long as the run needs it and is written nowhere.
    """

    key_id: UUID
    name: str
    api_key: str = field(repr=False)
    model: str
    base_url: str
    provider: str
