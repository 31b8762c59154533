"""How an answer is to be generated: one value from the request to the row and the model server."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from parley.bounds import MAX_TOKENS, TEMPERATURE, TOP_P, Range


def _within(bounds: Range) -> Any:
    return field(default=None, metadata={"within": bounds})


@dataclass(frozen=True, slots=True)
class GenerationParameters:
    """What a model is asked for beside its prompt; None: nothing is said of it.

    A further parameter is a further field, named as in the contract and in the column.
    """

    temperature: float | None = _within(TEMPERATURE)
    max_tokens: int | None = _within(MAX_TOKENS)
    top_p: float | None = _within(TOP_P)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Of a row or a message: what is unknown here, and null, is left out."""
        return cls(**{name: said[name] for name in PARAMETERS if said.get(name) is not None})

    def with_defaults(self) -> "GenerationParameters":
        """The same, with DEFAULTS for what nothing is said of."""
        return GenerationParameters(**{**DEFAULTS.said(), **self.said()})

    def said(self) -> dict[str, Any]:
        """What something is said of, by name."""
        values = ((name, getattr(self, name)) for name in PARAMETERS)
        return {name: value for name, value in values if value is not None}


#: The names of all parameters, with the bounds of each.
PARAMETERS: Final[Mapping[str, Range]] = {
    parameter.name: parameter.metadata["within"] for parameter in fields(GenerationParameters)
}
#: What stands in for what a question says nothing of.
DEFAULTS: Final = GenerationParameters(temperature=0.7, max_tokens=2048)
