"""Takes away everything of a user who is gone."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from apikey_service.usecases.ports import OpenErasure
from chassis.clock import utc_now

# A subject that this service alone may publish on.
USER_ERASED = "user.erased.apikey-service"


async def erase_user(
    open_erasure: OpenErasure,
    *,
    user_id: UUID,
    tenant_id: UUID,
    receipt: Callable[[datetime], bytes],
) -> None:
    """Delete all keys of the user, let none be written again, and confirm.

    Some hundreds of rows in each transaction: it may end between two, and be called again. The
    one that finds nothing left confirms. ``receipt`` makes the confirmation from the time of
    erasure. To do it again changes nothing, and confirms again with the first time.
    """
    is_more = True
    while is_more:
        async with open_erasure() as transaction:
            erased_at = await transaction.erase_owner(
                user_id=user_id, tenant_id=tenant_id, at=utc_now()
            )
            is_more = await transaction.delete_some(user_id)
            if not is_more:
                await transaction.enqueue(USER_ERASED, receipt(erased_at))
