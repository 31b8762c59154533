"""Why a socket is closed from this side, in codes that a client acts on."""

from enum import Enum
from typing import Self

from websockets.frames import CloseCode

from chassis.errors import AppError, Kind


class Closing(Enum):
    """4000–4999 are an application's own: RFC 6455, 7.4.2. Ours end like HTTP's statuses."""

    MALFORMED = CloseCode.INVALID_DATA
    BROKEN = CloseCode.INTERNAL_ERROR
    AWAY = CloseCode.TRY_AGAIN_LATER
    UNAUTHENTICATED = 4401
    IDLE = 4408
    TOO_MANY = 4429

    @property
    def code(self) -> int:
        return int(self.value)

    @classmethod
    def of(cls, error: AppError) -> Self:
        """How a socket ends that ``error`` keeps from being authenticated."""
        match error.kind:
            case Kind.EXHAUSTED:
                return cls(cls.TOO_MANY)
            case Kind.UNAVAILABLE:
                return cls(cls.AWAY)
            case _:
                return cls(cls.UNAUTHENTICATED)


class HangUp(Exception):
    """End the socket now."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.name)
        self.closing = closing
