"""The wishes to forget users' answers: met in the worker's role, in which all are in sight."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database
from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from servicekit.erasure import in_batches

_NEXT = Statement(text("SELECT user_id, wish FROM answers_to_forget ORDER BY user_id LIMIT :most"))
_MET = Statement(
    text("DELETE FROM answers_to_forget WHERE user_id = :user_id AND wish = CAST(:wish AS uuid)")
)
_IS_WISHED = Statement(
    text("SELECT EXISTS (SELECT FROM answers_to_forget WHERE user_id = :user_id) AS is_wished")
)
_OF_ERASED = Statement(text("DELETE FROM answers_to_forget WHERE user_id = :user_id"))


class AnswersToForget:
    """On a database that is connected as the worker role. Its methods raise what the database does."""

    def __init__(self, worker: Database) -> None:
        self._worker = worker

    async def list(self, most: int) -> list[tuple[UUID, UUID]]:
        """Users and their wishes."""
        async with self._worker.transaction() as connection:
            rows = await _NEXT.all(connection, most=most)
        return [(row.user_id, row.wish) for row in rows]

    async def met(self, user_id: UUID, wish: UUID) -> None:
        """It is; one that has come meanwhile is another, and stays."""
        async with self._worker.transaction() as connection:
            await _MET.run(connection, user_id=user_id, wish=wish)


async def is_to_be_forgotten(transaction: Transaction) -> bool:
    """Whether a wish of the transaction's user is not met yet."""
    row = await _IS_WISHED.first(transaction.connection, user_id=transaction.owner.user_id)
    return row is not None and row.is_wished


async def _forget(connection: AsyncConnection, user_id: UUID) -> int:
    return await _OF_ERASED.run(connection, user_id=user_id)


#: The step that takes away an erased user's wish; their answers go in another.
forget_wish: Final = in_batches(_forget)
