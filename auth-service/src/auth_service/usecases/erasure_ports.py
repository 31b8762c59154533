"""What the end of an account needs of a transaction, on this service's own side."""

from typing import Protocol

from auth_service.domain.erasures import Erasure


class Anonymisation(Protocol):
    """The part of a transaction that anonymises the audit log of a deleted user."""

    async def anonymise_audit_log(self, erasure: Erasure) -> bool:
        """Take addresses and agents out of the next few thousand entries about the user, or by
        them; True if these were the last. To be called once the user is a tombstone.
        """
        ...


class Unanonymised(Protocol):
    """The part of the system's transaction that finds what is left of it."""

    async def claim_to_anonymise(self) -> Erasure | None:
        """The oldest erasure that this service has yet to confirm and that no other
        transaction is at; others leave it alone until this one ends.
        """
        ...
