"""Ends a run because its user says so."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.errors import Unavailable
from chat_service.runs.domain.errors import RunNotFound
from chat_service.runs.store.runs import Runs
from chat_service.runs.usecases.in_memory import InMemory, own

# Ends a run at once if it is generated here; False: it is not.
CancelHere = Callable[[UUID], bool]

# A wish that has been granted already does not wait longer for a database that is away.
_WISH_SECONDS = 1.0


async def cancel_run(
    open_transaction: OpenTransaction,
    in_memory: InMemory,
    cancel_here: CancelHere,
    caller: Caller,
    run_id: UUID,
) -> None:
    """Asks for a run's end: its owner sees to it, at once if it is this replica.

    The wish is written down in any case, for whoever takes the run over; where the run has been
    ended here, a database that is away is no reason to refuse. Of no effect on a run that has
    ended. Raises RunNotFound, OwnerErased.
    """
    here = own(caller, in_memory.find(run_id)) is not None and cancel_here(run_id)
    try:
        async with (
            asyncio.timeout(_WISH_SECONDS if here else None),
            open_transaction(caller) as transaction,
        ):
            await transaction.lock_owner()
            found = await Runs(transaction).request_cancel(run_id)
    except (Unavailable, TimeoutError):
        if here:
            return
        raise
    if not found:
        raise RunNotFound()
    # It may have begun here only now.
    cancel_here(run_id)
