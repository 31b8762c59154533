"""What access tokens are verified against: verification keys, and the revocation list."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

# No setting lets an access token live longer.
ACCESS_TOKEN_MAX = timedelta(minutes=15)
# How long a revocation stays on the revocation list. No token lives as long, but the gateway lets an
# event stream go on when its token has expired, an hour and three quarters at most; and a gateway
# that heard nothing for an hour must still learn what to end.
REVOCATION_LIFE = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key: its RFC 7638 thumbprint and its 32 raw bytes (Ed25519)."""

    kid: str
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Revocation:
    """Access tokens of a login (``sid``), or of a whole user when ``sid`` is None, are refused
    if they were issued at or before ``revoked_at``; after ``expires_at`` neither they nor anything
    that was opened with them can be left.
    """

    id: UUID
    tenant_id: UUID
    user_id: UUID
    sid: str | None
    revoked_at: datetime
    expires_at: datetime


def permanent_revocation(
    id: UUID,  # noqa: A002 - the field's name
    *,
    tenant_id: UUID,
    user_id: UUID,
    sid: str | None,
    now: datetime,
) -> Revocation:
    """The revocation of a login or user that will never be given a token again.

    It refuses tokens of later than ``now`` too: another replica, with a clock of its own, may
    be signing one at this moment.
    """
    end = now + REVOCATION_LIFE
    return Revocation(id, tenant_id, user_id, sid, revoked_at=end, expires_at=end)


def may_still_be_used(last_used_at: datetime, now: datetime) -> bool:
    """Whether something opened with a login that was last used then may still be open."""
    return last_used_at + REVOCATION_LIFE > now


@dataclass(frozen=True, slots=True)
class TrustUpdate:
    """The whole state (``snapshot``), or what came since; with nothing in it, a heartbeat."""

    snapshot: bool
    keys: tuple[VerificationKey, ...]
    revocations: tuple[Revocation, ...]
