"""Reading one run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction, Owned
from chat_service.answer.domain.ending import RunStatus
from chat_service.conversations.domain.errors import MessageNotFinished, MessageNotFound
from chat_service.conversations.domain.message import Message
from chat_service.conversations.store.messages import Messages
from chat_service.conversations.store.sessions import Sessions
from chat_service.runs.domain.errors import RunNotFound
from chat_service.runs.domain.run import Run
from chat_service.runs.store.runs import Runs
from chat_service.runs.usecases.in_memory import InMemory, known_or_in_memory, own


@dataclass(frozen=True, slots=True)
class RunWithMessages:
    """A run, what was asked, and what was answered once that is saved.

    `can_continue`: another run may go on with its answer.
    """

    run: Run
    question: Message | None
    answer: Message | None
    can_continue: bool = False


#: Reads a run anew, whoever's it is; None: it is gone.
FindRun = Callable[[Run], Awaitable[RunWithMessages | None]]


async def get_run(open_transaction: OpenTransaction, caller: Caller, run_id: UUID) -> Run:
    """Returns the caller's run; raises RunNotFound, also if its session is deleted."""
    async with open_transaction(caller) as transaction:
        run = await Runs(transaction).find_in_sight(run_id)
    if run is None:
        raise RunNotFound()
    return run


async def find_to_follow(
    open_transaction: OpenTransaction, in_memory: InMemory, caller: Caller, run_id: UUID
) -> Run:
    """As get_run, yet without the database where that is away and the run is in memory."""
    return await known_or_in_memory(
        get_run(open_transaction, caller, run_id), own(caller, in_memory.find(run_id))
    )


async def get_run_with_messages(
    open_transaction: OpenTransaction, caller: Caller, run_id: UUID
) -> RunWithMessages:
    """Returns the caller's run with its two messages; raises RunNotFound, also if its session is deleted.

    While a run goes on with an answer, that is not yet its own.
    """
    found = await find_run(open_transaction, caller, run_id, in_sight=True)
    if found is None:
        raise RunNotFound()
    return replace(found, answer=None) if found.run.status is RunStatus.RUNNING else found


async def find_run(
    open_transaction: OpenTransaction, whose: Owned, run_id: UUID, *, in_sight: bool = False
) -> RunWithMessages | None:
    """Returns a run with its two messages; None if it is not there, or not `whose`.

    `in_sight`: also None if its session is deleted.
    """
    async with open_transaction(whose) as transaction:
        runs = Runs(transaction)
        run = await (runs.find_in_sight if in_sight else runs.find)(run_id)
        if run is None:
            return None
        if run.turn is None:
            return RunWithMessages(run, None, None)
        messages = await Messages(transaction).find((run.question_id, run.answer_id))
        question, answer = messages.get(run.question_id), messages.get(run.answer_id)
        if question is None:
            # Its conversation was cleared since the run was looked for.
            return None
        can_continue = False
        if answer is not None and run.can_go_on_with(answer.content):
            can_continue = not await runs.is_followed(run)
    return RunWithMessages(run, question, answer, can_continue)


async def get_message(
    open_transaction: OpenTransaction, caller: Caller, message_id: UUID
) -> Message:
    """Returns one of the caller's messages, whichever session it is in.

    Raises MessageNotFound, also if its session is deleted, and MessageNotFinished while a run writes it or
    goes on with it.
    """
    async with open_transaction(caller) as transaction:
        # Before the message is looked for: it is there as soon as nobody writes it any more.
        if await Runs(transaction).writes(message_id):
            raise MessageNotFinished()
        message = (await Messages(transaction).find([message_id])).get(message_id)
        if message is None or await Sessions(transaction).find(message.session_id) is None:
            raise MessageNotFound()
    return message


async def list_live_runs(open_transaction: OpenTransaction, caller: Caller) -> list[Run]:
    """Returns the caller's live runs that belong to conversations, the newest first."""
    async with open_transaction(caller) as transaction:
        return await Runs(transaction).find_live()
