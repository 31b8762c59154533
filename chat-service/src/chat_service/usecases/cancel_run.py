"""Ends a run because its user says so."""

from collections.abc import Callable
from uuid import UUID

from chassis.caller import Caller
from chat_service.usecases.errors import RunNotFound
from chat_service.usecases.ports import OpenTransaction

# Ends a run at once if it is generated here; False: it is not.
CancelHere = Callable[[UUID], bool]


async def cancel_run(
    open_transaction: OpenTransaction, cancel_here: CancelHere, caller: Caller, run_id: UUID
) -> None:
    """Asks for a run's end: its owner sees to it, at once if it is this replica.

    Of no effect on a run that has ended. Raises RunNotFound, OwnerErased.
    """
    async with open_transaction(caller) as transaction:
        transaction.lock_owner()
        found = await transaction.request_cancel(run_id)
    if not found:
        raise RunNotFound()
    cancel_here(run_id)
