"""What users have set, as auth-service tells it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What holds for a user since a change, all of it; a later change has a higher `number`.

    `instructions` are told to models in each turn, and empty for none. `default_persona` is a name,
    None for the operator's default. `retention_days` None: as long as others keep conversations.
    """

    number: int
    user_id: UUID
    tenant_id: UUID
    instructions: str
    default_persona: str | None
    titles_by_model: bool
    retention_days: int | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes in their order; `is_last`: there are no more. None has a number above `newest`."""

    items: tuple[SettingsChange, ...]
    newest: int
    is_last: bool


#: The port to auth-service: the newest change of each user behind a number, some of them. Raises AppError.
ListChanges = Callable[[int], Awaitable[Changes]]
