"""A logged-in user's transaction, as the app role: row-level security applies."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.erasures import Erasure
from auth_service.store.effects import PostgresEffects
from auth_service.store.tables import erasures, service_erasures
from auth_service.store.transactions import Effects
from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.idempotency import find_repeated
from chassis.idempotency import Effect, Once


class CallerTransaction(PostgresEffects):
    """One transaction for a logged-in user: nothing of anybody else can be seen in it."""

    def __init__(self, connection: AsyncConnection, effects: Effects, caller: Caller) -> None:
        super().__init__(connection, effects)
        self._caller = caller

    async def find_repeated(self, once: Once[Effect], made: Effect) -> Effect | None:
        """What an earlier request of this key made.

        None: this is the first one, ``made`` is kept as its answer, and is yet to be stored.
        Raises IdempotencyKeyReused, RequestInProgress.
        """
        return await find_repeated(self._connection, self._caller, once, made)

    async def add_erasure(self, erasure: Erasure, *, services: Sequence[str]) -> None:
        await self._connection.execute(
            insert(erasures).values(
                id=erasure.id,
                tenant_id=erasure.tenant_id,
                user_id=erasure.user_id,
                requested_at=erasure.requested_at,
                sent_at=erasure.requested_at,
            )
        )
        await self._connection.execute(
            insert(service_erasures),
            [
                {
                    "erasure_id": erasure.id,
                    "service": service,
                    "tenant_id": erasure.tenant_id,
                    "user_id": erasure.user_id,
                }
                for service in services
            ],
        )


OpenCaller = Callable[[Caller], AbstractAsyncContextManager[CallerTransaction]]


def caller_transactions(database: Database, effects: Effects) -> OpenCaller:
    """Opens transactions on ``database``, which is connected as the app role."""

    @asynccontextmanager
    async def open_caller(caller: Caller) -> AsyncIterator[CallerTransaction]:
        async with database.transaction(caller) as connection:
            transaction = CallerTransaction(connection, effects, caller)
            yield transaction
        transaction.changes.announce()

    return open_caller
