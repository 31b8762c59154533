"""A connection to a model server: everything but the key itself."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

from apikey_service.domain.secret import Secret
from parley.bounds import MAX_LEARNT
from servicekit.generation_parameters import GenerationParameters

#: What a new connection says of what its owner neither gave nor cleared.
DEFAULTS: Final = GenerationParameters(temperature=0.7, max_tokens=2048)
#: So much is kept of what a server has taught: the newest.
MOST_LEARNT: Final = MAX_LEARNT


class Provider(Enum):
    """The protocol that a connection speaks."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


class Owner(Enum):
    """Whose a connection is: a user's own, or one of the operator's file."""

    USER = "user"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Learnt:
    """A parameter that a server refused for ``model``; ``use`` takes its place, empty: nothing does."""

    model: str
    parameter: str
    use: str


@dataclass(frozen=True, slots=True)
class LastError:
    """Why the last use that was reported failed."""

    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of using a connection."""

    last_error: LastError | None = None
    learnt: tuple[Learnt, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A connection as its owner may see it; ``masked_key`` is all that is shown of the key.

    ``models`` are those that one of the operator's is open for, empty for whatever the server has;
    ``daily_tokens`` what each user may use of it in a day, None for as many as they like.
    """

    id: UUID
    name: str
    masked_key: str
    model: str
    base_url: str
    provider: Provider
    created_at: datetime
    updated_at: datetime
    header_names: tuple[str, ...] = ()
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    fallback_key_id: UUID | None = None
    is_default: bool = False
    owner: Owner = Owner.USER
    last_used_at: datetime | None = None
    outcome: Outcome = field(default_factory=Outcome)
    models: tuple[str, ...] = ()
    daily_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """What a chat needs to call the model server, key and header values in the clear included.

    ``has_error``: the last use that was reported had failed.
    """

    id: UUID
    name: str
    api_key: Secret
    model: str
    base_url: str
    provider: Provider
    headers: tuple[tuple[str, Secret], ...]
    parameters: GenerationParameters
    fallback_key_id: UUID | None
    owner: Owner
    has_error: bool
    learnt: tuple[Learnt, ...]
    models: tuple[str, ...] = ()
    daily_tokens: int | None = None
