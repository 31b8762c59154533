"""What the use cases need of others."""

from collections.abc import Sequence
from typing import Protocol

from chat_service.personas.domain.persona import Persona


class OperatorPersonas(Protocol):
    """The operator's personas that are in force at this moment, in their order."""

    @property
    def content(self) -> Sequence[Persona]: ...
