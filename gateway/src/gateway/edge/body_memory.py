"""How much of this process's memory the bodies of requests may take, by client and in all."""

from prometheus_client import Gauge

from chassis.errors import AppError, Kind, Unavailable
from gateway.edge.subject import subject_of

_HELD = Gauge("http_body_bytes_held", "Bytes of request bodies in memory, until their answers.")

# Up to so many bytes a body is small. The last quarter of both bounds is for small bodies, so that
# large ones that are slow to come keep nobody from logging in or asking.
_SMALL_BYTES = 16 * 1024
_RETRY_SECONDS = 5


class TooMuchOfClient(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MUCH_IN_BODIES"
    detail = "As much is being sent from there as may be at once; try again shortly."

    def __init__(self) -> None:
        super().__init__(retry_after=_RETRY_SECONDS)


class TooMuchInAll(Unavailable):
    reason = "NO_ROOM_FOR_BODY"
    detail = "As much is being sent to this server as it takes at once; try again shortly."

    def __init__(self) -> None:
        super().__init__(retry_after=_RETRY_SECONDS)


class KeptTooLong(Unavailable):
    reason = "BODY_NOT_KEPT"
    detail = "The body waited for too long behind other requests of its connection; send it again."


class BodyMemory:
    """Counts what is held: ``most`` bytes in all, ``most_of_client`` for a client's address."""

    def __init__(self, *, most: int, most_of_client: int) -> None:
        self._most = most
        self._most_of_client = most_of_client
        self._of: dict[str, int] = {}
        self.total = 0
        _HELD.set_function(lambda: self.total)

    @property
    def clients(self) -> int:
        """How many addresses there are of which anything is held."""
        return len(self._of)

    def take(self, address: str, size: int, more: int) -> AppError | None:
        """Count ``more`` bytes for a body that holds ``size``; the refusal, if there is no room."""
        small = size + more <= _SMALL_BYTES
        subject = subject_of(address)
        of_client = self._of.get(subject, 0) + more
        if of_client > _room(self._most_of_client, small=small):
            return TooMuchOfClient()
        if self.total + more > _room(self._most, small=small):
            return TooMuchInAll()
        self._of[subject] = of_client
        self.total += more
        return None

    def give_back(self, address: str, size: int) -> None:
        """A body that held ``size`` bytes is no more."""
        subject = subject_of(address)
        left = self._of[subject] - size
        self.total -= size
        if left:
            self._of[subject] = left
        else:
            del self._of[subject]


def _room(bound: int, *, small: bool) -> int:
    return bound if small else bound - bound // 4
