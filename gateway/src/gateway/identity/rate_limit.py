"""The rate limit of wrong personal access tokens: how many an address has presented of late, here."""

from chassis.errors import AppError, Kind
from chassis.rate_limit import RateLimit
from gateway.edge.subject import subject_of

_GUESSES = 30
_WINDOW_SECONDS = 60.0


class TooManyGuesses(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_ATTEMPTS"
    detail = "Too many tokens from there were wrong; try again later."


class GuessRateLimit:
    """Thirty a minute for each address, an IPv6 network of 64 bits being one."""

    def __init__(self) -> None:
        self._limit = RateLimit(_GUESSES, _WINDOW_SECONDS)

    def check(self, address: str) -> None:
        """Raises TooManyGuesses."""
        wait = self._limit.wait(subject_of(address))
        if wait is not None:
            raise TooManyGuesses(retry_after=wait)

    def note(self, address: str) -> None:
        """One more was wrong."""
        self._limit.note(subject_of(address))
