"""What is taken away of kept answers of a user who is gone."""

from chassis.errors import Unavailable
from chat_service.redis_client import REDIS_ERRORS
from chat_service.streaming.cache.answers import AnswerCache
from servicekit.erasure import Erasing, Step


class AnswerCacheUnavailable(Unavailable):
    """Redis is away."""

    reason = "ANSWER_CACHE_UNAVAILABLE"


def forget_answers(cache: AnswerCache) -> Step:
    """The step; it raises AnswerCacheUnavailable while Redis is away, and is then taken again."""

    async def take(erasing: Erasing) -> None:
        try:
            await cache.forget(erasing.user.user_id, for_good=True)
        except REDIS_ERRORS:
            raise AnswerCacheUnavailable() from None

    return take
