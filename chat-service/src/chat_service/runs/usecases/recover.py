"""What there is of a conversation's last answer, for a reader who comes back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chat_service.answer.domain.ending import RunStatus
from chat_service.conversations.domain.message import Message
from chat_service.conversations.store.messages import Messages
from chat_service.conversations.store.sessions import Sessions
from chat_service.runs.domain.errors import RunNotFound
from chat_service.runs.domain.run import Run
from chat_service.runs.store.runs import Runs
from chat_service.runs.usecases.in_memory import InMemory, known_or_in_memory, own
from chat_service.runs.usecases.read import get_run


@dataclass(frozen=True, slots=True)
class Recalled:
    """What readers of a live run may have seen: all up to frame `seq`, which is the last one if it has `ended`."""

    text: str
    reasoning: str
    seq: int
    ended: bool = False


# Finds it wherever it is; None: there is nothing to be found.
Recall = Callable[[Run], Awaitable[Recalled | None]]


@dataclass(frozen=True, slots=True)
class RecoveredRun:
    """A run and its text: behind frame `seq` the rest of it follows, unless it has `ended` there."""

    run: Run
    text: str
    reasoning: str
    seq: int
    ended: bool

    @property
    def can_continue(self) -> bool:
        """Whether another run may go on with its answer: none is newer."""
        return self.run.can_go_on_with(self.text)


async def recover_run(
    open_transaction: OpenTransaction,
    in_memory: InMemory,
    recall: Recall,
    caller: Caller,
    session_id: UUID,
) -> RecoveredRun:
    """Returns what there is of a session's live run, else of its newest one.

    Without the database where that is away and the run in memory. Raises RunNotFound if the session
    has none, is deleted, or is not the caller's.
    """
    here = own(caller, in_memory.find_unsaved(session_id))
    if here is not None:
        await known_or_in_memory(get_run(open_transaction, caller, here.id), here)
        if (recalled := await recall(here)) is not None:
            return RecoveredRun(
                here, recalled.text, recalled.reasoning, recalled.seq, recalled.ended
            )
    run, answer = await _find_newest(open_transaction, caller, session_id)
    if run.status is RunStatus.RUNNING:
        recalled = await recall(run)
        if recalled is not None:
            return RecoveredRun(
                run, recalled.text, recalled.reasoning, recalled.seq, recalled.ended
            )
        # It may have ended just now, and its log be gone; or it has shown nothing yet.
        run, answer = await _find_newest(open_transaction, caller, session_id)
    if run.status is RunStatus.RUNNING or answer is None:
        return RecoveredRun(run, "", "", 0, ended=False)
    return RecoveredRun(run, answer.content, answer.reasoning or "", run.last_seq, ended=True)


async def _find_newest(
    open_transaction: OpenTransaction, caller: Caller, session_id: UUID
) -> tuple[Run, Message | None]:
    async with open_transaction(caller) as transaction:
        if await Sessions(transaction).find(session_id) is None:
            raise RunNotFound()
        run = await Runs(transaction).find_newest(session_id)
        if run is None:
            raise RunNotFound()
        found = await Messages(transaction).find([run.question_id, run.answer_id])
    if run.question_id not in found:
        # The conversation was cleared since the run was looked for.
        raise RunNotFound()
    return run, found.get(run.answer_id)
