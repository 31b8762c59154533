"""Access tokens: who is calling, verified in every process, revocations included.

A token is a JWT (RFC 7519, RFC 9068) signed with Ed25519. Its header holds exactly ``alg``
(EdDSA), ``typ`` (at+jwt) and ``kid``; its claims at least those of ``REQUIRED_CLAIMS``, and
``scope`` (RFC 8693, 4.2) if it is not good for everything. Any other token is refused with the same error, whatever is wrong with it; no key is ever taken or
fetched from what a token says.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

import jwt

from chassis.caller import Caller, Scope
from chassis.errors import Unauthenticated
from chassis.grpc.trust import TrustStore

ISSUER = "parley"
AUDIENCE = "parley"
REQUIRED_CLAIMS = ("iss", "aud", "sub", "tid", "role", "sid", "iat", "exp", "jti")
ROLES = frozenset({"user", "tenant_admin", "operator"})
SCOPES = frozenset(get_args(Scope))

# How long after its token was issued something may go on that was begun with it. A watch of
# revocations that was cut learns, once it is back, what auth-service still remembers, which is two
# hours of them. What ends before the token is so old, has missed none; the quarter of an hour is for
# clocks that disagree.
LONGEST_SECONDS = 105 * 60.0

_TEXTS = ("sub", "tid", "role", "sid", "jti")
_MAX_TOKEN_CHARACTERS = 4096
_CACHE_SIZE = 10_000
# How long a call may wait in a process that has just started; auth-service may start after it.
_KEYS_SECONDS = 5.0
# By how much auth-service's clock may be ahead of this machine's.
_CLOCK_LEAD_SECONDS = 60.0

_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def current_caller() -> Caller:
    """The verified user of the call being served; raises Unauthenticated if there is none."""
    caller = _caller.get()
    if caller is None:
        raise Unauthenticated()
    return caller


def set_caller(caller: Caller | None) -> None:
    """Say who the call being served is for: the server's interceptor alone does so."""
    _caller.set(caller)


def caller_token() -> str | None:
    """The access token to pass on, or None outside of a user's call."""
    caller = _caller.get()
    return None if caller is None else caller.token


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that was good when it was looked at; see ``TokenVerifier.stands``."""

    caller: Caller
    user: str
    issued_at: float
    kid: str


class TokenVerifier:
    """Turns an access token into a Caller. Verified tokens are remembered until they end."""

    def __init__(self, trust: TrustStore) -> None:
        self._trust = trust
        self._generation = trust.generation
        self._cache: OrderedDict[str, Verified] = OrderedDict()

    def verify(self, token: str, *, outlived: bool = False) -> Caller:
        """The caller that ``token`` speaks for.

        ``outlived``: for what goes on that was begun while the token was good. It may have expired
        since then, up to ``LONGEST_SECONDS`` after it was issued; to be revoked it may not.
        Raises Unauthenticated, always the same, for every token that is not good, and
        TrustUnavailable while this process has no keys yet.
        """
        return self.inspect(token, outlived=outlived).caller

    async def wait_for_keys(self) -> None:
        """In a process that has only just started: for the first keys, a few seconds at most.

        Who reached the process before the keys did has done nothing wrong.
        """
        await self._trust.wait(_KEYS_SECONDS)

    def inspect(self, token: str, *, outlived: bool = False) -> Verified:
        """As ``verify``, for whoever must know later whether the token still stands."""
        if self._generation != self._trust.generation:
            self._generation = self._trust.generation
            self._cache.clear()
        known = self._cache.get(token)
        verified = self._verify(token) if known is None else known
        if not self.stands(verified, outlived=outlived):
            raise Unauthenticated()
        if known is None:
            self._cache[token] = verified
            if len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)
        return verified

    def stands(self, verified: Verified, *, outlived: bool = False) -> bool:
        """Whether the token is good at this moment, without looking at its signature again.

        ``outlived`` as in ``verify``.
        """
        caller = verified.caller
        ends = verified.issued_at + LONGEST_SECONDS if outlived else caller.expires_at
        return (
            ends > time.time()
            and self._trust.key(verified.kid) is not None
            and not self._trust.is_revoked(caller.sid, verified.user, verified.issued_at)
        )

    def _verify(self, token: str) -> Verified:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise Unauthenticated()
        try:
            header = jwt.get_unverified_header(token)
            if header.keys() != {"alg", "typ", "kid"} or header["typ"] != "at+jwt":
                raise Unauthenticated()
            key = self._trust.key(str(header["kid"]))
            if key is None:
                raise Unauthenticated()
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                # PyJWT allows the issuer's clock no lead at all: `iat` is looked at below; and
                # `exp` by `stands`, since what goes on may outlive it.
                options={
                    "require": list(REQUIRED_CLAIMS),
                    "strict_aud": True,
                    "verify_iat": False,
                    "verify_exp": False,
                },
            )
            if not all(isinstance(claims[name], str) for name in _TEXTS):
                raise Unauthenticated()
            # JSON has "1" and true beside numbers, and 1e400 is one without end.
            if not all(type(claims[name]) in (int, float) for name in ("iat", "exp")):
                raise Unauthenticated()
            issued_at, expires_at = float(claims["iat"]), float(claims["exp"])
            if not (math.isfinite(issued_at) and math.isfinite(expires_at)):
                raise Unauthenticated()
            if issued_at > time.time() + _CLOCK_LEAD_SECONDS:
                raise Unauthenticated()
            caller = Caller(
                user_id=UUID(claims["sub"]),
                tenant_id=UUID(claims["tid"]),
                role=claims["role"],
                sid=claims["sid"],
                token=token,
                expires_at=expires_at,
                scopes=_scopes(claims),
            )
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError):
            raise Unauthenticated() from None
        if caller.role not in ROLES or not caller.sid:
            raise Unauthenticated()
        return Verified(caller, claims["sub"], issued_at, str(header["kid"]))


def _scopes(claims: Mapping[str, Any]) -> frozenset[str] | None:
    """Raises ValueError for a claim that does not name known scopes, and at least one."""
    if "scope" not in claims:
        return None
    scopes = frozenset(str.split(claims["scope"], " "))
    if not scopes <= SCOPES:
        raise ValueError("scope")
    return scopes
