"""A provider connection, opened from the vault for one run."""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from chat_service.providers.domain.parameters import GenerationParameters


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a model answers, and the key that opens it; `provider` is "openai" or a later kind.

    The key stays in memory for as long as the run needs it and is written nowhere. `parameters`
    are asked for where a question says nothing of them.
    """

    key_id: UUID
    name: str
    api_key: str = field(repr=False)
    model: str
    base_url: str
    provider: str
    parameters: GenerationParameters = field(default_factory=GenerationParameters)


class ResolveKey(Protocol):
    """Opens a connection of the calling user, or with `key_id` None the default one.

    Raises RemoteError: KEY_NOT_FOUND, NO_KEY, or what keeps the vault from answering.
    """

    async def __call__(self, key_id: UUID | None) -> Connection: ...
