"""Forgets users' answers as is wished: each wish is committed with what has taken conversations away, and met behind it.

So none is lost to a kill or to an outage of Redis, however long: whichever replica looks next meets it.
"""

from typing import Final

from chassis.errors import AppError
from chassis.repeated import Repeated
from chat_service.redis_client import REDIS_ERRORS
from chat_service.streaming.cache.answers import AnswerCache
from chat_service.streaming.store.answers_to_forget import AnswersToForget

_EVERY_SECONDS: Final = 5.0
_BATCH: Final = 100


class Forgetting(Repeated):
    """Meets these wishes: when woken, and every five seconds."""

    def __init__(self, wishes: AnswersToForget, cache: AnswerCache) -> None:
        super().__init__(
            "forgetting of answers",
            self.forget,
            seconds=_EVERY_SECONDS,
            away=(AppError, *REDIS_ERRORS),
        )
        self._wishes = wishes
        self._cache = cache

    async def forget(self) -> None:
        """Look now. Raises DatabaseBusy, DatabaseUnavailable, or one of REDIS_ERRORS."""
        found = _BATCH
        while found == _BATCH:
            wishes = await self._wishes.list(_BATCH)
            for user_id, wish in wishes:
                await self._cache.forget(user_id)
                await self._wishes.met(user_id, wish)
            found = len(wishes)
