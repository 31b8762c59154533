"""What the reading of a file came to, in the words of the process that read it: one line of JSON."""

import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Self

#: Of a report; what is longer is none.
MOST_BYTES: Final = 4096
#: What may be said of a file: numbers, and with `cut`, that a part of its text was left out.
FACTS: Final = frozenset({"width", "height", "pages", "characters", "cut"})


class Failed(Enum):
    """Why there is no result."""

    #: It is not of the kind that its beginning is of, or of none.
    NO_SUCH_KIND = "NO_SUCH_KIND"
    #: It is a text, and not in UTF-8: it may be in an older encoding.
    NOT_UTF8 = "NOT_UTF8"
    DAMAGED = "DAMAGED"
    LOCKED = "LOCKED"
    TOO_COMPLEX = "TOO_COMPLEX"
    #: The disk did not take what came of it, or does not give it: that is no fault of the file's.
    DISK = "DISK"


class Unreadable(Exception):
    """The file cannot be read."""

    def __init__(self, why: Failed) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Report:
    """`replaced`: what is kept of the file was written anew. `told`: its text was, as models are given it;
    without that the file itself is its text, or it has none.
    """

    failed: Failed | None = None
    replaced: bool = False
    told: bool = False
    facts: dict[str, int] = field(default_factory=dict)

    def to_line(self) -> bytes:
        said = {
            "failed": None if self.failed is None else self.failed.value,
            "replaced": self.replaced,
            "told": self.told,
            "facts": self.facts,
        }
        return json.dumps(said).encode() + b"\n"

    @classmethod
    def of(cls, line: bytes) -> Self:
        """What `to_line` was made of. Raises ValueError for all else: who says it may have been taken over."""
        try:
            said: dict[str, Any] = json.loads(line)
            failed = said["failed"]
            return cls(
                failed=None if failed is None else Failed(failed),
                replaced=said["replaced"] is True,
                told=said["told"] is True,
                facts={
                    name: value for name, value in said["facts"].items() if _is_fact(name, value)
                },
            )
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError("no report") from error


def _is_fact(name: str, value: Any) -> bool:
    return name in FACTS and type(value) is int and 0 <= value < 2**53
