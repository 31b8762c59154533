"""What a model server refused for a model, and what it is sent in its place from then on."""

from dataclasses import dataclass, field
from typing import Final, Self

from chat_service.answer.domain.ending import Adapted

# Within what apikey-service keeps: letters, digits and . _ [ ] -
_VALUE: Final = "["
_BESIDE: Final = "-"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A parameter as it is named on the wire, and what is sent instead.

    ``parameter`` is a name; a name with a value, ``reasoning_effort[minimal]``, for that value alone; or a name
    with another one, ``top_p-temperature``, for the first where both are asked for. ``use`` is empty for
    nothing; a number: that number at most; for a value, another value; else the name that the value is
    sent under.
    """

    parameter: str
    use: str = ""

    @property
    def name(self) -> str:
        """Of the parameter alone."""
        return self.parameter.partition(_VALUE)[0].partition(_BESIDE)[0]

    @property
    def value(self) -> str | None:
        """Of a parameter of which one value was refused."""
        _, of_value, value = self.parameter.partition(_VALUE)
        return value.removesuffix("]") if of_value else None

    @property
    def beside(self) -> str | None:
        """The other parameter, of one that was refused beside it."""
        return self.parameter.partition(_BESIDE)[2] or None if self.value is None else None

    @classmethod
    def of_value(cls, name: str, value: str, use: str) -> Self:
        """Of one value of a parameter, ``use`` is sent, or nothing."""
        return cls(f"{name}{_VALUE}{value}]", use)

    @classmethod
    def of_both(cls, name: str, other: str) -> Self:
        """``name`` is left out where ``other`` is asked for as well."""
        return cls(f"{name}{_BESIDE}{other}")


@dataclass(slots=True)
class Told:
    """What asking came to, for whoever asked: filled in before the first word of the answer.

    ``learnt`` is what this asking taught; ``adapted`` the parameters asked for that the answer was not
    generated with as they were; ``in_turns`` whether what the system says was sent as a user's words, also
    where the server then refused.
    """

    learnt: list[Lesson] = field(default_factory=list)
    adapted: tuple[Adapted, ...] = ()
    in_turns: bool = False
