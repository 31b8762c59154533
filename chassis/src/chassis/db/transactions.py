"""A user's transaction as use cases see it: opened for somebody, and handed to repositories.

A repository is a plain class for one aggregate, in the service's ``store/``, made on an open
transaction. A use case opens one, and takes those repositories that it needs::

    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        await Notes(transaction).insert(note)
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database, RowOwner
from chassis.db.idempotency import find_answered, find_repeated
from chassis.db.owners import lock_owner
from chassis.db.statement import Statement
from chassis.idempotency import Effect, IdempotencyKeyReused, Once

_ALONE = Statement(text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))"))


class Owned(Protocol):
    """Whatever says whose rows a transaction may see: a Caller, a Run."""

    @property
    def user_id(self) -> UUID: ...

    @property
    def tenant_id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction of one user: it sees that user's rows and no others.

    What is written is kept when the block ends, and nothing of it if the block raises.
    """

    connection: AsyncConnection
    owner: RowOwner

    async def lock_owner(self) -> None:
        """Keep the user from being erased meanwhile: comes before every write.

        Raises OwnerErased if the erasure came first.
        """
        await lock_owner(self.connection, self.owner)

    async def alone(self, what: str) -> None:
        """Wait until no other transaction of this user does this, such as ``add note``, and keep them from it."""
        await _ALONE.run(self.connection, what=f"{what} {self.owner.user_id}")

    async def find_repeated(self, once: Once[Effect], made: Effect) -> Effect | None:
        """What an earlier request of this key made.

        None: this is the first one, ``made`` is kept as its answer, and is yet to be stored.
        Raises IdempotencyKeyReused, RequestInProgress.
        """
        return await find_repeated(self.connection, self.owner, once, made)

    async def find_answered(self, once: Once[Effect]) -> Effect | None:
        """What an earlier request of this key made; None: nothing, and nothing is kept.

        Raises IdempotencyKeyReused, RequestInProgress.
        """
        return await find_answered(self.connection, self.owner, once)

    async def is_answered(self, once: Once[Effect]) -> bool:
        """Whether something was answered to this key, to whichever request. Raises RequestInProgress."""
        try:
            return await self.find_answered(once) is not None
        except IdempotencyKeyReused:
            return True


OpenTransaction = Callable[[Owned], AbstractAsyncContextManager[Transaction]]


def transactions(database: Database) -> OpenTransaction:
    """Opens users' transactions on ``database``, which is connected as the app role."""

    @asynccontextmanager
    async def open_transaction(whose: Owned) -> AsyncIterator[Transaction]:
        owner = RowOwner(tenant_id=whose.tenant_id, user_id=whose.user_id)
        async with database.transaction(owner) as connection:
            yield Transaction(connection, owner)

    return open_transaction
