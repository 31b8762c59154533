"""A persona: who a model is to be in a conversation."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from uuid import UUID

from servicekit.generation_parameters import GenerationParameters
from servicekit.names import fold_name


class Owner(Enum):
    """Whose a persona is: a user's own, or one of the operator's file."""

    USER = "user"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a persona; texts are as long as `parley.bounds` allows."""

    name: str
    title: str
    description: str
    prompt: str
    model: str | None = None
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    starters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Persona:
    """A persona as it is in force.

    `is_default`: of the operator's, for conversations that say nothing of a persona. `id` is a
    place in the list of a user's own; of the operator's there is none. `created_at` and `updated_at`
    of the operator's are when the file was changed.
    """

    told: Told
    owner: Owner
    created_at: datetime
    updated_at: datetime
    id: UUID | None = None
    is_default: bool = False

    @property
    def name_folded(self) -> str:
        """Equal for personas that one user cannot have both of."""
        return fold_name(self.told.name)


@dataclass(frozen=True, slots=True)
class WantedChange:
    """What its owner wants different: None leaves it as it is.

    `without_model`: none of its own any more. Of `parameters` those change that are said, and of `cleared_parameters`
    nothing is said any more. `starters` take the place of all there are.
    """

    name: str | None = None
    title: str | None = None
    description: str | None = None
    prompt: str | None = None
    model: str | None = None
    without_model: bool = False
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    cleared_parameters: tuple[str, ...] = ()
    starters: tuple[str, ...] | None = None
