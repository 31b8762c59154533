"""What the end of an account needs of a transaction, on this service's own side."""

from typing import Protocol

from auth_service.domain.erasures import Erasure


class Blanking(Protocol):
    """The part of a transaction that blanks the trail of who is deleted."""

    async def blank_trail(self, erasure: Erasure) -> bool:
        """Take addresses and agents out of the next few thousand entries about the user, or by
        them; True if these were the last. To be called once the user is entombed.
        """
        ...


class Unblanked(Protocol):
    """The part of the system's transaction that finds what is left of it."""

    async def claim_unblanked(self) -> Erasure | None:
        """The oldest erasure that this service has yet to confirm and that no other
        transaction is at; others leave it alone until this one ends.
        """
        ...
