"""How often a user may have model servers called to try a connection: each is a call outward."""

from typing import Final

from chassis.caller import Caller
from chassis.rate_limit import RateLimit
from chat_service.connections.domain.errors import TooManyTests

_TESTS: Final = 20
_SECONDS: Final = 60.0


class TrialLimit:
    """Twenty a minute for each user in one replica, tests and lists of models together."""

    def __init__(self, most: int = _TESTS, seconds: float = _SECONDS) -> None:
        self._limit = RateLimit(most, seconds)

    def count(self, caller: Caller) -> None:
        """One more is about to begin; raises TooManyTests."""
        user = str(caller.user_id)
        wait = self._limit.wait(user)
        if wait is not None:
            raise TooManyTests(retry_after=wait)
        self._limit.note(user)
