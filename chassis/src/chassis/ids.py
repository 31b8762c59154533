"""Identifiers: UUID version 7 (RFC 9562), sortable by the time they were made."""

import os
import threading
import time
from uuid import UUID

from chassis.errors import AppError

_VERSION_AND_VARIANT = (0x7 << 76) | (0b10 << 62)


class _Generator:
    """Monotonic within the process: a 12-bit counter behind the milliseconds (method 1)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._counter = 0

    def next(self) -> UUID:
        with self._lock:
            now = time.time_ns() // 1_000_000
            if now > self._milliseconds:
                self._milliseconds = now
                # Half the counter's room stays free for ids made within this millisecond.
                self._counter = int.from_bytes(os.urandom(2), "big") & 0x7FF
            else:
                # Also when the clock was set back: ids go on ascending.
                self._counter += 1
                if self._counter > 0xFFF:
                    self._milliseconds += 1
                    self._counter = 0
            milliseconds, counter = self._milliseconds, self._counter
        random = int.from_bytes(os.urandom(8), "big") >> 2
        return UUID(
            int=((milliseconds & 0xFFFF_FFFF_FFFF) << 80)
            | _VERSION_AND_VARIANT
            | (counter << 64)
            | random
        )


_generator = _Generator()


def new_id() -> UUID:
    """A fresh UUIDv7, greater than every one this process made before."""
    return _generator.next()


def parse_id(text: str) -> UUID | None:
    """The UUID that ``text`` spells in its canonical lower-case form, else None."""
    if len(text) != 36:
        return None
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text else None


def parse_named_id(text: str, absent: type[AppError]) -> UUID:
    """The UUID that ``text`` spells; raises ``absent``: what is no id names nothing that exists."""
    parsed = parse_id(text)
    if parsed is None:
        raise absent()
    return parsed
