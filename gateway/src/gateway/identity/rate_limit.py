"""Rate limits of what is guessed at this gateway, by address: personal access tokens, and links of shares."""

from chassis.errors import AppError, Kind
from chassis.rate_limit import RateLimit
from gateway.edge.subject import subject_of

_GUESSES = 30
_WINDOW_SECONDS = 60.0
# A link has 256 bits: nobody finds one. Looking for them is not to be free of charge all the same.
_SHARES_OPENED = 1200
_SHARES_MISSED = 300


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


class TooManySharesOpened(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_ATTEMPTS"
    detail = "Too many links were opened from there; try again later."


class ShareRateLimit:
    """1,200 openings a minute for each address, of which 300 may find nothing."""

    def __init__(self) -> None:
        self._opened = RateLimit(_SHARES_OPENED, _WINDOW_SECONDS)
        self._missed = RateLimit(_SHARES_MISSED, _WINDOW_SECONDS)

    def count(self, address: str) -> None:
        """One more is to be opened; raises TooManySharesOpened."""
        subject = subject_of(address)
        waits = [limit.wait(subject) for limit in (self._opened, self._missed)]
        if longest := max((wait for wait in waits if wait is not None), default=None):
            raise TooManySharesOpened(retry_after=longest)
        self._opened.note(subject)

    def note_miss(self, address: str) -> None:
        """There was nothing."""
        self._missed.note(subject_of(address))
