"""A connection that the operator offers to users, who use it and never read it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from apikey_service.domain.key import Connection, Key, Outcome, Owner, Provider
from apikey_service.domain.secret import Secret
from servicekit.generation_parameters import GenerationParameters
from servicekit.names import fold_name

_NAMES: Final = UUID("6f1f2e56-6c0e-5d0c-9a35-3c1f5f8a7c41")


@dataclass(frozen=True, slots=True)
class OperatorConnection:
    """One entry of the operator's file.

    ``roles`` and ``tenants`` are those that it is open to, None for all. ``models`` has one or
    more, the first is the default. ``since`` is when the file was last changed.
    """

    name: str
    base_url: str
    provider: Provider
    models: tuple[str, ...]
    api_key: Secret
    headers: tuple[tuple[str, Secret], ...]
    parameters: GenerationParameters
    roles: frozenset[str] | None
    tenants: frozenset[UUID] | None
    daily_tokens: int | None
    since: datetime
    id: UUID = field(init=False)
    name_folded: str = field(init=False)

    def __post_init__(self) -> None:
        folded = fold_name(self.name)
        object.__setattr__(self, "name_folded", folded)
        # Sessions point to it: the same for as long as the name is, whatever else is changed.
        object.__setattr__(self, "id", uuid5(_NAMES, folded))

    def is_open_to(self, role: str, tenant_id: UUID) -> bool:
        return (self.roles is None or role in self.roles) and (
            self.tenants is None or tenant_id in self.tenants
        )

    def as_key(self, outcome: Outcome, *, is_default: bool) -> Key:
        """As users see it: of the key, the headers and where it leads, nothing."""
        return Key(
            id=self.id,
            name=self.name,
            masked_key="",
            model=self.models[0],
            base_url="",
            provider=self.provider,
            created_at=self.since,
            updated_at=self.since,
            parameters=self.parameters,
            is_default=is_default,
            owner=Owner.OPERATOR,
            outcome=outcome,
            models=self.models,
            daily_tokens=self.daily_tokens,
        )

    def as_connection(self, outcome: Outcome) -> Connection:
        return Connection(
            id=self.id,
            name=self.name,
            api_key=self.api_key,
            model=self.models[0],
            base_url=self.base_url,
            provider=self.provider,
            headers=self.headers,
            parameters=self.parameters,
            fallback_key_id=None,
            owner=Owner.OPERATOR,
            has_error=outcome.last_error is not None,
            learnt=outcome.learnt,
            models=self.models,
            daily_tokens=self.daily_tokens,
        )
