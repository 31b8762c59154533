"""The ring of key-encryption keys: the first one locks data keys, any of them opens what it locked."""

import os
from collections.abc import Sequence
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apikey_service.vault.kek import KeyEncryptionKey

# Each nonce is random and stands before its ciphertext. A data key locks one text only; a
# key-encryption key may lock 2**32 data keys before a nonce is likely to repeat.
_NONCE_BYTES: Final = 12
_REQUESTS: Final = b"parley vault request hash"


class NotInRing(Exception):
    """The key that locks this data key is none of the ring's."""


class NotLockedHere(Exception):
    """It was not locked for this context, or has been tampered with."""


class KeyRing(Protocol):
    """What locks data keys. ``current_id`` names the key that does, ``ids`` all that open."""

    current_id: str
    ids: frozenset[str]

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """``data_key`` locked with the current key, to be opened with ``context`` alone."""

    def unwrap(self, kek_id: str, wrapped_key: bytes, context: bytes) -> bytes:
        """The data key. Raises NotInRing, NotLockedHere."""


class LocalKeyRing(KeyRing):
    """Keys in this process's memory: ``current``, and ``old`` ones that open only."""

    def __init__(self, current: KeyEncryptionKey, old: Sequence[KeyEncryptionKey] = ()) -> None:
        self.current_id = current.id
        self._ciphers = {kek.id: AESGCM(kek.secret) for kek in (current, *old)}
        self.ids = frozenset(self._ciphers)
        #: What requests are hashed with that hold users' keys, the current key's first.
        self.request_secrets = tuple(kek.derive(_REQUESTS) for kek in (current, *old))

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        return lock(self._ciphers[self.current_id], data_key, context)

    def unwrap(self, kek_id: str, wrapped_key: bytes, context: bytes) -> bytes:
        cipher = self._ciphers.get(kek_id)
        if cipher is None:
            raise NotInRing()
        return unlock(cipher, wrapped_key, context)


def lock(cipher: AESGCM, text: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, text, context)


def unlock(cipher: AESGCM, locked: bytes, context: bytes) -> bytes:
    """Raises NotLockedHere."""
    try:
        return cipher.decrypt(locked[:_NONCE_BYTES], locked[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        raise NotLockedHere() from None
