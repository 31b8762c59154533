"""Requests changed as was learnt, what came of that, and what is remembered."""

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Final
from uuid import UUID

from chat_service.answer.domain.ending import MOST_USE, Adapted
from chat_service.providers.domain.learnt import Lesson

_REMEMBERED: Final = 10_000
_FOR_EACH: Final = 32

#: A connection's id, the base URL that it has now, and the model.
Place = tuple[UUID, str, str]


def apply(body: dict[str, Any], learnt: Iterable[Lesson]) -> None:
    """Change a request's ``body`` as was learnt, in the order in which it was."""
    for one in learnt:
        _apply(body, one)


def _apply(body: dict[str, Any], learnt: Lesson) -> None:
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


class Memory:
    """What was learnt of the latest 10,000 servers' models, 32 things of each; in memory alone."""

    def __init__(self) -> None:
        self._of: OrderedDict[Place, tuple[Lesson, ...]] = OrderedDict()

    def of(self, place: Place) -> tuple[Lesson, ...]:
        """What is known of a connection's model there, oldest first."""
        return self._of.get(place, ())

    def add(self, place: Place, learnt: Iterable[Lesson]) -> None:
        """Know this as well; a later word on the same parameter replaces the earlier one."""
        known = {one.parameter: one for one in self._of.pop(place, ())}
        for one in learnt:
            known.pop(one.parameter, None)
            known[one.parameter] = one
        self._of[place] = tuple(known.values())[-_FOR_EACH:]
        if len(self._of) > _REMEMBERED:
            self._of.popitem(last=False)


def differences(
    asked: Mapping[str, Any], sent: Mapping[str, Any], learnt: Iterable[Lesson]
) -> tuple[Adapted, ...]:
    """Those of ``asked`` whose values are not in ``sent``: left out, or changed."""
    renamed = {name: name for name in asked}
    for one in learnt:
        if one.use and one.value is None and as_number(one.use) is None:
            renamed = {name: one.use if on == one.name else on for name, on in renamed.items()}
    return tuple(
        adapted(name, sent.get(on)) for name, on in renamed.items() if sent.get(on) != asked[name]
    )


def adapted(name: str, sent: Any) -> Adapted:
    """What is told of a parameter in whose place ``sent`` was sent, None: nothing."""
    if sent is None or isinstance(sent, str):
        return Adapted(name, sent and sent[:MOST_USE])
    return Adapted(name, json.dumps(sent, ensure_ascii=False)[:MOST_USE])
