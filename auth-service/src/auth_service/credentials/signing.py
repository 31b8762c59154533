"""Access tokens: JWTs (RFC 9068) signed with Ed25519."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from auth_service.domain.trust import VerificationKey
from auth_service.domain.users import User
from auth_service.usecases.ports import AccessToken
from chassis.grpc.caller import AUDIENCE, ISSUER
from chassis.ids import new_id

# 32 random bytes repeat a value or two; fewer distinct ones than this were typed by someone.
_LEAST_DISTINCT_BYTES = 16


class UnusableSigningKey(ValueError):
    """The signing key's file cannot be used; the message says why and shows nothing of it."""


class SigningKey:
    """An Ed25519 key under the name that verifiers know it by."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        public_key = private_key.public_key().public_bytes_raw()
        self.private_key = private_key
        self.verification = VerificationKey(thumbprint(public_key), public_key)

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """The key in a PEM file (PKCS #8, not encrypted). Raises UnusableSigningKey."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UnusableSigningKey(f"{error.strerror}: {path}") from None
        try:
            key = load_pem_private_key(content, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise UnusableSigningKey(f"not an unencrypted PEM private key: {path}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise UnusableSigningKey(f"not an Ed25519 key: {path}")
        if len(set(key.private_bytes_raw())) < _LEAST_DISTINCT_BYTES:
            raise UnusableSigningKey(f"not a random key: {path}")
        return cls(key)


def thumbprint(public_key: bytes) -> str:
    """The RFC 7638 thumbprint of a raw Ed25519 public key, as RFC 8037 appendix A.3 makes it."""
    x = _base64url(public_key)
    return _base64url(sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())


class AccessTokenSigner:
    """Issues access tokens that live for ``life``, under the key that signs at the time."""

    def __init__(self, signing: Callable[[], SigningKey], *, life: timedelta) -> None:
        self._signing = signing
        self._life = life

    def issue(
        self,
        user: User,
        sid: str,
        now: datetime,
        *,
        scopes: Sequence[str] | None = None,
        life: timedelta | None = None,
    ) -> AccessToken:
        """A token of ``user`` in the login ``sid``, good from ``now`` on.

        ``scopes`` bound what it is good for; ``life`` is at most the usual one.
        """
        life = self._life if life is None else min(life, self._life)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user.id),
            "tid": str(user.tenant_id),
            "role": user.role.value,
            "sid": sid,
            "iat": int(now.timestamp()),
            "exp": int((now + life).timestamp()),
            "jti": str(new_id()),
        }
        if scopes is not None:
            claims["scope"] = " ".join(scopes)
        key = self._signing()
        text = jwt.encode(
            claims,
            key.private_key,
            algorithm="EdDSA",
            headers={"typ": "at+jwt", "kid": key.verification.kid},
        )
        return AccessToken(text, int(life.total_seconds()))


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
