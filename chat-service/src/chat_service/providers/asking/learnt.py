"""What a model server refused for a model, and what it is sent in its place from then on."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, Self
from uuid import UUID

# Within what apikey-service keeps: letters, digits and . _ [ ] -
_VALUE: Final = "["
_BESIDE: Final = "-"

_REMEMBERED: Final = 10_000
_FOR_EACH: Final = 32

#: A connection's id, the base URL that it has now, and the model.
Place = tuple[UUID, str, str]


@dataclass(frozen=True, slots=True)
class Learnt:
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


def apply(body: dict[str, Any], learnt: Iterable[Learnt]) -> None:
    """Change a request's ``body`` as was learnt, in the order in which it was."""
    for one in learnt:
        _apply(body, one)


def _apply(body: dict[str, Any], learnt: Learnt) -> None:
    name, use = learnt.name, learnt.use
    if name not in body:
        return
    if learnt.value is not None:
        if body[name] == learnt.value:
            body.pop(name)
            if use:
                body[name] = use
        return
    if learnt.beside is not None and learnt.beside not in body:
        return
    if not use:
        body.pop(name)
        if name == "stream":
            body.pop("stream_options", None)
    elif (most := as_number(use)) is not None:
        asked = body[name]
        if isinstance(asked, int | float) and asked > most:
            body[name] = most
    else:
        # At the end, where it stays in its place among what else was learnt of it.
        body[use] = body.pop(name)


def as_number(text: str) -> int | float | None:
    """The number that ``text`` is, if it is one."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


@dataclass(slots=True)
class Told:
    """What asking came to, for whoever asked: filled in before the first piece of the answer.

    ``learnt`` is what this asking taught; ``left_out`` the parameters asked for, by the contract's names,
    that the answer was generated without; ``changed`` those that it was generated with another value of.
    """

    learnt: list[Learnt] = field(default_factory=list)
    left_out: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Memory:
    """What was learnt of the latest 10,000 servers' models, 32 things of each; in memory alone."""

    def __init__(self) -> None:
        self._of: OrderedDict[Place, tuple[Learnt, ...]] = OrderedDict()

    def of(self, place: Place) -> tuple[Learnt, ...]:
        """What is known of a connection's model there, oldest first."""
        return self._of.get(place, ())

    def add(self, place: Place, learnt: Iterable[Learnt]) -> None:
        """Know this as well; a later word on the same parameter replaces the earlier one."""
        known = {one.parameter: one for one in self._of.pop(place, ())}
        for one in learnt:
            known.pop(one.parameter, None)
            known[one.parameter] = one
        self._of[place] = tuple(known.values())[-_FOR_EACH:]
        if len(self._of) > _REMEMBERED:
            self._of.popitem(last=False)


def differences(
    asked: Mapping[str, Any], sent: Mapping[str, Any], learnt: Iterable[Learnt]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names in ``asked`` whose values are not in ``sent``: left out, and changed."""
    renamed = {name: name for name in asked}
    for one in learnt:
        if one.use and one.value is None and as_number(one.use) is None:
            renamed = {name: one.use if on == one.name else on for name, on in renamed.items()}
    left_out = tuple(name for name, on in renamed.items() if on not in sent)
    changed = tuple(name for name, on in renamed.items() if on in sent and sent[on] != asked[name])
    return left_out, changed
