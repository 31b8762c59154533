"""Takes away everything of a user who is gone."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from apikey_service.usecases.ports import OpenErasure
from chassis.clock import utc_now

USER_ERASED = "user.erased"


async def erase_user(
    open_erasure: OpenErasure,
    *,
    user_id: UUID,
    tenant_id: UUID,
    receipt: Callable[[datetime], bytes],
) -> None:
    """Delete all keys of the user, let none be written again, and confirm.

    All in one transaction. ``receipt`` makes the confirmation from the time of erasure. To do
    it again changes nothing, and confirms again with the first time.
    """
    async with open_erasure() as transaction:
        erased_at = await transaction.erase_owner(
            user_id=user_id, tenant_id=tenant_id, at=utc_now()
        )
        await transaction.delete_keys(user_id)
        await transaction.forget_answers(user_id)
        await transaction.enqueue(USER_ERASED, receipt(erased_at))
