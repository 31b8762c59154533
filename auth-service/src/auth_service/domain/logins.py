"""A login: the session of one device, a family of refresh tokens of which the newest is valid."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

_IP_MAX = 45  # the longest text of an IPv6 address
_USER_AGENT_MAX = 256

# An answer may be lost on its way: a client may repeat its request within this time.
RETRY_WINDOW = timedelta(seconds=10)

# How many logins of a user may be open. Whoever opens one more ends the one least used: there is no
# end of logins otherwise, and each must be ended one by one when the password changes.
LOGINS_MAX = 100


@dataclass(frozen=True, slots=True)
class Client:
    """Where a login came from, as the gateway saw it."""

    ip: str
    user_agent: str

    @classmethod
    def seen(cls, ip: str, user_agent: str) -> "Client":
        """What was seen, cut to 45 and 256 characters, unprintable ones taken out."""
        return cls(_printable(ip)[:_IP_MAX], _printable(user_agent)[:_USER_AGENT_MAX])


@dataclass(frozen=True, slots=True)
class Login:
    """``id`` is the ``sid`` of its access tokens; ``expires_at`` moves on with each use."""

    id: UUID
    tenant_id: UUID
    user_id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenLogin:
    """A login as its user sees it: from where it was last used, and when."""

    id: UUID
    client: Client
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EndedLogin:
    """A login that has just ended."""

    id: UUID
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token as it is kept: by its SHA-256. ``rotated_at`` is when it was used.

    ``successor`` is the token that it was exchanged for, sealed under this one; it is taken away
    once that one is used as well.
    """

    digest: bytes
    login_id: UUID
    created_at: datetime
    expires_at: datetime
    rotated_at: datetime | None = None
    successor: bytes | None = field(default=None, repr=False)


class RefreshOutcome(Enum):
    """What becomes of a refresh token that is presented."""

    GOOD = auto()
    REFUSED = auto()
    # It was used a moment ago and its successor was not: perhaps nobody ever got that one.
    RETRIED = auto()
    # It was used before: it may have been stolen, and nobody knows who holds the successor.
    REUSED = auto()


def refresh_outcome(token: RefreshToken, login: Login, now: datetime) -> RefreshOutcome:
    """What becomes of ``token`` of ``login``, both read under the login's lock."""
    if login.revoked_at is not None or login.expires_at <= now or token.expires_at <= now:
        return RefreshOutcome.REFUSED
    if token.rotated_at is None:
        return RefreshOutcome.GOOD
    if token.successor is not None and now - token.rotated_at <= RETRY_WINDOW:
        return RefreshOutcome.RETRIED
    return RefreshOutcome.REUSED


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
