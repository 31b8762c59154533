"""A provider connection, opened from the vault for one run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol
from uuid import UUID

from chat_service.providers.domain.learnt import Learnt
from chat_service.providers.domain.parameters import GenerationParameters

Owner = Literal["user", "operator"]
OPERATOR: Final = "operator"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a model answers, and the key that opens it; `provider` is "openai" or a later kind.

    The key stays in memory for as long as the run needs it and is written nowhere. `parameters`
    are asked for where a question says nothing of them. `fallback_key_id` is the connection to go
    on with where this one fails. Of an operator's connection `daily_tokens` is what each user may
    spend in a day, None: any number. `has_error`: when it was last used it failed. `models`: those
    it is open for, the others are not; none: all. `headers` go along with each request. `learnt` is
    what the server taught of each model.
    """

    key_id: UUID
    name: str
    api_key: str = field(repr=False)
    model: str
    base_url: str
    provider: str
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    fallback_key_id: UUID | None = None
    owner: Owner = "user"
    daily_tokens: int | None = None
    has_error: bool = False
    models: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    learnt: Mapping[str, tuple[Learnt, ...]] = field(default_factory=dict)

    @property
    def metered(self) -> bool:
        """Whether tokens are counted: somebody else pays for them than who asks."""
        return self.owner == OPERATOR


class ResolveKey(Protocol):
    """Opens a connection of the calling user, or with `key_id` None the default one.

    Raises RemoteError: KEY_NOT_FOUND, NO_KEY, or what keeps the vault from answering.
    """

    async def __call__(self, key_id: UUID | None) -> Connection: ...
