"""Reading one run."""

from dataclasses import dataclass, replace
from uuid import UUID

from chassis.caller import Caller
from chat_service.domain.message import Message
from chat_service.domain.run import Run, RunStatus
from chat_service.usecases.errors import RunNotFound
from chat_service.usecases.in_memory import InMemory, own
from chat_service.usecases.ports import OpenTransaction, Owned


@dataclass(frozen=True, slots=True)
class RunWithMessages:
    """A run, what was asked, and what was answered once that is saved."""

    run: Run
    question: Message | None
    answer: Message | None


async def get_run(open_transaction: OpenTransaction, caller: Caller, run_id: UUID) -> Run:
    """Returns the caller's run; raises RunNotFound."""
    async with open_transaction(caller) as transaction:
        run = await transaction.find_run(run_id)
    if run is None:
        raise RunNotFound()
    return run


async def find_to_follow(
    open_transaction: OpenTransaction, in_memory: InMemory, caller: Caller, run_id: UUID
) -> Run:
    """As get_run, yet without the database where the run is in memory."""
    return own(caller, in_memory.find(run_id)) or await get_run(open_transaction, caller, run_id)


async def get_run_with_messages(
    open_transaction: OpenTransaction, caller: Caller, run_id: UUID
) -> RunWithMessages:
    """Returns the caller's run with its two messages; raises RunNotFound.

    While a run goes on with an answer, that is not yet its own.
    """
    found = await find_run(open_transaction, caller, run_id)
    if found is None:
        raise RunNotFound()
    return replace(found, answer=None) if found.run.status is RunStatus.RUNNING else found


async def find_run(
    open_transaction: OpenTransaction, whose: Owned, run_id: UUID
) -> RunWithMessages | None:
    """Returns a run with its two messages; None if it is not there, or not `whose`."""
    async with open_transaction(whose) as transaction:
        run = await transaction.find_run(run_id)
        if run is None:
            return None
        found = await transaction.find_messages((run.question_id, run.answer_id))
    messages = {message.id: message for message in found}
    return RunWithMessages(run, messages.get(run.question_id), messages.get(run.answer_id))
