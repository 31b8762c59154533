"""The deadline of the call being served, so that calls made for it end a little earlier."""

import time
from contextvars import ContextVar

# Time for the answer's own way back, seconds.
_MARGIN = 0.05

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def set_deadline(remaining: float | None) -> None:
    """Note that the call being served has ``remaining`` seconds left; None: no deadline."""
    _deadline.set(None if remaining is None else time.monotonic() + remaining)


def within_deadline(timeout: float) -> float:
    """``timeout`` seconds, or less when the call being served ends earlier; never below 1 ms."""
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    return max(0.001, min(timeout, deadline - time.monotonic() - _MARGIN))
