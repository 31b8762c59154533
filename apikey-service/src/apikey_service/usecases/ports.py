"""What the use cases need from outside: the lock on what is stored, and the operator's word."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from apikey_service.domain.key import Learnt, Outcome
from apikey_service.domain.operator_connection import OperatorConnection
from apikey_service.domain.sealed import Place, Sealed
from apikey_service.domain.secret import Secret
from chassis.caller import Caller


class Vault(Protocol):
    """Locks secrets to their place."""

    def seal(self, secret: Secret, place: Place) -> Sealed: ...

    def open(self, sealed: Sealed, place: Place) -> Secret:
        """The secret.

        Raises KeyUnreadable when it was sealed for another place or tampered with, or when the
        key-encryption key is not at hand: the operator has been told then.
        """


class Rewrapper(Protocol):
    """Locks data keys anew, with the current key-encryption key."""

    def rewrap(self, kek_id: str, wrapped_key: bytes, place: Place) -> tuple[str, bytes]:
        """The current key's id, and what it has locked. Raises KeyUnreadable, and tells nobody."""


class AddressRules(Protocol):
    """Which addresses the operator keeps closed."""

    def refuses(self, host: str) -> bool:
        """Whether ``host`` is an address that is closed: the operator is told then which setting
        would open it. Of a name it cannot be known yet.
        """


class OperatorConnections(Protocol):
    """The connections that the operator offers, in their order."""

    def open_to(self, caller: Caller) -> Sequence[OperatorConnection]:
        """Those that the caller may use."""

    def outcome(self, key_id: UUID) -> Outcome:
        """What is known to have come of using one, some seconds late."""

    async def report(
        self, key_id: UUID, *, reason: str | None, ok: bool, learnt: Sequence[Learnt], at: datetime
    ) -> None:
        """Note what came of using one."""


class LastUses(Protocol):
    """Notes when keys are used, and writes it later."""

    def note(self, key_id: UUID) -> None: ...
