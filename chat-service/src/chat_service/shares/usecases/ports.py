"""What the use cases of shares need of the outside."""

from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID


class HashingSlot(Protocol):
    """A place among those whose hashes are computed, which is slow on purpose."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, password_hash: str | None) -> bool: ...


class Passwords(Protocol):
    """Password hashes, and the bounded queue for them."""

    def reserve_slot(self) -> AbstractContextManager[HashingSlot]:
        """Raises TooBusy rather than keep anyone waiting for long."""
        ...


class Contents(Protocol):
    """What is in stored files, whoever's they are: from the byte `begin` on and before `end`."""

    def __call__(
        self, user_id: UUID, file_id: UUID, begin: int, end: int
    ) -> AsyncGenerator[bytes, None]: ...


class Log(Protocol):
    """The process's log; fields are ids, and never what is shared."""

    def info(self, event: str, **fields: object) -> object: ...


class Sweep(Protocol):
    """Who deletes what was taken back."""

    def wake(self) -> None: ...
