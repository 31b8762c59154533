"""Secrets sealed to their place with AES-256-GCM (NIST SP 800-38D).

Both the secret and its data key are bound, as additional authenticated data, to tenant, owner,
key id and field: a ciphertext moved to another row, or to another user, does not open.
"""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import Counter

from apikey_service.domain.errors import KeyUnreadable
from apikey_service.domain.sealed import Place, Sealed
from apikey_service.domain.secret import Secret
from apikey_service.usecases.ports import Rewrapper, Vault
from apikey_service.vault.ring import KeyRing, NotInRing, NotLockedHere, lock, unlock
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

_ADVICE = {
    _KEK_MISSING: "the key-encryption key of this id is not in the ring: put it back, into "
    "APIKEY_VAULT_OLD_KEYS, and the stored key opens again",
    _NOT_SEALED_HERE: "somebody changed the table, or a restore mixed rows: find out who; the "
    "owner has to save the key again",
}

_DATA_KEY_BYTES = 32


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


class EnvelopeVault(Vault, Rewrapper):
    """Seals with the current key of ``ring``, and opens what was sealed with any of its keys."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def seal(self, secret: Secret, place: Place) -> Sealed:
        """Lock ``secret`` under a fresh data key, to be opened at ``place`` alone."""
        data_key = os.urandom(_DATA_KEY_BYTES)
        return Sealed(
            ciphertext=lock(AESGCM(data_key), secret.reveal().encode(), _context(_SECRET, place)),
            wrapped_key=self._ring.wrap(data_key, _context(_DATA_KEY, place)),
            kek_id=self._ring.current_id,
        )

    def open(self, sealed: Sealed, place: Place) -> Secret:
        """The secret that was sealed for ``place``; raises KeyUnreadable."""
        try:
            data_key = self._data_key(sealed.kek_id, sealed.wrapped_key, place)
            text = unlock(AESGCM(data_key), sealed.ciphertext, _context(_SECRET, place))
        except NotInRing:
            raise self._unreadable(_KEK_MISSING, sealed.kek_id, place) from None
        # A data key of another length is none.
        except (NotLockedHere, ValueError):
            raise self._unreadable(_NOT_SEALED_HERE, sealed.kek_id, place) from None
        return Secret(text.decode())

    def rewrap(self, kek_id: str, wrapped_key: bytes, place: Place) -> tuple[str, bytes]:
        """The current key's id, and the same data key locked with it.

        Raises KeyUnreadable, which is nobody's alarm yet: nobody has asked for the secret.
        """
        try:
            data_key = self._data_key(kek_id, wrapped_key, place)
        except (NotInRing, NotLockedHere):
            raise KeyUnreadable() from None
        return self._ring.current_id, self._ring.wrap(data_key, _context(_DATA_KEY, place))

    def _data_key(self, kek_id: str, wrapped_key: bytes, place: Place) -> bytes:
        return self._ring.unwrap(kek_id, wrapped_key, _context(_DATA_KEY, place))

    def _unreadable(self, cause: str, kek_id: str, place: Place) -> KeyUnreadable:
        """Tells the operator: nothing that a user does makes a stored key unreadable."""
        _UNREADABLE.labels(cause).inc()
        _log.critical(
            "vault.key_unreadable",
            cause=cause,
            key_id=str(place.key_id),
            user_id=str(place.user_id),
            tenant_id=str(place.tenant_id),
            field=place.field,
            kek_id=kek_id,
            current_kek_id=self._ring.current_id,
            advice=_ADVICE[cause],
        )
        return KeyUnreadable()
