"""Pseudonyms: keyed digests of what the database need not know."""

import hmac
from collections.abc import Callable, Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auth_service.credentials.signing import SigningKey

_INFO = b"parley auth-service pseudonyms"
_KEY_BYTES = 32


class KeyedPseudonyms:
    """Pseudonyms under keys derived (HKDF-SHA-256) from the signing keys in force.

    ``keys`` gives those keys at each call, the one that signs first: under that one pseudonyms
    are made, and under all of them they are found again.
    """

    def __init__(self, keys: Callable[[], Sequence[SigningKey]]) -> None:
        self._keys = keys
        # By the signing key's name; a process sees few of them.
        self._derived: dict[str, bytes] = {}

    def of(self, *parts: str) -> bytes:
        """The 32 bytes that stand for ``parts``, in this order and so divided."""
        return self._digest(self._keys()[0], parts)

    def all_of(self, *parts: str) -> Sequence[bytes]:
        """What ``of`` returns, and what it would have returned under the other keys."""
        return [self._digest(key, parts) for key in self._keys()]

    def _digest(self, key: SigningKey, parts: Sequence[str]) -> bytes:
        # Each with its length before it: no two lists of parts are one text.
        encoded = [part.encode() for part in parts]
        text = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
        return hmac.digest(self._secret(key), text, sha256)

    def _secret(self, key: SigningKey) -> bytes:
        kid = key.verification.kid
        if kid not in self._derived:
            derivation = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_INFO)
            self._derived[kid] = derivation.derive(key.private_key.private_bytes_raw())
        return self._derived[kid]
