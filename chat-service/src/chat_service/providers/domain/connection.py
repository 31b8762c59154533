"""A provider connection, opened from the vault for one run."""

from dataclasses import dataclass, field
from typing import Final, Literal, Protocol
from uuid import UUID

from servicekit.generation_parameters import GenerationParameters

Owner = Literal["user", "operator"]
OPERATOR: Final = "operator"


@dataclass(frozen=True, slots=True)
class Learnt:
    """A parameter that the server refused for `model`; `use` is sent in its place, empty: nothing."""

    model: str
    parameter: str
    use: str


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a model answers, and the key that opens it; `provider` is "openai" or a later kind.

    Key and headers stay in memory for as long as the run needs them and are written nowhere.
    `parameters` are for what a question says nothing of. `fallback_key_id` is the connection to go
    on with where this one fails. `models` are those that an operator's is open for, empty for
    whatever the server has, and `daily_tokens` what each user may use of it in a day, None: any
    number. `has_error`: the last use that was reported had failed.
    """

    key_id: UUID
    name: str
    api_key: str = field(repr=False)
    model: str
    base_url: str
    provider: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    fallback_key_id: UUID | None = None
    owner: Owner = "user"
    models: tuple[str, ...] = ()
    daily_tokens: int | None = None
    has_error: bool = False
    learnt: tuple[Learnt, ...] = ()

    @property
    def metered(self) -> bool:
        """Whether tokens are counted: somebody else pays for them than who asks."""
        return self.owner == OPERATOR

    def secrets(self) -> list[str]:
        """What no log may show, the key last."""
        return [*(value for _, value in self.headers), self.api_key]

    def opens(self, model: str) -> bool:
        """Whether it may be asked for this model."""
        return not self.models or model in self.models


class ResolveKey(Protocol):
    """Opens a connection of the calling user, or with `key_id` None the default one.

    Raises RemoteError: KEY_NOT_FOUND, NO_KEY, or what keeps the vault from answering.
    """

    async def __call__(self, key_id: UUID | None) -> Connection: ...
