"""A rate limit in this process's memory: so many in a window of so many seconds, by subject."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_SUBJECTS = 10_000


@dataclass(slots=True)
class _Window:
    ends: float
    count: int = 0


class RateLimit:
    """``most`` in ``seconds`` for each subject, from the first one on; of more than so many ``subjects`` the one
    that was noted longest ago is forgotten. ``now`` is a clock that never goes back, in seconds.
    """

    def __init__(
        self,
        most: int,
        seconds: float,
        *,
        subjects: int = _SUBJECTS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._subjects = subjects
        self._now = now
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def wait(self, subject: str) -> int | None:
        """Whole seconds until there is room for one more of ``subject``; None: there is."""
        window = self._windows.get(subject)
        left = 0.0 if window is None else window.ends - self._now()
        if window is not None and left > 0 and window.count >= self._most:
            return int(left) + 1
        return None

    def note(self, subject: str) -> None:
        """There was one more of ``subject``."""
        now = self._now()
        window = self._windows.get(subject)
        if window is None or window.ends <= now:
            window = self._windows[subject] = _Window(now + self._seconds)
        self._windows.move_to_end(subject)
        window.count += 1
        if len(self._windows) > self._subjects:
            self._windows.popitem(last=False)
