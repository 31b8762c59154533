"""What a service depends on: when it is away, and when that is worth a warning.

Processes that belong together start together, in any order: in the first START_SECONDS of a
process nothing that is away is news, and what is still away then is. From there on an outage is
told of at once, and once, and so is its end.
"""

import time
from collections.abc import Callable
from typing import Final

from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

#: How long after its start a process warns of nothing that is away. Slow machines take most of it.
START_SECONDS: Final = 60.0
# Of one outage: texts that differ tell of different troubles, up to a point.
_MOST_TEXTS: Final = 3


class Reach:
    """Whether something can be reached; the log has ``away`` when it cannot, ``back`` afterwards.

    ``patience`` is START_SECONDS, counted from when this is made; ``what`` goes to each line.
    """

    def __init__(
        self,
        away: str,
        back: str,
        *,
        patience: float = START_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        **what: str,
    ) -> None:
        self._away = away
        self._back = back
        self._what = what
        self._clock = clock
        self._began = clock()
        self._alarm_at = self._began + patience
        self._reached = False
        self._told: set[str] = set()

    def failed(self, error: str = "") -> None:
        """An attempt failed. ``error`` says why; without one it is told only where nothing was."""
        early = self._clock() < self._alarm_at
        known = error in self._told or (not error and bool(self._told))
        if early or known or len(self._told) >= _MOST_TEXTS:
            _log.debug(self._away, **self._what, error=error)
            return
        self._told.add(error)
        facts: dict[str, object] = {**self._what}
        if error:
            facts["error"] = error
        if not self._reached:
            facts["seconds"] = round(self._clock() - self._began)
        _log.warning(self._away, **facts)

    def succeeded(self) -> None:
        """It was reached: cheap, so that every success may say so."""
        if self._reached and not self._told:
            return
        tell = _log.info if self._told else _log.debug
        self._reached = True
        self._told.clear()
        tell(self._back, **self._what)
