"""JSON of any size as its parts: the items of lists that may be long, and whatever else there is.

Nothing is held but the part that is just being read, and of that no more than it may have: what is larger is
passed over to its end.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

Path = tuple[str, ...]

#: Lists whose items are parts of their own, by the names that lead to them; the document itself if it is one.
LISTS: Final[frozenset[Path]] = frozenset(
    {
        (),
        ("conversations",),
        ("personas",),
        ("notes",),
        ("chat-next-web-store", "sessions"),
        ("indexedDB",),
        ("indexedDB", "topics"),
        ("indexedDB", "message_blocks"),
    }
)
#: Objects whose members are parts of their own.
_OPENED: Final[frozenset[Path]] = frozenset(
    {(), ("chat-next-web-store",), ("indexedDB",), ("localStorage",)}
)
#: Of one part: text with a little for each value, and how deep it goes. Conversations are nested in some
#: exports, a level or two for each message.
MOST_BYTES: Final = 32 * 1024 * 1024
MOST_DEPTH: Final = 4_000
_A_VALUE: Final = 16
_LARGEST: Final = 2**63 - 1


class TooMuch:
    """Stands for a part that is larger or deeper than a part may be."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


#: Behind the last part of a document.
WHOLE: Final = object()

Event = tuple[str, Any]


def walk(events: Iterable[Event]) -> Iterator[tuple[Path, Any]]:
    """The parts, each with the names that lead to it: an item of a list has those of the list.

    Behind all those of an object or a list `WHOLE` comes; others may follow it.
    """
    path: list[str] = []
    # Of the containers that are open around a part, whether each is a list.
    around: list[bool] = []
    building: _Building | None = None
    for event, value in events:
        if building is not None:
            if building.take(event, value):
                yield tuple(path), building.result
                building = None
                if not around[-1]:
                    path.pop()
        elif event == "map_key":
            path.append(value)
        elif event in ("end_map", "end_array"):
            around.pop()
            if not around:
                yield (), WHOLE
            elif not around[-1] and path:
                path.pop()
        elif event == "start_array" and tuple(path) in LISTS and (not around or not around[-1]):
            around.append(True)
        elif event == "start_map" and tuple(path) in _OPENED and (not around or not around[-1]):
            around.append(False)
        else:
            building = _Building()
            if building.take(event, value):
                yield tuple(path), building.result
                building = None
                if around and not around[-1]:
                    path.pop()


@dataclass(slots=True)
class _Building:
    """One part as it is read."""

    result: Any = None
    _open: list[Any] = field(default_factory=list)
    _keys: list[str] = field(default_factory=list)
    _bytes: int = 0
    _depth: int = 0

    def take(self, event: str, value: Any) -> bool:
        """Whether it is whole with this."""
        match event:
            case "start_map" | "start_array":
                self._depth += 1
                if isinstance(self.result, TooMuch):
                    return False
                if self._depth > MOST_DEPTH:
                    self._give_up("TOO_DEEP")
                    return False
                made: Any = {} if event == "start_map" else []
                self._put(made)
                self._open.append(made)
            case "end_map" | "end_array":
                self._depth -= 1
                if self._open:
                    self._open.pop()
            case "map_key":
                if not isinstance(self.result, TooMuch):
                    self._count(len(value))
                    self._keys.append(value)
            case _:
                if not isinstance(self.result, TooMuch):
                    self._count(len(value) if isinstance(value, str) else 0)
                if not isinstance(self.result, TooMuch):
                    self._put(_number(value))
        return self._depth == 0

    def _put(self, value: Any) -> None:
        if not self._open:
            self.result = value
        elif isinstance(self._open[-1], list):
            self._open[-1].append(value)
        else:
            self._open[-1][self._keys.pop()] = value
        self._count(0)

    def _count(self, size: int) -> None:
        self._bytes += size + _A_VALUE
        if self._bytes > MOST_BYTES:
            self._give_up("TOO_LARGE")

    def _give_up(self, reason: str) -> None:
        self._open.clear()
        self._keys.clear()
        self.result = TooMuch(reason)


def _number(value: Any) -> Any:
    """A number as a float, but for an integer that has room in 64 bits; one that no float is, is infinite."""
    if isinstance(value, Decimal) or (isinstance(value, int) and abs(value) > _LARGEST):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    return value
