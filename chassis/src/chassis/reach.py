"""What a service depends on: when it is away, and when that is worth a warning.

Processes that belong together start together, in any order. That one does not reach another yet
is no news until it has been so for START_SECONDS; that one was reached and is not any more is
news at once. Each outage is told of once, and its end.
"""

import time
from collections.abc import Callable
from typing import Final

from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

#: How long what was never reached may be away before that is a warning.
START_SECONDS: Final = 30.0
# Of one outage: texts that differ tell of different troubles, up to a point.
_MOST_TEXTS: Final = 5


class Reach:
    """Whether ``what`` can be reached, told in the log as ``<event>.away`` and ``<event>.back``.

    ``patience`` is START_SECONDS, counted from when this is made.
    """

    def __init__(
        self,
        event: str,
        *,
        patience: float = START_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        **what: str,
    ) -> None:
        self._event = event
        self._what = what
        self._clock = clock
        self._began = clock()
        self._alarm_at = self._began + patience
        self._reached = False
        self._told: set[str] = set()

    @property
    def is_told(self) -> bool:
        """Whether the log says that it is away."""
        return bool(self._told)

    def failed(self, error: str) -> None:
        """An attempt failed. ``error`` goes to the log, at warning if it is news."""
        waiting = not self._reached and self._clock() < self._alarm_at
        if waiting or error in self._told or len(self._told) >= _MOST_TEXTS:
            _log.debug(f"{self._event}.away", **self._what, error=error)
            return
        self._told.add(error)
        since = {} if self._reached else {"seconds": round(self._clock() - self._began)}
        _log.warning(f"{self._event}.away", **self._what, error=error, **since)

    def succeeded(self) -> None:
        """It was reached: cheap, so that every success may say so."""
        if self._reached and not self._told:
            return
        tell = _log.info if self._told else _log.debug
        self._reached = True
        self._told.clear()
        tell(f"{self._event}.back", **self._what)
