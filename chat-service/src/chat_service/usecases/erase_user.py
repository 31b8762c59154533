"""Takes everything of a user's away, and confirms that it has gone."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from chassis.clock import utc_now
from chat_service.usecases.ports import ForgetRunLogs, OpenErasure, Owned

# A subject that this service alone may publish on.
USER_ERASED = "user.erased.chat-service"


async def erase_user(
    open_erasure: OpenErasure,
    forget_run_logs: ForgetRunLogs,
    user: Owned,
    *,
    receipt: Callable[[datetime], bytes],
) -> None:
    """Deletes the user's sessions, messages, runs and their logs; may be called any number of times.

    Each transaction seals the user (no question is accepted from the first one on, and no answer
    saved) and deletes some hundreds of rows. A run's row outlives its log, so a crash anywhere
    leaves the ids of the runs whose logs are not yet gone. The transaction that finds nothing
    left puts a `receipt` of the moment of the first sealing into the outbox: nothing is confirmed
    too early.
    """
    run_ids: Sequence[UUID] = ()
    is_more = True
    while is_more:
        async with open_erasure(user) as transaction:
            erased_at = await transaction.seal_owner(utc_now())
            await transaction.delete_runs(run_ids)
            run_ids = await transaction.list_run_ids()
            is_more = bool(run_ids) or await transaction.delete_some()
            if not is_more:
                await transaction.enqueue(USER_ERASED, receipt(erased_at))
        if run_ids:
            await forget_run_logs(run_ids)
