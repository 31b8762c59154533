"""The rate limit of wrong personal access tokens: how many an address has presented of late, here."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from chassis.errors import AppError, Kind
from gateway.edge.subject import subject_of

_GUESSES = 30
_WINDOW_SECONDS = 60.0
_ADDRESSES = 10_000


class TooManyGuesses(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_ATTEMPTS"
    detail = "Too many tokens from there were wrong; try again later."


@dataclass(slots=True)
class _Window:
    ends: float
    count: int = 0


class GuessRateLimit:
    """Thirty a minute for each address, an IPv6 network of 64 bits being one."""

    def __init__(self) -> None:
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def check(self, address: str) -> None:
        """Raises TooManyGuesses."""
        window = self._windows.get(subject_of(address))
        left = 0.0 if window is None else window.ends - time.monotonic()
        if window is not None and left > 0 and window.count >= _GUESSES:
            raise TooManyGuesses(retry_after=int(left) + 1)

    def note(self, address: str) -> None:
        """One more was wrong."""
        subject, now = subject_of(address), time.monotonic()
        window = self._windows.get(subject)
        if window is None or window.ends <= now:
            window = self._windows[subject] = _Window(now + _WINDOW_SECONDS)
        self._windows.move_to_end(subject)
        window.count += 1
        if len(self._windows) > _ADDRESSES:
            self._windows.popitem(last=False)
