"""How many sockets each user has open."""

from collections import Counter

from chassis.errors import AppError, Kind


class TooManySockets(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_SOCKETS"
    detail = "As many sockets are open as may be; close one of them first."

    def __init__(self) -> None:
        super().__init__(retry_after=1)


class SocketLimit:
    """``limit`` for each user of this process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many users have any."""
        return len(self._taken)

    def acquire(self, user: str) -> None:
        """Raises TooManySockets when the user has as many as may be."""
        if self._taken[user] >= self._limit:
            raise TooManySockets()
        self._taken[user] += 1

    def release(self, user: str) -> None:
        self._taken[user] -= 1
        if self._taken[user] <= 0:
            del self._taken[user]
