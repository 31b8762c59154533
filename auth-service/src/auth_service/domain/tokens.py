"""Personal access tokens: a user's own keys for programs, each good for what its scopes name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

PREFIX = "parley_pat_"
TOKENS_MAX = 50
# Life of the access tokens that one is exchanged for.
ACCESS_LIFE = timedelta(minutes=2)
# How exactly it is kept when one was used last.
USE_RESOLUTION = timedelta(minutes=1)
# The audit log gets one entry in so long that a token is used, and one that it is refused.
RECORD_INTERVAL = timedelta(hours=1)

SCOPES = (
    "chat:read",
    "chat:write",
    "keys:read",
    "keys:write",
    "notes:read",
    "notes:write",
    "completions",
)


@dataclass(frozen=True, slots=True)
class Token:
    """A personal access token without its secret; ``id`` is the ``sid`` of its access tokens."""

    id: UUID
    tenant_id: UUID
    user_id: UUID
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


def normalise_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """``scopes`` in their one order, each once; what is none of them is left out."""
    wanted = set(scopes)
    return tuple(scope for scope in SCOPES if scope in wanted)


def scopes_problem(scopes: Iterable[str]) -> str | None:
    """Why ``scopes`` are refused, None if they are not: at least one, and known ones alone."""
    wanted = set(scopes)
    if not wanted:
        return "REQUIRED"
    return None if wanted <= set(SCOPES) else "NOT_ONE_OF"


def access_life(token: Token, now: datetime) -> timedelta:
    """How long an access token for ``token`` may live: nothing once it has expired."""
    left = ACCESS_LIFE if token.expires_at is None else token.expires_at - now
    return max(min(ACCESS_LIFE, left), timedelta())
