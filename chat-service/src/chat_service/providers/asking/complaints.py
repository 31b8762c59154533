"""What the body of a refusal says is wrong, in whatever shape it says it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

#: Where a fault of what is asked stands, and not of how.
OF_THE_QUESTION: Final = frozenset({"messages", "model", "input", "contents", "prompt"})
# An SDK quotes JSON in a sentence, and a proxy quotes that: each counts twice.
_DEPTH: Final = 12
# Where a fault is, in the words of those who check JSON.
_PLACES: Final = (
    "loc",
    "param",
    "field",
    "parameter",
    "instancePath",
    "pointer",
    "additionalProperty",
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that a server says is wrong; ``path`` is where it says that it is."""

    text: str
    path: tuple[str, ...] = ()
    bounds: Mapping[str, Any] = field(default_factory=dict)


def complaints(text: str) -> Iterator[Complaint]:
    """What an error's body says, from the most exact to the text as a whole."""
    found = list(_within(text, _DEPTH))
    yield from (one for one in found if one.path)
    if any(one.path[0] in OF_THE_QUESTION for one in found if one.path):
        return
    yield from (one for one in found if not one.path)
    if not found:
        yield Complaint(text)


def _within(said: Any, depth: int) -> Iterator[Complaint]:
    if depth == 0:
        return
    match said:
        case str():
            start = min((at for at in (said.find("{"), said.find("[")) if at >= 0), default=-1)
            inner = None if start < 0 else _json_of(said[start:])
            if inner is not None:
                yield from _within(inner, depth - 1)
            elif said.strip():
                yield Complaint(said)
        case list():
            for one in said:
                yield from _within(one, depth - 1)
        case dict():
            yield from _of_object(said, depth)


def _of_object(said: dict[str, Any], depth: int) -> Iterator[Complaint]:
    path = _path_of(said)
    texts = [
        said[key]
        for key in ("message", "msg", "description", "code", "type", "reason", "error")
        if isinstance(said.get(key), str)
    ]
    if path and texts:
        yield Complaint(" ".join(texts), path, _bounds_of(said))
    for name, value in said.items():
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            # A name, and what is wrong with it.
            yield Complaint(" ".join(value), (name,))
        if isinstance(value, dict | list | str):
            yield from _within(value, depth - 1)


def _bounds_of(said: dict[str, Any]) -> Mapping[str, Any]:
    """What an object says of the numbers that are taken."""
    bounds = said.get("ctx")
    if isinstance(bounds, dict):
        return bounds
    return {"le": said["maximum"]} if "maximum" in said else {}


def _path_of(said: dict[str, Any]) -> tuple[str, ...]:
    """Where an object says that the fault is, as the names on the way there."""
    location = next((said[name] for name in _PLACES if said.get(name)), None)
    if location is None and isinstance(said.get("path"), list):
        location = said["path"]
    if isinstance(location, str):
        location = re.split(r"[.\[\]/]+", location)
    if not isinstance(location, list | tuple):
        return ()
    return tuple(str(part) for part in location if part and part not in ("body", "request"))


def _json_of(text: str) -> Any:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        # Something is behind it, as of an SDK that quotes what it was answered.
        end = max(text.rfind("}"), text.rfind("]"))
        try:
            found = orjson.loads(text[: end + 1])
        except orjson.JSONDecodeError:
            return None
    # Else it is a range, as [0, 1] in a sentence.
    is_told = isinstance(found, dict) or any(isinstance(one, dict) for one in found)
    return found if is_told else None
