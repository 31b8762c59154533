"""Access tokens: who is calling, verified in every process, revocations included.

A token is a JWT (RFC 7519, RFC 9068) signed with Ed25519. Its header holds exactly ``alg``
(EdDSA), ``typ`` (at+jwt) and ``kid``; its claims at least those of ``REQUIRED_CLAIMS``, and
``scope`` (RFC 8693, 4.2) if it is not good for everything. Any other token is refused with the same error, whatever is wrong with it; no key is ever taken or
fetched from what a token says.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, get_args
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chassis.caller import Caller, Scope
from chassis.component import Component
from chassis.errors import AppError, Kind, Unauthenticated, Unavailable
from chassis.reach import Reach
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

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
# How often what has expired is looked for among what is revoked.
_FORGET_SECONDS = 60.0
# A watch that says nothing for so long is dead: the other side speaks every 10 seconds.
_SILENCE_SECONDS = 30.0

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


class TrustUnavailable(Unavailable):
    reason = "TRUST_UNAVAILABLE"
    detail = "The keys that verify tokens have not arrived yet; try again shortly."


class TimestampLike(Protocol):
    @property
    def seconds(self) -> int: ...
    @property
    def nanos(self) -> int: ...


class KeyLike(Protocol):
    @property
    def kid(self) -> str: ...
    @property
    def public_key(self) -> bytes: ...


class RevocationLike(Protocol):
    @property
    def sid(self) -> str: ...
    @property
    def user_id(self) -> str: ...
    @property
    def revoked_at(self) -> TimestampLike: ...
    @property
    def expires_at(self) -> TimestampLike: ...


class TrustMessage(Protocol):
    """What auth-service's watch stream sends, by shape: chassis knows no contract."""

    @property
    def snapshot(self) -> bool: ...
    @property
    def keys(self) -> Iterable[KeyLike]: ...
    @property
    def revocations(self) -> Iterable[RevocationLike]: ...


def _seconds(timestamp: TimestampLike) -> float:
    return timestamp.seconds + timestamp.nanos / 1e9


#: Is told a login's ``sid`` or a user's id, and that tokens of it are void which were issued at or
#: before a time (Unix seconds).
Listener = Callable[[str, float], None]


class TrustStore:
    """The keys in force, and what has been revoked before its time."""

    def __init__(self) -> None:
        self._keys: dict[str, Ed25519PublicKey] = {}
        # sid or user id -> (revoked at, forget at), Unix seconds.
        self._revoked: dict[str, tuple[float, float]] = {}
        self._forget_next = 0.0
        self._listeners: list[Listener] = []
        self.generation = 0
        self.arrived = asyncio.Event()

    def listen(self, listener: Listener) -> None:
        """Have ``listener`` called for each revocation from now on, once it is in force.

        Also for those that were missed while the watch was away; for none of them twice.
        """
        self._listeners.append(listener)

    def apply(self, message: TrustMessage) -> None:
        """Take in one message of the watch."""
        keys = {key.kid: Ed25519PublicKey.from_public_bytes(key.public_key) for key in message.keys}
        if keys:
            self._keys = keys
            # Tokens of a key that has gone must not live on in a verifier's cache.
            self.generation += 1
        now = time.time()
        news: dict[str, float] = {}
        for revocation in message.revocations:
            subject = revocation.sid or revocation.user_id
            told, end = self._revoked.get(subject, (0.0, 0.0))
            # They come in any order: of several the furthest counts. Nothing takes one back, not
            # even a snapshot, which comes in pieces: it ends when it has expired.
            at = max(told, _seconds(revocation.revoked_at))
            self._revoked[subject] = (at, max(end, _seconds(revocation.expires_at)))
            if at > told:
                news[subject] = at
        if now >= self._forget_next:
            self._forget_next = now + _FORGET_SECONDS
            for subject in [name for name, (_, end) in self._revoked.items() if end < now]:
                del self._revoked[subject]
        if self._keys:
            self.arrived.set()
        for subject, at in news.items():
            for listener in self._listeners:
                listener(subject, at)

    async def wait(self, seconds: float) -> None:
        """Until keys have arrived, at most so long; what comes of it, ``key`` says."""
        if not self._keys:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.arrived.wait()

    async def probe(self) -> None:
        """For a health check: raises TrustUnavailable until keys have arrived."""
        if not self._keys:
            raise TrustUnavailable()

    def public_keys(self) -> dict[str, bytes]:
        """Every key that verifies, raw, by its name. Raises TrustUnavailable before any arrived."""
        if not self._keys:
            raise TrustUnavailable()
        return {kid: key.public_bytes_raw() for kid, key in self._keys.items()}

    def key(self, kid: str) -> Ed25519PublicKey | None:
        """The key called ``kid``; raises TrustUnavailable before any key has arrived."""
        if not self._keys:
            raise TrustUnavailable()
        return self._keys.get(kid)

    def is_revoked(self, sid: str, user_id: str, issued_at: float) -> bool:
        """Whether a token of this login and user, issued then (Unix seconds), is void."""
        if not self._revoked:
            return False
        return any(
            entry is not None and issued_at <= entry[0]
            for entry in (self._revoked.get(sid), self._revoked.get(user_id))
        )


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


class TrustFeed(Component):
    """Keeps a TrustStore true to auth-service's watch, for as long as the process lives.

    ``watch`` opens the stream anew at each call. While auth-service is away the store keeps
    what it knew: tokens go on being verified, and end by themselves within minutes.
    """

    def __init__(self, trust: TrustStore, watch: Callable[[], AsyncIterable[TrustMessage]]) -> None:
        self._trust = trust
        self._watch = watch
        self._reach = Reach("trust.watch_failed", "trust.watch_back")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._follow(), name="trust-feed")

    async def drain(self) -> None:
        await self.stop()

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def _follow(self) -> None:
        pause = 0.1
        while True:
            try:
                stream = aiter(self._watch())
                while True:
                    async with asyncio.timeout(_SILENCE_SECONDS):
                        message = await anext(stream)
                    self._trust.apply(message)
                    self._reach.succeeded()
                    pause = 0.1
            except StopAsyncIteration:
                _log.debug("trust.watch_ended")
            except Exception as error:  # noqa: BLE001 - whatever it was, the watch is opened again
                self._note(error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _note(self, error: Exception) -> None:
        if not isinstance(error, AppError):
            self._reach.failed(type(error).__name__)
        elif error.kind is Kind.UNAVAILABLE:
            # That auth-service is away is told of by the channel to it.
            _log.debug("trust.watch_waits", reason=error.reason)
        else:
            self._reach.failed(error.reason)
