"""Access tokens made by the tests themselves, and the trust that verifies them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chassis.caller import Caller
from chassis.grpc.caller import AUDIENCE, ISSUER
from chassis.grpc.trust import RevocationLike, TrustStore
from chassis.ids import new_id


@dataclass(frozen=True)
class _Key:
    kid: str
    public_key: bytes


@dataclass(frozen=True)
class _State:
    """By shape, the first message of auth-service's watch stream."""

    keys: tuple[_Key, ...]
    snapshot: bool = True
    revocations: tuple[RevocationLike, ...] = ()


@dataclass(frozen=True)
class Signer:
    """A signing key of a test's own; ``trust`` holds its public half and nothing is revoked."""

    kid: str = field(default_factory=lambda: str(new_id()))
    private_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    trust: TrustStore = field(default_factory=TrustStore)

    def __post_init__(self) -> None:
        self.trust.apply(_State((_Key(self.kid, self.public_key),)))

    @property
    def public_key(self) -> bytes:
        """Raw, 32 bytes, as auth-service publishes it."""
        return self.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def caller(
        self,
        user_id: UUID | None = None,
        tenant_id: UUID | None = None,
        *,
        role: str = "user",
        sid: str | None = None,
        lifetime: float = 300.0,
        scope: str | None = None,
    ) -> Caller:
        """A caller with a good token; whatever is not given is new. Without ``scope`` it is good
        for everything.
        """
        user_id, tenant_id = user_id or new_id(), tenant_id or new_id()
        sid = sid or str(new_id())
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "tid": str(tenant_id),
            "role": role,
            "sid": sid,
            "iat": now,
            "exp": int(now + lifetime),
            "jti": str(new_id()),
        }
        if scope is not None:
            claims["scope"] = scope
        return Caller(
            user_id=user_id,
            tenant_id=tenant_id,
            role=role,
            sid=sid,
            token=self.sign(claims),
            expires_at=float(now + lifetime),
            scopes=None if scope is None else frozenset(scope.split()),
        )

    def token(
        self,
        user_id: UUID | None = None,
        tenant_id: UUID | None = None,
        role: str = "user",
        sid: str | None = None,
    ) -> str:
        """The token of such a caller, good for five minutes."""
        return self.caller(user_id, tenant_id, role=role, sid=sid).token

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Any claims under this key; ``header`` adds to or replaces the header's members."""
        return jwt.encode(
            dict(claims),
            self.private_key,
            algorithm="EdDSA",
            headers={"typ": "at+jwt", "kid": self.kid, **header},
        )
