"""The circuit before Redis: open once an append failed, tried again once a second."""

import asyncio

from prometheus_client import Gauge

from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_DEGRADED = Gauge("chat_log_degraded", "1 while frames go to PostgreSQL because Redis takes none.")


class Circuit:
    """Says when Redis may be tried, so that not every flush waits for one that is away.

    While it is open, that is once in ``again_seconds``.
    """

    def __init__(self, again_seconds: float) -> None:
        self._again_seconds = again_seconds
        self._again: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the last append failed."""
        return self._again is not None

    def may_try(self) -> bool:
        """Always while it is closed, once a second while it is open."""
        if self._again is None:
            return True
        return asyncio.get_running_loop().time() >= self._again

    def fail(self, error: BaseException) -> None:
        """An append failed."""
        if self._again is None:
            _DEGRADED.set(1)
            _log.warning("log.away", error=type(error).__name__)
        self._again = asyncio.get_running_loop().time() + self._again_seconds

    def succeed(self) -> None:
        """Redis has answered."""
        if self._again is not None:
            self._again = None
            _DEGRADED.set(0)
            _log.info("log.back")
