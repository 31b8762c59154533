"""What is taken away of notices of a user who is gone."""

from chat_service.notices.domain.errors import NoticesUnavailable
from chat_service.notices.log import NoticeLog
from chat_service.redis_client import REDIS_ERRORS
from servicekit.erasure import Erasing, Step


def forget_notices(log: NoticeLog) -> Step:
    """The step; it raises NoticesUnavailable while Redis is away, and is then taken again."""

    async def take(erasing: Erasing) -> None:
        try:
            await log.erase(erasing.user.user_id)
        except REDIS_ERRORS:
            raise NoticesUnavailable() from None

    return take
