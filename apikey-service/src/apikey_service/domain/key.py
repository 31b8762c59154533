"""A user's connection to a provider: everything but the key itself."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from apikey_service.domain.secret import Secret


class Provider(Enum):
    """The protocol that a connection speaks."""

    OPENAI = "openai"


@dataclass(frozen=True, slots=True)
class Key:
    """A connection as its owner may see it; ``masked_key`` is all that is shown of the key."""

    id: UUID
    name: str
    masked_key: str
    model: str
    base_url: str
    provider: Provider
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """What a chat needs to call the provider, the key in the clear included."""

    id: UUID
    name: str
    api_key: Secret
    model: str
    base_url: str
    provider: Provider


def fold_name(name: str) -> str:
    """What two names that look alike have in common: equal for names that may not coexist.

    Compatibility forms and letter case make no difference (Unicode's caseless matching,
    definition D146).
    """
    decomposed = unicodedata.normalize("NFD", name).casefold()
    folded = unicodedata.normalize("NFKD", decomposed).casefold()
    return unicodedata.normalize("NFKD", folded)
