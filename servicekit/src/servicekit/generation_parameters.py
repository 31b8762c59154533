"""How an answer is to be generated: one value from a connection or a question to the row and the
model server, and one check of it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from chassis.errors import FieldError
from chassis.text import check_number, check_text
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


def check_parameters(parameters: GenerationParameters, *, within: str = "") -> list[FieldError]:
    """What is wrong with them, each by its name, of a text with its place: `stop.0`.

    ``within`` is the field that they stand in, if they stand in one: `parameters.stop.0`.
    """
    before = f"{within}." if within else ""
    return [
        error
        for name, value in parameters.said().items()
        for error in _check(before + name, value, PARAMETERS[name])
    ]


def check_changed(
    parameters: GenerationParameters, cleared: Collection[str], *, within: str
) -> list[FieldError]:
    """What is wrong with parameters that change, in the field ``within``, and with the names of those that are cleared:
    none of them is given at the same time.
    """
    errors = check_parameters(parameters, within=within)
    if not PARAMETERS.keys() >= set(cleared):
        errors.append(FieldError(within, "UNKNOWN_FIELD"))
    errors += [
        FieldError(f"{within}.{name}", "GIVEN_AND_CLEARED")
        for name in parameters.said()
        if name in cleared
    ]
    return errors


def _check(field_name: str, value: Any, within: Bounds) -> list[FieldError]:
    if isinstance(within, Range):
        return check_number(field_name, value, minimum=within.minimum, maximum=within.maximum)
    if isinstance(within, Texts):
        if len(value) > within.most:
            return [FieldError(field_name, "TOO_MANY", maximum=within.most)]
        least, most = within.each.minimum, within.each.maximum
        return [
            error
            for at, text in enumerate(value)
            for error in check_text(f"{field_name}.{at}", text, minimum=least, maximum=most)
        ]
    return [] if value in within.words else [FieldError(field_name, "NOT_ONE_OF")]
