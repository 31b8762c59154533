"""Takes everything of a user's away, and confirms that it has gone."""

from collections.abc import Callable
from datetime import datetime

from chassis.clock import utc_now
from chat_service.usecases.ports import ForgetRunLogs, OpenErasure, Owned

_LOGS_AT_ONCE = 500


async def erase_user(
    open_erasure: OpenErasure,
    forget_run_logs: ForgetRunLogs,
    user: Owned,
    *,
    receipt: Callable[[datetime], bytes],
) -> None:
    """Deletes the user's sessions, messages, runs and their logs; may be called any number of times.

    Two transactions, with the logs in between: the first seals the user (no question is accepted
    from then on, and no answer saved), the second deletes the rows and puts a `receipt`
    of the moment of the first sealing into the outbox. So a crash anywhere leaves the ids of the runs whose logs are not yet gone, and
    nothing is confirmed too early.
    """
    async with open_erasure(user) as transaction:
        erased_at = await transaction.seal_owner(utc_now())
        run_ids = await transaction.list_run_ids()
    for start in range(0, len(run_ids), _LOGS_AT_ONCE):
        await forget_run_logs(run_ids[start : start + _LOGS_AT_ONCE])
    async with open_erasure(user) as transaction:
        await transaction.delete_everything()
        await transaction.enqueue("user.erased", receipt(erased_at))
