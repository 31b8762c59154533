"""The key-encryption key, as it comes from a setting."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

_BYTES = 32
# Random bytes hold about 30 different values in 32; what somebody typed holds few.
_LEAST_DIFFERENT = 16


@dataclass(frozen=True, slots=True)
class KeyEncryptionKey:
    """A key that locks data keys; ``id`` names it in the rows it has locked."""

    id: str
    secret: bytes = field(repr=False)

    def derive(self, purpose: bytes) -> bytes:
        """32 bytes for ``purpose`` alone, which show nothing of the key."""
        return hmac.digest(self.secret, purpose, hashlib.sha256)


def parse_kek(text: str) -> KeyEncryptionKey:
    """The key that ``text`` spells: 32 random bytes in base64, white space around ignored.

    Raises ValueError, with a text that shows nothing of it, for anything else.
    """
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be 32 random bytes in base64: it is not base64") from None
    if len(secret) != _BYTES:
        raise ValueError(f"must be 32 random bytes in base64: these are {len(secret)} bytes")
    if len(set(secret)) < _LEAST_DIFFERENT:
        raise ValueError("must be 32 random bytes in base64: these are not random")
    # The id follows from the key, so that a key can never be stored under another one's name.
    name = hmac.digest(secret, b"parley vault key id", hashlib.sha256)[:8].hex()
    return KeyEncryptionKey(name, secret)
