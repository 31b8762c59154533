"""What tokens are verified with: the keys in force, and what has been revoked before its time."""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chassis.errors import Unavailable

# How often what has expired is looked for among what is revoked.
_FORGET_SECONDS = 60.0


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
