"""Ends a run: its answer is stored once, whoever else tries."""

from chassis.clock import utc_now
from chat_service.domain.run import Ending, Run
from chat_service.usecases.ports import OpenTransaction


async def finish_run(open_transaction: OpenTransaction, run: Run, ending: Ending) -> bool:
    """Stores the end of `run` and its answer, in one transaction.

    False: nothing happened, since the run has ended already, has been taken over (another
    epoch), or is gone with its session or its user.
    """
    async with open_transaction(run) as transaction:
        return await transaction.end_run(run, ending, utc_now())
