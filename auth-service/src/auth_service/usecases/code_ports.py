"""What codes need of the outside, and of a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from auth_service.domain.codes import Purpose
from auth_service.domain.users import Account


@dataclass(frozen=True, slots=True)
class CodeMail:
    """A code on its way to the address ``to``."""

    to: str
    purpose: Purpose
    code: str = field(repr=False)


class Delivery(Protocol):
    async def deliver(self, mail: CodeMail) -> None:
        """Send it; raises NotDelivered when that cannot be done."""
        ...


@dataclass(frozen=True, slots=True)
class CodeJob:
    """A code that somebody has asked for; whether to send one is decided when the job runs."""

    purpose: Purpose
    email: str


class CodeQueue(Protocol):
    """The job queue of codes to send."""

    def add(self, job: CodeJob) -> None:
        """Have it done after the answer. Raises TooBusy while too many jobs wait."""
        ...


@dataclass(frozen=True, slots=True)
class CodePorts:
    """What ``wiring`` hands to the use cases for codes."""

    queue: CodeQueue
    delivery: Delivery
    # How many may be sent to everybody together.
    sends_an_hour: int
    # Whether nobody registers without one.
    to_register: bool


class CodeTransaction(Protocol):
    """The part of a transaction that keeps codes; each is known by its digests alone."""

    async def save_code(
        self, purpose: Purpose, *, subjects: Sequence[bytes], digest: bytes
    ) -> None:
        """Keep a code for CODE_LIFE under the first of ``subjects``, and none under the others;
        it takes the place of what was there.
        """
        ...

    async def has_code(self, digests: Sequence[bytes]) -> bool:
        """Whether a code that has not expired has one of ``digests``."""
        ...

    async def redeem_code(self, digests: Sequence[bytes]) -> bool:
        """Take that code away: of many that do it at once, one gets True."""
        ...


class RecoveryTransaction(Protocol):
    """The part of a transaction that finds an account by its address."""

    async def account_by_email(
        self, email: str, *, lock: bool = False, disabled: bool = False
    ) -> Account | None:
        """The account whose verified address is ``email`` in any spelling; ``lock`` as for
        ``account``; one that is ``disabled`` only where it is asked for.
        """
        ...

    async def is_email_taken(self, email: str) -> bool:
        """Whether any account's verified address is this one, also one that cannot log in."""
        ...


class ProfileTransaction(Protocol):
    """The part of a transaction that changes what users say of themselves."""

    async def set_display_name(self, user_id: UUID, name: str) -> None: ...

    async def set_email(self, user_id: UUID, email: str, *, verified_at: datetime | None) -> None:
        """Set the address, and whether it is verified. Raises EmailTaken if it shall be and
        is somebody else's.
        """
        ...
