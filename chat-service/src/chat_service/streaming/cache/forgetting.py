"""The wishes to forget users' answers: each is committed with what has taken conversations away, and met behind it.

So none is lost to a kill or to an outage of Redis, however long: whichever replica looks next meets it.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database
from chassis.db.statement import Statement
from chassis.errors import AppError
from chassis.repeated import Repeated
from chat_service.redis_client import REDIS_ERRORS
from chat_service.streaming.cache.answers import AnswerCache
from servicekit.erasure import in_batches

_EVERY_SECONDS: Final = 5.0
_BATCH: Final = 100

_NEXT = Statement(text("SELECT user_id, wish FROM answers_to_forget ORDER BY user_id LIMIT :most"))
_MET = Statement(
    text("DELETE FROM answers_to_forget WHERE user_id = :user_id AND wish = CAST(:wish AS uuid)")
)
_OF_ERASED = Statement(text("DELETE FROM answers_to_forget WHERE user_id = :user_id"))


class Forgetting(Repeated):
    """Meets these wishes in the worker role: when woken, and every five seconds."""

    def __init__(self, worker: Database, cache: AnswerCache) -> None:
        super().__init__(
            "forgetting of answers",
            self.forget,
            seconds=_EVERY_SECONDS,
            away=(AppError, *REDIS_ERRORS),
        )
        self._worker = worker
        self._cache = cache

    async def forget(self) -> None:
        """Look now. Raises DatabaseBusy, DatabaseUnavailable, or one of REDIS_ERRORS."""
        found = _BATCH
        while found == _BATCH:
            async with self._worker.transaction() as connection:
                wishes = await _NEXT.all(connection, most=_BATCH)
            for one in wishes:
                await self._cache.forget(one.user_id)
                # A wish that has come meanwhile is another, and stays.
                async with self._worker.transaction() as connection:
                    await _MET.run(connection, user_id=one.user_id, wish=one.wish)
            found = len(wishes)


async def _forget_wish(connection: AsyncConnection, user_id: UUID) -> int:
    return await _OF_ERASED.run(connection, user_id=user_id)


#: The step that takes away an erased user's wish; their answers go in another.
forget_wish: Final = in_batches(_forget_wish)
