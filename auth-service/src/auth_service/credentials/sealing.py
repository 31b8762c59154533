"""Refresh tokens sealed under their predecessors: AES-256-GCM, each under a key of its own."""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_PURPOSE = b"parley successor of a refresh token"


class SealedSuccessors:
    """See the port Successors. A token has 256 random bits: its key needs no salt."""

    def seal(self, refresh_token: str, *, under: str) -> bytes:
        """Nonce, ciphertext, tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(_key(under)).encrypt(nonce, refresh_token.encode(), _PURPOSE)

    def open(self, sealed: bytes, *, under: str) -> str:
        """Raises InvalidTag for what was not sealed under this token."""
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return AESGCM(_key(under)).decrypt(nonce, ciphertext, _PURPOSE).decode()


def _key(token: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(token.encode())
