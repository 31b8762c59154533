"""What the use cases need from outside: the lock on what is stored."""

from typing import Protocol

from apikey_service.domain.sealed import Place, Sealed
from apikey_service.domain.secret import Secret


class Vault(Protocol):
    """Locks secrets to their place."""

    def seal(self, secret: Secret, place: Place) -> Sealed: ...

    def open(self, sealed: Sealed, place: Place) -> Secret:
        """The secret.

        Raises KeyUnreadable when it was sealed for another place or tampered with, or when the
        key-encryption key is not at hand: the operator has been told then.
        """
