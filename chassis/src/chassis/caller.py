"""Who is asking: the user an access token speaks for."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

# What a token may be bound to; auth-service's domain and the contract say the same.
Scope = Literal[
    "chat:read",
    "chat:write",
    "keys:read",
    "keys:write",
    "notes:read",
    "notes:write",
    "completions",
]


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified user.

    ``role`` is ``user``, ``tenant_admin`` or ``operator``; ``sid`` names the login, or the
    personal access token, that the token belongs to; ``token`` is the access token itself,
    forwarded to other services; ``expires_at`` is its end in seconds of Unix time; ``scopes`` are
    what it is good for, None for everything.
    """

    user_id: UUID
    tenant_id: UUID
    role: str
    sid: str
    token: str = field(repr=False)
    expires_at: float
    scopes: frozenset[str] | None = None
