"""Accepts a question: from the commit on it is stored, and its answer will be."""

from dataclasses import dataclass
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.idempotency import RequestKey
from chassis.ids import new_id
from chat_service.domain.connection import Connection
from chat_service.domain.limits import Limits
from chat_service.domain.prompt import PromptMessage, Window, build_prompt
from chat_service.domain.run import Run
from chat_service.domain.session import title_from
from chat_service.usecases.ports import NewRun, OpenTransaction, Turns


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; `session_id` None asks for a session made for it.

    `key_id` None: the session's connection, else the user's default. `model` None: the
    session's, else the connection's. `request` is by what its repetition is known.
    """

    session_id: UUID | None
    content: str
    key_id: UUID | None
    model: str | None
    temperature: float
    max_tokens: int
    request: RequestKey | None = None


@dataclass(frozen=True, slots=True)
class AcceptedRun:
    """A live run, and what its model is to be given; the last message is the question."""

    run: Run
    prompt: tuple[PromptMessage, ...]


class OtherConnection(Exception):
    """The session is set to another connection than was resolved: to `key_id`."""

    def __init__(self, session_id: UUID, key_id: UUID | None) -> None:
        super().__init__()
        self.session_id = session_id
        self.key_id = key_id


async def accept_run(
    turns: Turns,
    open_transaction: OpenTransaction,
    caller: Caller,
    question: Question,
    connection: Connection,
    *,
    owner: str,
    window: Window,
    limits: Limits,
    guessed_key_id: UUID | None = None,
) -> AcceptedRun:
    """Stores the question and its run, owned by replica `owner` at epoch 1, in one transaction.

    `guessed_key_id` is the session's key as it was guessed when `connection` was resolved
    (None: the default was); a question with a key of its own needs no guess. Raises
    SessionNotFound, RunInProgress, TooManyRuns, OwnerErased, IdempotencyKeyReused,
    RepeatedRequest with the run of the same request, or OtherConnection if the guess was wrong:
    then nothing is stored.
    """
    new = NewRun(
        id=new_id(),
        session_id=question.session_id,
        new_session_id=new_id(),
        user_id=caller.user_id,
        tenant_id=caller.tenant_id,
        question_id=new_id(),
        answer_id=new_id(),
        content=question.content,
        title=title_from(question.content),
        key_id=question.key_id,
        provider=connection.provider,
        model=question.model,
        fallback_model=connection.model,
        temperature=question.temperature,
        max_tokens=question.max_tokens,
        owner=owner,
        created_at=utc_now(),
        request=question.request,
    )
    admission = None
    if new.session_id is not None:
        admission = await turns.admit_at_once(new, window, limits.runs_per_user, guessed_key_id)
    if admission is None:
        async with open_transaction(caller) as transaction:
            transaction.lock_owner()
            admission = await transaction.admit_run(new, window, limits.runs_per_user)
            if question.key_id is None and admission.session_key_id != guessed_key_id:
                raise OtherConnection(admission.run.session_id, admission.session_key_id)
    return AcceptedRun(admission.run, build_prompt(admission.earlier, question.content, window))
