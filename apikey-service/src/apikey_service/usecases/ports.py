"""What the use cases need from outside: the database, and the lock on what it stores."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from apikey_service.domain.key import Key
from apikey_service.domain.secret import Secret
from chassis.caller import Caller
from chassis.idempotency import Once
from chassis.paging import Position


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed text belongs: it opens there and nowhere else."""

    tenant_id: UUID
    user_id: UUID
    key_id: UUID
    field: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is stored.

    ``ciphertext`` is locked with a data key of its own, ``wrapped_key`` is that data key
    locked with the key-encryption key that ``kek_id`` names.
    """

    ciphertext: bytes = field(repr=False)
    wrapped_key: bytes = field(repr=False)
    kek_id: str


class Vault(Protocol):
    """Locks secrets to their place."""

    def seal(self, secret: Secret, place: Place) -> Sealed: ...

    def open(self, sealed: Sealed, place: Place) -> Secret:
        """The secret.

        Raises KeyUnreadable when it was sealed for another place or tampered with, or when the
        key-encryption key is not at hand: the operator has been told then.
        """


class Transaction(Protocol):
    """One transaction of one user: it sees that user's keys and no others.

    What is written is kept when the block ends, and nothing of it if the block raises.
    """

    def lock_owner(self) -> None:
        """Keep the user from being erased meanwhile: comes before every write.

        If the erasure came first, the next call here raises OwnerErased, or the commit does.
        """

    async def insert(self, key: Key, sealed: Sealed) -> bool:
        """Whether the key was stored: False if the user has one whose name looks the same."""

    async def find_repeated(self, once: Once[Key], key: Key) -> Key | None:
        """The key that an earlier request of this key made.

        None: this is the first one, ``key`` is kept as its answer, and is yet to be stored.
        Raises IdempotencyKeyReused, RequestInProgress.
        """

    async def find(self, key_id: UUID) -> Key | None: ...

    async def list(self, *, after: Position | None, limit: int) -> list[Key]:
        """At most ``limit`` keys behind ``after``, oldest first."""

    async def count(self) -> int: ...


OpenTransaction = Callable[[Caller], AbstractAsyncContextManager[Transaction]]


class FindSealed(Protocol):
    """One read in a transaction of its own: it is on the way of every question asked."""

    async def __call__(self, caller: Caller, key_id: UUID | None) -> tuple[Key, Sealed] | None:
        """The caller's key of this id, or with None their oldest one."""
