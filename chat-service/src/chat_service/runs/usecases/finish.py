"""Ends a run: its answer is stored once, whoever else tries."""

from chassis.clock import utc_now
from chat_service.answer.domain.ending import Ending
from chat_service.runs.domain.run import Run
from chat_service.runs.store.turns import Turns


async def finish_run(turns: Turns, run: Run, ending: Ending) -> bool:
    """Stores the end of `run` and its answer, in one transaction.

    False: nothing happened, since the run has ended already, has been taken over (another
    epoch), or is gone with its session or its user.
    """
    return await turns.end(run, ending, utc_now())
