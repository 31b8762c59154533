"""How an answer is to be generated: one value from the request to the row and the model server."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from parley.bounds import (
    MAX_STOPS,
    MAX_TOKENS,
    REASONING_EFFORTS,
    STOP,
    TEMPERATURE,
    TOP_P,
    Length,
    Range,
)


@dataclass(frozen=True, slots=True)
class Texts:
    """At most so many texts, each of such a length."""

    most: int
    each: Length


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these words."""

    words: tuple[str, ...]


Bounds = Range | Texts | OneOf


def _within(bounds: Bounds) -> Any:
    return field(default=None, metadata={"within": bounds})


@dataclass(frozen=True, slots=True)
class GenerationParameters:
    """What a model is asked for beside its prompt; None: nothing is said of it.

    A further parameter is a further field, named as in the contract and in the column.
    """

    temperature: float | None = _within(TEMPERATURE)
    max_tokens: int | None = _within(MAX_TOKENS)
    top_p: float | None = _within(TOP_P)
    #: Where any of these comes the answer ends, without it.
    stop: tuple[str, ...] | None = _within(Texts(MAX_STOPS, STOP))
    reasoning_effort: str | None = _within(OneOf(REASONING_EFFORTS))

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Of a row or a message: what is unknown here, null or a list without items is left out."""
        values: dict[str, Any] = {}
        for name, within in PARAMETERS.items():
            value = said.get(name)
            if isinstance(within, Texts) and value is not None:
                value = tuple(value) or None
            if value is not None:
                values[name] = value
        return cls(**values)

    def over(self, defaults: "GenerationParameters") -> "GenerationParameters":
        """The same, with what `defaults` says where nothing is said here."""
        return GenerationParameters(**{**defaults.said(), **self.said()})

    def said(self) -> dict[str, Any]:
        """What something is said of, by name."""
        values = ((name, getattr(self, name)) for name in PARAMETERS)
        return {name: value for name, value in values if value is not None}


#: The names of all parameters, with the bounds of each.
PARAMETERS: Final[Mapping[str, Bounds]] = {
    parameter.name: parameter.metadata["within"] for parameter in fields(GenerationParameters)
}
