"""What a fork server is told of a process that it is to start."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

#: Of an encoded order, bytes: a message on a socket of Linux may have that many.
LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class Order:
    """``arguments`` are those behind ``python``: ``-m``, a module, and its own.

    ``parent`` is the process that has the process as its child; when it ends, this one gets the
    signal ``death_signal``, or none where that is 0.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    parent: int
    death_signal: int
    new_session: bool

    def encode(self) -> bytes:
        """Raises ValueError for an order that is too long."""
        message = json.dumps(asdict(self)).encode()
        if len(message) > LONGEST:
            raise ValueError(f"an order of {len(message)} bytes: {LONGEST} are the most")
        return message

    @classmethod
    def decode(cls, message: bytes) -> "Order":
        return cls(**json.loads(message))
