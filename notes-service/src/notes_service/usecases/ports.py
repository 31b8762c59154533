"""What the use cases need from outside: the database."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from chassis.caller import Caller
from chassis.idempotency import Once
from chassis.paging import Position
from notes_service.domain.note import Note


class Transaction(Protocol):
    """One transaction of one user: it sees that user's notes and no others.

    What is written is kept when the block ends, and nothing of it if the block raises.
    """

    def lock_owner(self) -> None:
        """Keep the user from being erased meanwhile: comes before every write.

        If the erasure came first, the next call here raises OwnerErased, or the commit does.
        """

    async def insert(self, note: Note) -> None: ...

    async def find_repeated(self, once: Once[Note], note: Note) -> Note | None:
        """The note that an earlier request of this key made.

        None: this is the first one, ``note`` is kept as its answer, and is yet to be stored.
        Raises IdempotencyKeyReused, RequestInProgress.
        """

    async def find(self, note_id: UUID) -> Note | None: ...

    async def list(
        self, *, after: Position | None, limit: int, most_bytes: int
    ) -> tuple[list[Note], bool]:
        """At most ``limit`` notes behind ``after``, most recently changed first, and whether there
        are more.

        The one with which their contents have ``most_bytes`` bytes of UTF-8 is the last.
        """

    async def count(self) -> int: ...

    async def delete(self, note_id: UUID) -> bool:
        """Whether there was such a note to delete."""


OpenTransaction = Callable[[Caller], AbstractAsyncContextManager[Transaction]]
