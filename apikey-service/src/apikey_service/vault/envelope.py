"""Secrets sealed to their place with AES-256-GCM (NIST SP 800-38D).

Both the secret and its data key are bound, as additional authenticated data, to tenant, owner,
key id and field: a ciphertext moved to another row, or to another user, does not open.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import Counter

from apikey_service.domain.errors import KeyUnreadable
from apikey_service.domain.sealed import Place, Sealed
from apikey_service.domain.secret import Secret
from apikey_service.usecases.ports import Vault
from apikey_service.vault.kek import KeyEncryptionKey
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_UNREADABLE = Counter(
    "apikey_unreadable_keys_total",
    "Stored keys that did not open: kek_missing or not_sealed_here.",
    ["cause"],
)
_KEK_MISSING = "kek_missing"
_NOT_SEALED_HERE = "not_sealed_here"
for _cause in (_KEK_MISSING, _NOT_SEALED_HERE):
    _UNREADABLE.labels(_cause)  # there from the start: an alert on its growth needs a zero

_DATA_KEY_BYTES = 32
# Each nonce is random and stands before its ciphertext. A data key locks one text only; the
# key-encryption key may lock 2**32 data keys before a nonce is likely to repeat.
_NONCE_BYTES = 12


def _context(purpose: bytes, place: Place) -> bytes:
    # Only the last part has a length of its own, so no two places have the same bytes.
    return b"".join(
        (
            purpose,
            place.tenant_id.bytes,
            place.user_id.bytes,
            place.key_id.bytes,
            place.field.encode(),
        )
    )


_SECRET = b"parley.vault.1.secret."
_DATA_KEY = b"parley.vault.1.datakey"


class EnvelopeVault(Vault):
    """Seals with ``kek``, and opens what was sealed with it."""

    def __init__(self, kek: KeyEncryptionKey) -> None:
        self._kek_id = kek.id
        self._kek = AESGCM(kek.secret)

    def seal(self, secret: Secret, place: Place) -> Sealed:
        """Lock ``secret`` under a fresh data key, to be opened at ``place`` alone."""
        data_key = os.urandom(_DATA_KEY_BYTES)
        return Sealed(
            ciphertext=_lock(AESGCM(data_key), secret.reveal().encode(), _context(_SECRET, place)),
            wrapped_key=_lock(self._kek, data_key, _context(_DATA_KEY, place)),
            kek_id=self._kek_id,
        )

    def open(self, sealed: Sealed, place: Place) -> Secret:
        """The secret that was sealed for ``place``; raises KeyUnreadable."""
        if sealed.kek_id != self._kek_id:
            raise self._unreadable(_KEK_MISSING, sealed, place)
        try:
            data_key = _unlock(self._kek, sealed.wrapped_key, _context(_DATA_KEY, place))
            text = _unlock(AESGCM(data_key), sealed.ciphertext, _context(_SECRET, place))
        except (InvalidTag, ValueError):
            raise self._unreadable(_NOT_SEALED_HERE, sealed, place) from None
        return Secret(text.decode())

    def _unreadable(self, cause: str, sealed: Sealed, place: Place) -> KeyUnreadable:
        """Tells the operator: nothing that a user does makes a stored key unreadable."""
        _UNREADABLE.labels(cause).inc()
        _log.critical(
            "vault.key_unreadable",
            cause=cause,
            key_id=str(place.key_id),
            user_id=str(place.user_id),
            tenant_id=str(place.tenant_id),
            kek_id=sealed.kek_id,
            current_kek_id=self._kek_id,
        )
        return KeyUnreadable()


def _lock(cipher: AESGCM, text: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, text, context)


def _unlock(cipher: AESGCM, locked: bytes, context: bytes) -> bytes:
    return cipher.decrypt(locked[:_NONCE_BYTES], locked[_NONCE_BYTES:], context)
